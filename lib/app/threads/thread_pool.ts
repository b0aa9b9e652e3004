/** The traffic threads: as many as the configuration says, all with the same configuration, replaced when they die. */

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
import { MAX_THREADS } from "../../store/name_index.ts";
import type { SharedStore, StoreAccess } from "../../store/shared.ts";
import type { Traffic } from "../traffic.ts";
import { Turns } from "../turns.ts";
import type { Lesson, Preparation } from "./thread_messages.ts";
import { type ThreadHost, TrafficThread } from "./traffic_thread.ts";

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

/** What `/-/status` shows of a thread. */
export interface ThreadStatus {
  /** 0 is the main thread. */
  readonly thread: number;
  readonly alive: boolean;
  /** For how long it has not answered, if that is long. */
  readonly silent_s?: number;
  readonly loop_lag_ms: number;
}

/** A configuration, as it is sent and as the main thread uses it. */
export interface PoolConfig {
  readonly packed: PackedSnapshot;
  readonly snapshot: Snapshot;
  readonly generation: number;
}

/** A configuration that all threads could serve with. */
export interface PreparedThreads {
  /** Serves with it from now on. Resolves when new credentials have been searched for, and old sockets are closed. */
  commit(): Promise<void>;
  /** Nothing has changed. */
  undo(): void;
}

/** Only Linux spreads the connections to one port among several sockets. */
const CAN_SHARE = process.platform === "linux";
/** More than these would wait for each other more than they help. */
const MAX_AUTO = 8;
/** Threads are started when the first requests may have been answered, which they would delay. */
const AFTER_START_MS = 100;
const WATCH_MS = 1_000;
/** A thread that has not answered for this long is reported. */
const SILENT_MS = 10_000;
/** Pauses before the second and later replacements of threads that die at once. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;
/** Whoever wants to know what has ended waits for a thread this long. */
const FLUSH_MS = 1_000;

