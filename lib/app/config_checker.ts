/** Checks the configuration in a separate thread, and receives the result in pieces. */

import type { Deadline, TimerWheel } from "../base/clock.ts";
import { type Piece, PieceReader } from "../base/pieces.ts";
import type { ConfigDigests } from "../config/changes.ts";
import { sealingKey } from "../base/seal.ts";
import type { RunningWorker, StartWorker } from "../runtime/workers.ts";
import type { CheckedConfig, CheckerData, CheckMessage } from "./check_messages.ts";

export interface CheckerOptions {
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly startWorker: StartWorker;
  readonly timers: TimerWheel;
}

/** A check that takes longer has hung, for example on a network file system that does not respond. */
const MAX_CHECK_MS = 120_000;

/** An idle thread ends after this time, which frees its memory; until then, the next check starts sooner. */
const IDLE_MS = 10_000;

/** After a larger result the thread ends at once: it uses much memory, and starting it is a small part of a check. */
const SMALL_PIECES = 16;

/** Runs one check at a time. */
export class ConfigChecker {
  readonly #options: CheckerOptions;
  #worker: RunningWorker | undefined;
  #check: Check | undefined;
  #idle: Deadline | undefined;
  #isClosed = false;

  constructor(options: CheckerOptions) {
    this.#options = options;
  }

  /**
   * Reads and checks the files, and compares them with the digests. Rejects if the thread fails; the next check starts
   * a new one.
   */
  async check(before: ConfigDigests): Promise<CheckedConfig> {
    if (this.#isClosed) throw new Error(CLOSED);
    if (this.#check !== undefined) throw new Error("Cannot check the configuration twice at once");
    this.#idle?.cancel();
    this.#worker ??= this.#start();
    const check = this.#check = new Check(this.#worker);
    const late = this.#options.timers.after(
      MAX_CHECK_MS,
      () => this.#end(`the check took longer than ${MAX_CHECK_MS / 1000} s`),
    );
    check.start(before);
    try {
      return await check.result;
    } finally {
      late.cancel();
      this.#check = undefined;
      if (check.pieces > SMALL_PIECES) this.#end("idle");
      else if (this.#worker !== undefined) {
        this.#idle = this.#options.timers.after(IDLE_MS, () => this.#end("idle"));
      }
    }
  }

  /** Ends the thread; a check that is running fails. */
  close(): void {
    this.#isClosed = true;
    this.#idle?.cancel();
    this.#end(CLOSED);
  }

  #start(): RunningWorker {
    const { configPath, env } = this.#options;
    return this.#options.startWorker("configuration", {
      data: { configPath, env: { ...env }, sealingKey: sealingKey() } satisfies CheckerData,
      onMessage: (message) => this.#check?.add(message as Piece),
      onEnd: (reason) => {
        this.#worker = undefined;
        this.#check?.fail(new Error(`the thread that checks the configuration ended: ${reason}`));
      },
    });
  }

  #end(reason: string): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#check?.fail(new Error(reason));
    void worker?.end();
  }
}

const CLOSED = "the gateway is shutting down";

class Check {
  readonly result: Promise<CheckedConfig>;
  readonly fail: (error: Error) => void;
  pieces = 0;
  readonly #worker: RunningWorker;
  readonly #reader = new PieceReader();
  readonly #succeed: (checked: CheckedConfig) => void;

  constructor(worker: RunningWorker) {
    const { promise, resolve, reject } = Promise.withResolvers<CheckedConfig>();
    this.#worker = worker;
    this.result = promise;
    this.fail = reject;
    this.#succeed = resolve;
  }

  start(before: ConfigDigests): void {
    this.#send({ check: before });
  }

  /** One piece per turn of the event loop, so that requests are served in between. */
  add(piece: Piece): void {
    this.pieces++;
    this.#reader.add(piece);
    if (this.#reader.value === undefined) this.#send("next");
    else this.#succeed(this.#reader.value as CheckedConfig);
  }

  #send(message: CheckMessage): void {
    this.#worker.send(message);
  }
}
