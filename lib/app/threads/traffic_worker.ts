/** A traffic thread: serves requests like the main thread, and reports to the control plane. */

import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";

import { type Clock, systemClock, TimerWheel } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import { forwardingLogger, type LogLevel } from "../../base/log/log.ts";
import { PieceReader } from "../../base/pieces.ts";
import { unseal } from "../../base/secret.ts";
import { useSealingKey } from "../../base/seal.ts";
import { bunRuntime } from "../../runtime/bun.ts";
import { denoRuntime } from "../../runtime/deno.ts";
import { openSnapshot, type PackedSnapshot } from "../../snapshot/packed_callers.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";
import { SharedStore } from "../../store/shared.ts";
import { LoopLag } from "../../telemetry/loop_lag.ts";
import { type PreparedTraffic, Traffic } from "../traffic.ts";
import { fetchThrough } from "./emulator_port.ts";
import { Link, type LinkMessage } from "./thread_link.ts";
import { Outbox } from "./outbox.ts";
import type {
  ConfigPiece,
  ControlAsks,
  ControlNotices,
  Preparation,
  SealedKeyPair,
  ThreadAsks,
  ThreadData,
  ThreadNotices,
} from "./thread_messages.ts";

/** Receives configurations and serves requests with them. */
class TrafficWorker {
  readonly #data: ThreadData;
  readonly #link: Link<ControlAsks, ControlNotices, ThreadAsks, ThreadNotices>;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #timers: TimerWheel;
  readonly #loopLag: LoopLag;
  #reader = new PieceReader();
  #traffic: Traffic | undefined;
  #prepared: (Preparation & { readonly traffic: PreparedTraffic; readonly level: LogLevel }) | undefined;
  #generation = 0;

  constructor(data: ThreadData, send: (message: LinkMessage) => void) {
    this.#data = data;
    const originMs = data.clockOriginMs;
    const offsetMs = systemClock.now() - originMs - systemClock.monotonic();
    this.#clock = { now: systemClock.now, monotonic: () => systemClock.monotonic() + offsetMs };
    this.#timers = new TimerWheel(this.#clock);
    this.#loopLag = new LoopLag(this.#clock);
    this.#loopLag.start();
    this.#link = new Link<ControlAsks, ControlNotices, ThreadAsks, ThreadNotices>({
      send,
      answers: {
        piece: (piece) => this.#read(piece),
        prepare: (preparation) => this.#prepare(preparation),
        commit: () => this.#commit(),
        leave: () => this.#traffic?.leave(),
        drain: ({ refuse }) => this.#drain(refuse),
        flush: () => this.#flush(),
        inFlight: ({ count }) => this.#traffic?.gateway.pipeline.oldest(count) ?? { total: 0, requests: [] },
      },
      listens: {
        undo: () => this.#undo(),
        abort: () => this.#traffic?.abortAll(),
        lesson: ({ generation, lessons }) => {
          if (generation === this.#generation) this.#traffic?.gateway.lessons.adopt(lessons);
        },
      },
    });
    this.#outbox = new Outbox((batch) => this.#link.ask("settled", batch));
  }

  receive(message: LinkMessage): void {
    this.#link.receive(message);
  }

  /** Logs an unhandled rejection. */
  report(error: unknown): void {
    this.#logger.log("error", "unhandled rejection", {
      error: error instanceof Error ? error.stack : messageOf(error),
    });
  }

  readonly #logger = forwardingLogger(
    systemClock,
    (level, line) => this.#outbox.line(level, line),
  );

  #read({ isFirst, piece }: ConfigPiece): void {
    if (isFirst) this.#reader = new PieceReader();
    this.#reader.add(piece);
  }

  #prepare(preparation: Preparation): void {
    const packed = this.#reader.value as PackedSnapshot | undefined;
    this.#reader = new PieceReader();
    if (packed === undefined) throw new Error("no configuration has been received");
    const snapshot = openSnapshot(packed);
    this.#undo();
    this.#traffic ??= this.#start(snapshot);
    const traffic = this.#traffic.prepare(snapshot, preparation.listen);
    this.#prepared = { ...preparation, traffic, level: snapshot.log.level };
  }

  #undo(): void {
    this.#prepared?.traffic.undo();
    this.#prepared = undefined;
  }

  async #commit(): Promise<void> {
    const prepared = this.#prepared;
    const traffic = this.#traffic;
    if (prepared === undefined || traffic === undefined) throw new Error("nothing has been prepared");
    this.#prepared = undefined;
    this.#generation = prepared.generation;
    this.#logger.level = prepared.level;
    const searched = prepared.traffic.commit();
    for (const lessons of prepared.lessons) traffic.gateway.lessons.adopt(lessons);
    await searched;
  }

  async #drain(refuse: boolean): Promise<void> {
    await this.#traffic?.drain(refuse);
    this.#traffic?.close();
    this.#loopLag.stop();
    await this.#outbox.flush();
  }

  async #flush(): Promise<{ readonly loopLagMs: number }> {
    await this.#outbox.flush();
    return { loopLagMs: this.#loopLag.maxMs };
  }

  #start(snapshot: Snapshot): Traffic {
    const { access, env, version, hasViews, startedMs } = this.#data;
    const link = this.#link;
    const logger = this.#logger;
    return new Traffic({
      clock: this.#clock,
      timers: this.#timers,
      logger,
      runtime: "Bun" in globalThis ? bunRuntime : denoRuntime,
      env,
      version,
      startedMs,
      snapshot,
      shared: true,
      store: new SharedStore(
        access,
        () => logger.log("warn", "the table of shared counters is full"),
      ),
      sinks: [this.#outbox.record],
      emulator: fetchThrough({
        send: (request) => link.ask("emulate", request),
        read: async (stream) => {
          const bytes = await link.ask("emulatedBytes", { stream });
          return bytes && new Uint8Array(bytes);
        },
        abandon: (stream) => link.tell("abandon", { stream }),
      }),
      askKeyPair: async (question) => opened(await link.ask("keyPair", question)),
      views: hasViews
        ? {
          usage: (caller, parameters) =>
            link.ask("usage", { caller: caller.name, parameters: parameters.toString() }),
          budgets: (caller) => link.ask("budgets", { caller: caller.name }),
        }
        : undefined,
      budgets: {
        rows: undefined,
        onChanged: this.#outbox.budget,
      },
      news: {
        onLearned: (lessons) => link.tell("learned", { generation: this.#generation, lessons }),
        onUsedTarget: (place) => link.tell("usedTarget", { place }),
        onUsedLimit: (subject) => link.tell("usedLimit", subject),
      },
    });
  }
}

function opened({ secretAccessKey, sessionToken, ...pair }: SealedKeyPair) {
  return {
    ...pair,
    secretAccessKey: unseal(secretAccessKey),
    sessionToken: sessionToken && unseal(sessionToken),
  };
}

if (parentPort !== null) {
  const port = parentPort;
  const data: ThreadData = workerData;
  useSealingKey(data.sealingKey);
  const worker = new TrafficWorker(data, (message) => port.postMessage(message));
  process.on("unhandledRejection", (error) => worker.report(error));
  port.on("message", (message: LinkMessage) => worker.receive(message));
}