/** All threads that serve, of which the main one is only the first until others are ready. */
export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  readonly #turns = new Turns<void>();
  #threads: readonly TrafficThread[] = [];
  /** Of every thread that is not ended, whether it serves or not. */
  readonly #accesses = new Map<TrafficThread, StoreAccess>();
  readonly #silent = new Set<TrafficThread>();
  #wanted = 0;
  /** In use. */
  #config: PoolConfig | undefined;
  #hasHandedOver = false;
  #isEnding = false;
  #pauseMs = 0;
  #lastDeathMs = -Infinity;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
  }

  /** Number of threads that serve. */
  get count(): number {
    return this.#hasHandedOver ? this.#threads.length : 1 + this.#threads.length;
  }

  get urls(): readonly string[] {
    return this.#options.local.urls;
  }

  /** Whether every thread has answered lately. */
  get isAlive(): boolean {
    return this.#threads.every(({ silentMs }) => silentMs < SILENT_MS);
  }

  /** Longest delay of the event loop of any thread but the main one. */
  get loopLagMs(): number {
    return Math.max(0, ...this.#threads.map(({ loopLagMs }) => loopLagMs));
  }

  /** Of all threads that serve; the main thread's loop lag is given. */
  status(ownLagMs: number): readonly ThreadStatus[] {
    const own = { thread: 0, alive: true, loop_lag_ms: Math.round(ownLagMs) };
    const others = this.#threads.map(({ number, silentMs, loopLagMs }) => ({
      thread: number,
      alive: silentMs < SILENT_MS,
      ...(silentMs >= SILENT_MS && { silent_s: Math.round(silentMs / 1000) }),
      loop_lag_ms: Math.round(loopLagMs),
    }));
    return this.#hasHandedOver ? others : [own, ...others];
  }

  /** Serves with the first configuration, in the main thread at once; others follow. Throws if it cannot listen. */
  start(config: PoolConfig): PreparedThreads {
    const prepared = this.#options.local.prepare(config.snapshot);
    return {
      undo: prepared.undo,
      commit: () => {
        this.#config = config;
        this.#wanted = wantedBy(config.snapshot);
        this.#warnOfPlatform(config.snapshot);
        this.#fillSoon(AFTER_START_MS);
        this.#options.timers.after(WATCH_MS, () => this.#watch());
        return prepared.commit();
      },
    };
  }

  /** Makes all threads ready for another configuration. Rejects if one cannot be; then nothing has changed. */
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
    if (mustTakeBack) local.takeBack();
    const kept = this.#threads.slice(0, wanted);
    const added: TrafficThread[] = [];
    const undos: (() => void)[] = [() => {
      if (mustTakeBack) local.handOver();
      for (const thread of kept) thread.undo();
      for (const thread of added) this.#end(thread);
    }];
    const undo = () => undos.forEach((each) => each());
    try {
      const own = local.prepare(snapshot);
      undos.push(own.undo);
      for (let missing = wanted - kept.length; missing > 0; missing--) added.push(this.#start());
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
          return allDone([own.commit(), this.#use(threads, threads)]);
        },
      };
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** Serves with threads that are ready; those that are not among them leave. */
  async #use(threads: readonly TrafficThread[], prepared: readonly TrafficThread[]): Promise<void> {
    const leaving = this.#threads.filter((thread) => !threads.includes(thread));
    this.#threads = threads.filter((thread) => this.#accesses.has(thread));
    const searches = prepared.map((thread) => thread.commit());
    if (this.#threads.length > 0) {
      this.#hasHandedOver = true;
      // Also what the main thread has just opened, to find out that it can be.
      this.#options.local.handOver();
    }
    // Until they have closed their sockets, connections are still made to them.
    const left = leaving.map((thread) => thread.leave());
    for (const thread of leaving) void this.#leave(thread);
    if (this.#threads.length < this.#wanted) this.#fillSoon(0);
    await Promise.allSettled([...searches, ...left]);
  }

  /** Starts what is missing, such as after the start or a death. */
  async #fill(): Promise<void> {
    const missing = this.#wanted - this.#threads.length;
    const config = this.#config;
    if (missing <= 0 || this.#isEnding || config === undefined) return;
    const { local, logger } = this.#options;
    const added: TrafficThread[] = [];
    try {
      while (added.length < missing) added.push(this.#start());
      const lessons = local.gateway.lessons.list();
      const preparation = { generation: config.generation, listen: local.bound, lessons };
      await prepareAll(added, await toPiecesInTurns(config.packed), preparation);
      if (this.#isEnding) throw new Error("the gateway is shutting down");
      // Requests wait for credentials, other changes do not.
      void this.#use([...this.#threads, ...added], added);
      logger.log("info", "traffic threads started", { threads: this.#threads.length });
    } catch (error) {
      for (const thread of added) this.#end(thread);
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

  #start(): TrafficThread {
    const { store, env, version, startedMs, host, runtime, timers, clock } = this.#options;
    const used = new Set([...this.#accesses.values()].map(({ thread }) => thread));
    const number = Array.from({ length: MAX_THREADS - 1 }, (_, index) => index + 1)
      .find((each) => !used.has(each));
    if (number === undefined) throw new Error("threads of earlier configurations still answer requests");
    const own = store.accessFor(number);
    const thread: TrafficThread = new TrafficThread({
      data: {
        access: own,
        sealingKey: sealingKey(),
        env: { ...env },
        version,
        startedMs,
        clockOriginMs: clock.now() - clock.monotonic(),
      },
      host,
      startWorker: runtime.startWorker,
      timers,
      onLearned: (lesson) => this.#teach(lesson, thread),
      onEnd: (reason) => this.#onDeath(thread, reason),
    });
    this.#accesses.set(thread, own);
    return thread;
  }

  #onDeath(thread: TrafficThread, reason: string): void {
    this.#giveBack(thread);
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

  #giveBack(thread: TrafficThread): void {
    const access = this.#accesses.get(thread);
    if (access === undefined) return;
    this.#accesses.delete(thread);
    this.#silent.delete(thread);
    this.#options.store.giveBack(access);
  }

  #end(thread: TrafficThread): void {
    void thread.end().then(() => this.#giveBack(thread));
  }

  async #leave(thread: TrafficThread): Promise<void> {
    await thread.drain({ refuse: false }).catch(() => {});
    this.#end(thread);
  }

  #teach(lesson: Lesson, from: TrafficThread): void {
    if (lesson.generation !== this.#config?.generation) return;
    this.#options.local.gateway.lessons.adopt(lesson.lessons);
    for (const thread of this.#threads) if (thread !== from) thread.teach(lesson);
  }

  /** Passes on what the main thread has learned. */
  teachAll(lessons: Lesson["lessons"]): void {
    const { generation = 0 } = this.#config ?? {};
    for (const thread of this.#threads) thread.teach({ generation, lessons });
  }

  /** Resolves when everything about the requests that have ended has arrived, from all threads that answer. */
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
    const drained = [...this.#accesses.keys()].map((thread) => thread.drain({ refuse: true }));
    await Promise.allSettled([this.#options.local.drain(), ...drained]);
  }

  /** Ends every in-flight request in all threads. */
  abortAll(): void {
    this.#options.local.abortAll();
    for (const thread of this.#accesses.keys()) thread.abortAll();
  }

  /** Ends all threads but the main one. */
  async close(): Promise<void> {
    this.#isEnding = true;
    this.#options.local.close();
    await Promise.all([...this.#accesses.keys()].map((thread) => thread.end()));
  }

  /** Asks every thread for a sign of life. */
  #watch(): void {
    if (this.#isEnding) return;
    for (const thread of this.#threads) {
      if (thread.silentMs === 0) void thread.flush().catch(() => {});
      this.#report(thread);
    }
    this.#options.timers.after(WATCH_MS, () => this.#watch());
  }

  #report(thread: TrafficThread): void {
    const { logger } = this.#options;
    const { number, silentMs } = thread;
    const isSilent = silentMs >= SILENT_MS;
    if (isSilent === this.#silent.has(thread)) return;
    if (isSilent) {
      this.#silent.add(thread);
      logger.log("error", "a traffic thread does not answer", {
        thread: number,
        silent_s: Math.round(silentMs / 1000),
      });
    } else {
      this.#silent.delete(thread);
      logger.log("info", "a traffic thread answers again", { thread: number });
    }
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.timers.after(ms, resolve));
  }

  /** Waits until no other change is being made; the result ends the turn. */
  #turn(): Promise<() => void> {
    const began = Promise.withResolvers<() => void>();
    void this.#turns.take(() => new Promise<void>((end) => began.resolve(end)));
    return began.promise;
  }
}

/** Number of threads besides the main one; 0 if that serves alone. */
function wantedBy({ threads }: Snapshot): number {
  if (!CAN_SHARE) return 0;
  const count = threads === "auto" ? Math.min(MAX_AUTO, availableParallelism()) : threads;
  return count === 1 ? 0 : count;
}

async function allDone(all: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(all);
}

/** Rejects with the first failure, once all have an answer. */
async function prepareAll(
  threads: readonly TrafficThread[],
  pieces: readonly Piece[],
  preparation: Preparation,
): Promise<void> {
  const results = await Promise.allSettled(threads.map((thread) => thread.prepare(pieces, preparation)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
