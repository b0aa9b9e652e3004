/** Watches the traffic threads: reports those that stop answering, and when they answer again. */

import type { TimerWheel } from "../../base/clock.ts";
import type { Logger } from "../../base/log/log.ts";
import type { TrafficThread } from "./traffic_thread.ts";

/** A thread in `/-/status`. */
export interface ThreadStatus {
  /** 0 is the main thread. */
  readonly thread: number;
  readonly alive: boolean;
  /** Time without an answer, if that is long. */
  readonly silent_s?: number;
  readonly loop_lag_ms: number;
}

export interface ThreadWatchOptions {
  readonly timers: TimerWheel;
  readonly logger: Logger;
  /** The threads that serve, without the main one. */
  readonly threads: () => readonly TrafficThread[];
}

const INTERVAL_MS = 1_000;
/** A thread that has not answered for this long is reported. */
const SILENT_MS = 10_000;

/** Asks every thread for a sign of life once a second. */
export class ThreadWatch {
  readonly #options: ThreadWatchOptions;
  readonly #silent = new WeakSet<TrafficThread>();
  #isOver = false;

  constructor(options: ThreadWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.timers.after(INTERVAL_MS, () => this.#turn());
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Whether every thread has answered lately. */
  get isAlive(): boolean {
    return !this.#options.threads().some(isSilent);
  }

  get status(): readonly ThreadStatus[] {
    return this.#options.threads().map((thread) => ({
      thread: thread.number,
      alive: !isSilent(thread),
      ...(isSilent(thread) && { silent_s: Math.round(thread.silentMs / 1000) }),
      loop_lag_ms: Math.round(thread.loopLagMs),
    }));
  }

  #turn(): void {
    if (this.#isOver) return;
    for (const thread of this.#options.threads()) {
      // The answer to a flush shows that the thread is alive.
      if (thread.silentMs === 0) void thread.flush().catch(() => {});
      this.#report(thread);
    }
    this.start();
  }

  #report(thread: TrafficThread): void {
    const { logger } = this.#options;
    if (isSilent(thread) === this.#silent.has(thread)) return;
    if (isSilent(thread)) {
      this.#silent.add(thread);
      logger.log("error", "a traffic thread does not answer", {
        thread: thread.number,
        silent_s: Math.round(thread.silentMs / 1000),
      });
    } else {
      this.#silent.delete(thread);
      logger.log("info", "a traffic thread answers again", { thread: thread.number });
    }
  }
}

function isSilent({ silentMs }: TrafficThread): boolean {
  return silentMs >= SILENT_MS;
}
