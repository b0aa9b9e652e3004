/** The running configuration for the operator's page, read in a separate thread while somebody looks at it. */

import type { TraitView } from "../../admin/contract/contract.ts";
import type { ValuesPage, ValuesQuery } from "../../admin/views/view_sources.ts";
import type { Deadline, TimerWheel } from "../../base/clock.ts";
import { sealingKey } from "../../base/seal.ts";
import { type Fingerprints, readFile } from "../../config/file/files.ts";
import type { RunningWorker, StartWorker } from "../../runtime/workers.ts";
import { copyFiles } from "./file_copies.ts";
import type { FileCopies, ViewAnswer, ViewerData, ViewQuestion } from "./view_messages.ts";

export interface ConfigViewerOptions {
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly startWorker: StartWorker;
  readonly timers: TimerWheel;
}

/** The thread ends after this time without a question, which frees its memory. */
const IDLE_MS = 20_000;
/** A thread that takes longer to answer has hung. */
const MAX_ANSWER_MS = 30_000;

interface Waiting {
  readonly resolve: (answer: ViewAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** Keeps copies of the running configuration's files, and reads them when somebody asks. */
export class ConfigViewer {
  readonly #options: ConfigViewerOptions;
  readonly #waiting = new Map<number, Waiting>();
  /** Made a little after the start; an earlier question waits for them. */
  readonly #first = Promise.withResolvers<FileCopies | undefined>();
  #copies = this.#first.promise;
  #worker: RunningWorker | undefined;
  #idle: Deadline | undefined;
  #lastId = 0;

  constructor(options: ConfigViewerOptions) {
    this.#options = options;
  }

  /** Follows the configuration of the start, which was read from these files. */
  start(files: Fingerprints): void {
    this.#follow(copyFiles(files, readFile).catch(() => undefined));
  }

  /** Follows another configuration from now on. */
  use(copies: FileCopies): void {
    this.#follow(Promise.resolve(copies));
  }

  #follow(copies: Promise<FileCopies | undefined>): void {
    this.#end("the configuration has changed");
    this.#copies = copies;
    this.#first.resolve(copies);
  }

  /** A page of the effective values. */
  async values(query: ValuesQuery): Promise<ValuesPage> {
    const answer = await this.#ask({ kind: "values", query });
    return answer.kind === "values" ? answer.page : unexpected();
  }

  /** The traits of each target of a model. */
  async traits(model: string): Promise<readonly (readonly TraitView[])[]> {
    const answer = await this.#ask({ kind: "traits", model });
    return answer.kind === "traits" ? answer.traits : unexpected();
  }

  close(): void {
    this.#first.resolve(undefined);
    this.#end("the gateway is shutting down");
  }

  async #ask(question: WithoutId<ViewQuestion>): Promise<ViewAnswer> {
    const copies = await this.#latestCopies();
    if (copies === undefined) {
      throw new Error("the files had changed again before they could be copied; reload the configuration");
    }
    this.#worker ??= this.#start(copies);
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<ViewAnswer>();
    this.#waiting.set(id, { resolve, reject });
    this.#idle?.cancel();
    const late = this.#options.timers.after(MAX_ANSWER_MS, () => this.#end("reading it takes too long"));
    this.#worker.send({ id, ...question } satisfies ViewQuestion);
    try {
      const answer = await promise;
      if (answer.kind === "failed") throw new Error(answer.reason);
      return answer;
    } finally {
      late.cancel();
      this.#waiting.delete(id);
      if (this.#worker !== undefined && this.#waiting.size === 0) {
        this.#idle = this.#options.timers.after(IDLE_MS, () => this.#end("idle"));
      }
    }
  }

  /** Waits again if the configuration changes meanwhile: the thread must read the one in use. */
  async #latestCopies(): Promise<FileCopies | undefined> {
    for (;;) {
      const awaited = this.#copies;
      const copies = await awaited;
      if (awaited === this.#copies) return copies;
    }
  }

  #start(copies: FileCopies): RunningWorker {
    const { configPath, env, startWorker } = this.#options;
    return startWorker("configuration_view", {
      data: { configPath, env: { ...env }, sealingKey: sealingKey(), copies } satisfies ViewerData,
      onMessage: (message) => {
        const answer = message as ViewAnswer;
        this.#waiting.get(answer.id)?.resolve(answer);
      },
      onEnd: (reason) => {
        this.#worker = undefined;
        this.#fail(`the thread that reads it ended: ${reason}`);
      },
    });
  }

  #end(reason: string): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#idle?.cancel();
    this.#fail(reason);
    void worker?.end();
  }

  #fail(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(reason));
    this.#waiting.clear();
  }
}

/** A question that has not been numbered yet. */
type WithoutId<Question> = Question extends unknown ? Omit<Question, "id"> : never;

function unexpected(): never {
  throw new Error("the thread that reads it gave another answer");
}
