/** One traffic thread, as the control plane sees it. */

import type { Deadline, TimerWheel } from "../../base/clock.ts";
import type { Piece } from "../../base/pieces.ts";
import { seal } from "../../base/secret.ts";
import type { UsedSubject } from "../../gateway/limits/rule_book.ts";
import type { AskKeyPair } from "../../providers/bedrock/provider_credentials.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import type { RunningWorker, StartWorker } from "../../runtime/workers.ts";
import type { InFlight } from "../../snapshot/in_flight.ts";
import { EmulatorStreams } from "./emulator_port.ts";
import { Link, type LinkMessage } from "./thread_link.ts";
import type {
  ControlAsks,
  ControlNotices,
  Lesson,
  Preparation,
  SealedKeyPair,
  Settled,
  ThreadAsks,
  ThreadData,
  ThreadNotices,
} from "./thread_messages.ts";

/** Services of the control plane for threads. */
export interface ThreadHost {
  readonly emulator: Fetch;
  readonly settled: (batch: Settled) => void;
  readonly keyPair: AskKeyPair;
  /** Whether `usage` and `budgets` can be asked. */
  readonly hasViews: boolean;
  readonly usage: (caller: string, parameters: string) => Promise<object>;
  readonly budgets: (caller: string) => Promise<object>;
  readonly usedTarget: (place: string) => void;
  readonly usedLimit: (subject: UsedSubject) => void;
}

export interface TrafficThreadOptions {
  readonly data: ThreadData;
  readonly host: ThreadHost;
  readonly startWorker: StartWorker;
  readonly timers: TimerWheel;
  readonly onLearned: (lesson: Lesson) => void;
  /** Called when the thread ends by itself. */
  readonly onEnd: (reason: string) => void;
}

/** A thread that takes longer to prepare a configuration has failed. */
const MAX_PREPARE_MS = 30_000;

/** The constructor starts the thread. */
export class TrafficThread {
  /** Below `MAX_THREADS`; 0 is the main thread. */
  readonly number: number;
  readonly #link: Link<ThreadAsks, ThreadNotices, ControlAsks, ControlNotices>;
  readonly #worker: RunningWorker;
  readonly #streams: EmulatorStreams;
  readonly #timers: TimerWheel;
  /** Time of the oldest unanswered flush; undefined if there is none. */
  #askedMs: number | undefined;
  #loopLagMs = 0;
  /** The pieces of the configuration that is being sent. */
  #sending: readonly Piece[] = [];

  constructor({ data, host, startWorker, timers, onLearned, onEnd }: TrafficThreadOptions) {
    this.number = data.access.thread;
    this.#timers = timers;
    this.#streams = new EmulatorStreams(host.emulator);
    this.#link = new Link<ThreadAsks, ThreadNotices, ControlAsks, ControlNotices>({
      send: (message) => this.#worker.send(message),
      answers: {
        keyPair: async (question) => sealed(await host.keyPair(question)),
        usage: ({ caller, parameters }) => host.usage(caller, parameters),
        budgets: ({ caller }) => host.budgets(caller),
        emulate: (request) => this.#streams.send(request),
        emulatedBytes: async ({ stream }) => (await this.#streams.read(stream))?.slice().buffer,
        settled: host.settled,
      },
      listens: {
        abandon: ({ stream }) => this.#streams.abandon(stream),
        learned: onLearned,
        usedTarget: ({ place }) => host.usedTarget(place),
        usedLimit: host.usedLimit,
      },
    });
    this.#worker = startWorker("traffic", {
      data,
      onMessage: (message) => this.#link.receive(message as LinkMessage),
      onEnd: (reason) => {
        this.#close(reason);
        onEnd(reason);
      },
    });
  }

  /** Sends a configuration; resolves when the thread is ready to serve with it. */
  async prepare(pieces: readonly Piece[], preparation: Preparation): Promise<void> {
    await this.#within(MAX_PREPARE_MS, this.#prepare(pieces, preparation));
  }

  async #prepare(pieces: readonly Piece[], preparation: Preparation): Promise<void> {
    this.#sending = pieces;
    for (const piece of pieces) {
      await this.#link.ask("piece", { isFirst: piece === pieces[0], piece });
      if (this.#sending !== pieces) throw new Error("the configuration is no longer needed");
    }
    await this.#link.ask("prepare", preparation);
  }

  /** Uses the prepared configuration. Resolves when new credentials have been searched for. */
  commit(): Promise<void> {
    return this.#link.ask("commit", undefined);
  }

  /** Discards the prepared configuration, and stops sending one to a thread that has not answered in time. */
  undo(): void {
    this.#sending = [];
    this.#link.tell("undo", undefined);
  }

  /** Stops accepting connections; resolves when it has. */
  leave(): Promise<void> {
    return this.#link.ask("leave", undefined);
  }

  /** Stops accepting; resolves when all requests have been answered. */
  drain(options: ThreadAsks["drain"]["question"]): Promise<void> {
    return this.#link.ask("drain", options);
  }

  /** Ends every in-flight request. */
  abortAll(): void {
    this.#link.tell("abort", undefined);
  }

  inFlight(count: number): Promise<InFlight> {
    return this.#link.ask("inFlight", { count });
  }

  teach(lesson: Lesson): void {
    this.#link.tell("lesson", lesson);
  }

  /** Resolves when the reports on all ended requests have arrived. */
  async flush(): Promise<void> {
    const askedMs = this.#timers.clock.monotonic();
    this.#askedMs ??= askedMs;
    const { loopLagMs } = await this.#link.ask("flush", undefined);
    this.#loopLagMs = loopLagMs;
    // Any answer shows that the thread is alive, even if later questions are still open.
    this.#askedMs = undefined;
  }

  /** How long the thread has not answered, in milliseconds. */
  get silentMs(): number {
    return this.#askedMs === undefined ? 0 : this.#timers.clock.monotonic() - this.#askedMs;
  }

  /** Longest recent event loop delay, in milliseconds. */
  get loopLagMs(): number {
    return this.#loopLagMs;
  }

  /** Ends the thread, whatever it is doing. */
  async end(): Promise<void> {
    this.#close("the thread is no longer needed");
    await this.#worker.end();
  }

  #close(reason: string): void {
    this.#link.end(`traffic thread ${this.number} ended: ${reason}`);
    this.#streams.close();
  }

  async #within(ms: number, answer: Promise<void>): Promise<void> {
    let late: Deadline | undefined;
    const tooLate = new Promise<never>((_resolve, reject) => {
      late = this.#timers.after(
        ms,
        () => reject(new Error(`traffic thread ${this.number} does not answer`)),
      );
    });
    await Promise.race([answer, tooLate]).finally(() => late?.cancel());
  }
}

function sealed({ secretAccessKey, sessionToken, ...pair }: Awaited<ReturnType<AskKeyPair>>): SealedKeyPair {
  return {
    ...pair,
    secretAccessKey: seal(secretAccessKey.reveal()),
    sessionToken: sessionToken && seal(sessionToken.reveal()),
  };
}
