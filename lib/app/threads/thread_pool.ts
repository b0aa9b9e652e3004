/** The traffic threads: their number and configuration follow the file, and those that die are replaced. */

import { availableParallelism } from "node:os";
import process from "node:process";

import type { Clock, TimerWheel } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log/log.ts";
import { type Piece, toPiecesInTurns } from "../../base/pieces.ts";
import { sealingKey } from "../../base/seal.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { InFlight } from "../../snapshot/in_flight.ts";
import type { PackedSnapshot } from "../../snapshot/packed_callers.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";
import type { SharedStore } from "../../store/shared.ts";
import type { Traffic } from "../traffic.ts";
import { Turns } from "../turns.ts";
import { LiveThreads } from "./live_threads.ts";
import type { Lesson, Preparation } from "./thread_messages.ts";
import { type ThreadStatus, ThreadWatch } from "./thread_watch.ts";
import type { ThreadHost, TrafficThread } from "./traffic_thread.ts";

export interface ThreadPoolOptions {
  /** The main thread's own, which serves while there are no others. */
  readonly local: Traffic;
  readonly host: ThreadHost;
  readonly runtime: Pick<Runtime, "startWorker">;
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly startedMs: number;
  readonly store: SharedStore;
}

/** A configuration, both in the form that is sent to threads and in that which the main thread uses. */
export interface PoolConfig {
  readonly packed: PackedSnapshot;
  readonly snapshot: Snapshot;
  readonly generation: number;
}

/** A configuration that all threads are ready to serve with. */
export interface PreparedThreads {
  /** Uses it from now on. Resolves when new credentials have been searched for and old sockets are closed. */
  commit(): Promise<void>;
  /** Discards it; nothing has changed. */
  undo(): void;
}

/** Only Linux spreads the connections to one port among several sockets. */
const CAN_SHARE = process.platform === "linux";
/** Beyond this number, threads wait for each other more than they help. */
const MAX_AUTO = 8;
/** Starting threads delays requests, so the first requests get a moment's lead. */
const AFTER_START_MS = 100;
/** Pauses before the second and later replacements of threads that die soon after their start. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;
/** How long a flush waits for a thread. */
const FLUSH_MS = 1_000;

/** All threads that serve. The main thread serves only until others are ready, or if it is alone. */
export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  readonly #turns = new Turns<void>();
  readonly #live: LiveThreads;
  readonly #watch: ThreadWatch;
  /** Those that serve, without the main one. */
  #threads: readonly TrafficThread[] = [];
  #wanted = 0;
  /** In use. */
  #config: PoolConfig | undefined;
  #hasHandedOver = false;
  #isEnding = false;
  #pauseMs = 0;
  #lastDeathMs = -Infinity;

  constructor(options: ThreadPoolOptions) {
    const { store, env, version, startedMs, host, runtime, timers, clock, logger } = options;
    this.#options = options;
    this.#live = new LiveThreads({
      store,
      host,
      startWorker: runtime.startWorker,
      timers,
      data: () => ({
        sealingKey: sealingKey(),
        env: { ...env },
        version,
        hasViews: host.hasViews,
        startedMs,
        clockOriginMs: clock.now() - clock.monotonic(),
      }),
      onLearned: (lesson, thread) => this.#teach(lesson, thread),
      onEnd: (thread, reason) => this.#onDeath(thread, reason),
    });
    this.#watch = new ThreadWatch({ timers, logger, threads: () => this.#threads });
  }

  /** Number of threads that serve. */
  get count(): number {
    return this.#hasHandedOver ? this.#threads.length : 1 + this.#threads.length;
  }

  /** Whether every thread has answered lately. */
  get isAlive(): boolean {
    return this.#watch.isAlive;
  }

  /** Longest event loop delay of all threads except the main one. */
  get loopLagMs(): number {
    return Math.max(0, ...this.#threads.map(({ loopLagMs }) => loopLagMs));
  }

  /** Every thread that serves; the loop lag is the main thread's. */
  status(ownLagMs: number): readonly ThreadStatus[] {
    const own = { thread: 0, alive: true, loop_lag_ms: Math.round(ownLagMs) };
    return this.#hasHandedOver ? this.#watch.status : [own, ...this.#watch.status];
  }

  /** Serves with the first configuration: the main thread at once, others later. Throws if it cannot listen. */
  start(config: PoolConfig): PreparedThreads {
    const prepared = this.#options.local.prepare(config.snapshot);
    return {
      undo: prepared.undo,
      commit: () => {
        this.#config = config;
        this.#wanted = wantedBy(config.snapshot);
        this.#warnOfPlatform(config.snapshot);
        this.#fillSoon(AFTER_START_MS);
        this.#watch.start();
        return prepared.commit();
      },
    };
  }

  /** Makes all threads ready for another configuration. Rejects if one fails; then nothing has changed. */
  async prepare(config: PoolConfig): Promise<PreparedThreads> {
    const release = await this.#turn();
    try {
      const prepared = await this.#prepare(config);
      return {
        undo: () => {
          prepared.undo();
          release();
        },
        commit: () => {
          const searched = prepared.commit();
          release();
          return searched;
        },
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  #warnOfPlatform({ threads }: Snapshot): void {
    if (CAN_SHARE || threads === "auto" || threads === 1) return;
    this.#options.logger.log("warn", "one thread serves: only Linux spreads the connections to one port", {
      threads,
    });
  }

  async #prepare(config: PoolConfig): Promise<PreparedThreads> {
    const { snapshot, generation } = config;
    const { local } = this.#options;
    const wanted = wantedBy(snapshot);
    const mustTakeBack = wanted === 0 && this.#hasHandedOver;
    const kept = this.#threads.slice(0, wanted);
    const added: TrafficThread[] = [];
    const undos: (() => void)[] = [() => {
      if (mustTakeBack) local.handOver();
      for (const thread of kept) thread.undo();
      for (const thread of added) void this.#live.end(thread);
    }];
    const undo = () => undos.forEach((each) => each());
    try {
      if (mustTakeBack) local.takeBack();
      const own = local.prepare(snapshot);
      undos.push(own.undo);
      for (let missing = wanted - kept.length; missing > 0; missing--) added.push(this.#live.start());
      const preparation = { generation, listen: own.bound, lessons: [] };
      await prepareAll(
        [...kept, ...added],
        wanted === 0 ? [] : await toPiecesInTurns(config.packed),
        preparation,
      );
      return {
        undo,
        commit: () => {
          this.#config = config;
          this.#wanted = wanted;
          if (mustTakeBack) this.#hasHandedOver = false;
          const threads = [...kept, ...added];
          return allSettled([own.commit(), this.#use(threads, threads)]);
        },
      };
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** Serves with these threads, of which some have prepared another configuration; all others leave. */
  async #use(threads: readonly TrafficThread[], prepared: readonly TrafficThread[]): Promise<void> {
    const leaving = this.#threads.filter((thread) => !threads.includes(thread));
    this.#threads = threads.filter((thread) => this.#live.has(thread));
    const searches = prepared.map((thread) => thread.commit());
    if (this.#threads.length > 0) {
      this.#hasHandedOver = true;
      // Includes sockets that the main thread has opened only to find out whether it can.
      this.#options.local.handOver();
    }
    // They still get connections until they have closed their sockets.
    const left = leaving.map((thread) => thread.leave());
    for (const thread of leaving) void this.#leave(thread);
    if (this.#threads.length < this.#wanted) this.#fillSoon(0);
    await Promise.allSettled([...searches, ...left]);
  }

  /** Starts the threads that are missing, after the start or a death. */
  async #fill(): Promise<void> {
    const missing = this.#wanted - this.#threads.length;
    const config = this.#config;
    if (missing <= 0 || this.#isEnding || config === undefined) return;
    const { local, logger } = this.#options;
    const added: TrafficThread[] = [];
    try {
      while (added.length < missing) added.push(this.#live.start());
      const lessons = local.gateway.lessons.list();
      const preparation = { generation: config.generation, listen: local.bound, lessons };
      await prepareAll(added, await toPiecesInTurns(config.packed), preparation);
      if (this.#isEnding) throw new Error("the gateway is shutting down");
      // Requests wait for credentials; the next change need not.
      void this.#use([...this.#threads, ...added], added);
      logger.log("info", "traffic threads started", { threads: this.#threads.length });
    } catch (error) {
      for (const thread of added) void this.#live.end(thread);
      if (this.#isEnding) return;
      logger.log("error", "cannot start traffic threads", { error: messageOf(error) });
      this.#fillSoon(this.#nextPause());
    }
  }

  #fillSoon(afterMs: number): void {
    const fill = () => void this.#turns.take(() => this.#fill());
    if (afterMs === 0) fill();
    else this.#options.timers.after(afterMs, fill);
  }

  #nextPause(): number {
    const nowMs = this.#options.clock.monotonic();
    const isAgain = nowMs - this.#lastDeathMs < MAX_PAUSE_MS;
    this.#lastDeathMs = nowMs;
    this.#pauseMs = isAgain ? Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * this.#pauseMs)) : 0;
    return this.#pauseMs;
  }

  #onDeath(thread: TrafficThread, reason: string): void {
    const wasServing = this.#threads.includes(thread);
    this.#threads = this.#threads.filter((each) => each !== thread);
    if (!wasServing) return;
    const { logger, local } = this.#options;
    logger.log("error", "a traffic thread has died; its requests are lost", {
      thread: thread.number,
      reason,
    });
    if (this.#isEnding) return;
    try {
      if (this.#threads.length === 0 && this.#hasHandedOver) {
        local.takeBack();
        this.#hasHandedOver = false;
      }
    } catch (error) {
      logger.log("error", "cannot listen in the main thread", { error: messageOf(error) });
    }
    this.#fillSoon(this.#nextPause());
  }

  async #leave(thread: TrafficThread): Promise<void> {
    await thread.drain({ refuse: false }).catch(() => {});
    await this.#live.end(thread);
  }

  #teach(lesson: Lesson, from: TrafficThread): void {
    if (lesson.generation !== this.#config?.generation) return;
    this.#options.local.gateway.lessons.adopt(lesson.lessons);
    for (const thread of this.#threads) if (thread !== from) thread.teach(lesson);
  }

  /** Passes on a lesson that the main thread has learned. */
  teachAll(lessons: Lesson["lessons"]): void {
    const { generation = 0 } = this.#config ?? {};
    for (const thread of this.#threads) thread.teach({ generation, lessons });
  }

  /** Resolves when the reports on all ended requests have arrived, from all threads that answer. */
  async flush(): Promise<void> {
    if (this.#threads.length === 0) return;
    const answering = this.#threads.filter(({ silentMs }) => silentMs < FLUSH_MS);
    const arrived = Promise.allSettled(answering.map((thread) => thread.flush()));
    await Promise.race([arrived, this.#pass(FLUSH_MS)]);
  }

  /** The requests that have been in flight longest, of all threads that answer. */
  async inFlight(count: number): Promise<InFlight> {
    const { pipeline } = this.#options.local.gateway;
    const asked = this.#threads.map((thread) => thread.inFlight(count).catch(() => undefined));
    const late = this.#pass(FLUSH_MS).then(() => undefined);
    const found = await Promise.all(asked.map((each) => Promise.race([each, late])));
    const requests = [pipeline.oldest(count), ...found].flatMap((each) => each?.requests ?? [])
      .toSorted((one, other) => one.startedAtMs - other.startedAtMs);
    return { total: pipeline.inFlight, requests: requests.slice(0, count) };
  }

  /** Stops accepting in all threads. Resolves when every request has been answered. */
  async drain(): Promise<void> {
    this.#isEnding = true;
    this.#watch.stop();
    const drained = this.#live.all.map((thread) => thread.drain({ refuse: true }));
    await Promise.allSettled([this.#options.local.drain(), ...drained]);
  }

  /** Ends every in-flight request in all threads. */
  abortAll(): void {
    this.#options.local.abortAll();
    for (const thread of this.#live.all) thread.abortAll();
  }

  /** Ends all threads except the main one. */
  async close(): Promise<void> {
    this.#isEnding = true;
    this.#options.local.close();
    await Promise.all(this.#live.all.map((thread) => thread.end()));
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.timers.after(ms, resolve));
  }

  /** Waits until no other change is in progress; calling the result ends the turn. */
  #turn(): Promise<() => void> {
    const began = Promise.withResolvers<() => void>();
    void this.#turns.take(() => new Promise<void>((end) => began.resolve(end)));
    return began.promise;
  }
}

/** Number of threads apart from the main one; 0 if the main thread serves alone. */
function wantedBy({ threads }: Snapshot): number {
  if (!CAN_SHARE) return 0;
  const count = threads === "auto" ? Math.min(MAX_AUTO, availableParallelism()) : threads;
  return count === 1 ? 0 : count;
}

async function allSettled(all: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(all);
}

/** Rejects with the first failure, once all have answered. */
async function prepareAll(
  threads: readonly TrafficThread[],
  pieces: readonly Piece[],
  preparation: Preparation,
): Promise<void> {
  const results = await Promise.allSettled(threads.map((thread) => thread.prepare(pieces, preparation)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
