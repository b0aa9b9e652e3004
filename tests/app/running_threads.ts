/** A gateway in this process whose traffic threads are real, with their messages and its clock in the test's hands. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request, type RequestOptions } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Control } from "../../lib/app/control.ts";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { createLogger } from "../../lib/base/log/log.ts";
import { LogTail } from "../../lib/base/log/log_tail.ts";
import { readFile } from "../../lib/config/file/files.ts";
import { loadConfig } from "../../lib/config/load.ts";
import type { Runtime } from "../../lib/runtime/runtime.ts";
import type { RunningWorker, StartWorker } from "../../lib/runtime/workers.ts";
import { KEY } from "../e2e/configs.ts";
import { MessageWatch } from "./message_watch.ts";

/** What tests read of `/-/status`. */
export interface Status {
  readonly threads: readonly {
    readonly thread: number;
    readonly alive: boolean;
    readonly silent_s?: number;
  }[];
  readonly requests_in_flight: number;
  readonly requests: { readonly settled: number };
  readonly limits: { readonly held: number };
}

/** Logged when all threads serve. */
export const STARTED = "traffic threads started";
/** Logged for each thread that has died. */
export const DIED = "a traffic thread has died; its requests are lost";
/** Logged for each reload that is refused. */
export const REJECTED = "configuration rejected; the previous one stays in use";

/** The gateway of one test. */
export class RunningThreads implements AsyncDisposable {
  /** In the order in which they were started. */
  readonly workers: RunningWorker[] = [];
  /** Those between the main thread and all others. */
  readonly messages = new MessageWatch();
  /** Whether the second thread refuses every configuration. */
  refuses = false;
  readonly #folder: string;
  readonly #runtime: Runtime;
  readonly #lines: Record<string, unknown>[] = [];
  #control: Control | undefined;
  #waiting: (() => void)[] = [];
  #skippedMs = 0;
  /** Messages to threads that seem to hang; undefined while none does. */
  #held: (() => void)[] | undefined;

  private constructor(runtime: Runtime, folder: string) {
    this.#runtime = runtime;
    this.#folder = folder;
  }

  static async start(runtime: Runtime, config: string): Promise<RunningThreads> {
    const running = new RunningThreads(runtime, await mkdtemp(join(tmpdir(), "adit-threads-")));
    await running.write(config);
    const loaded = await loadConfig(running.#configPath, { readFile, env: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const clock: Clock = {
      now: systemClock.now,
      monotonic: () => systemClock.monotonic() + running.#skippedMs,
    };
    running.#control = await Control.start(loaded, {
      configPath: running.#configPath,
      version: "1.0.0",
      runtime: { ...runtime, startWorker: running.#startWorker },
      clock,
      logger: createLogger((text) => running.#read(text), { clock }),
      logTail: new LogTail(),
      env: {},
    });
    return running;
  }

  get #configPath(): string {
    return join(this.#folder, "adit.yaml");
  }

  write(config: string): Promise<void> {
    return writeFile(this.#configPath, `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${config}`);
  }

  /** Returns the problems that prevented it. */
  async reload(): Promise<readonly string[] | undefined> {
    return await this.#control?.reload("test");
  }

  get lineCount(): number {
    return this.#lines.length;
  }

  /** The first line with the message, from a position on. */
  async line(message: string, from = 0): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.#lines.slice(from).find((line) => line["message"] === message);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The number of lines with the message, from a position on. */
  count(message: string, from: number): number {
    return this.#lines.slice(from).filter((line) => line["message"] === message).length;
  }

  async status(): Promise<Status> {
    return await (await fetch(`${this.#address("admin")}/-/status`)).json();
  }

  /** Resolves when the status shows what is awaited. */
  async until(isReached: (status: Status) => boolean): Promise<Status> {
    for (;;) {
      const status = await this.status();
      if (isReached(status)) return status;
    }
  }

  /** Asks on a connection of its own, and resolves with the status; rejects if the connection breaks. */
  ask(model = "claude", signal?: AbortSignal): Promise<number> {
    const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] });
    return this.#send(
      "/v1/chat/completions",
      { method: "POST", ...(signal !== undefined && { signal }) },
      body,
    );
  }

  #send(path: string, options: RequestOptions, body?: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
      const sent = request(
        `${this.#address("public")}${path}`,
        { ...options, agent: false, headers },
        (response) =>
          response.resume().on("end", () => resolve(response.statusCode ?? 0)).on("error", reject),
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /**
   * The statuses of many requests at once, sorted. A connection that meets a socket while it is closed is reset, so that
   * its request is sent again.
   */
  async askOften(count: number, model?: string): Promise<readonly number[]> {
    return await this.#often(count, () => this.ask(model));
  }

  /** The same for the caller's usage. */
  async askUsageOften(count: number): Promise<readonly number[]> {
    return await this.#often(count, () => this.#send("/v1/usage", { method: "GET" }));
  }

  async #often(count: number, ask: () => Promise<number>): Promise<readonly number[]> {
    const statuses = await Promise.all(Array.from({ length: count }, () => ask().catch(ask)));
    return statuses.toSorted((one, other) => one - other);
  }

  /** Makes a thread die as a bug would: of a message that it cannot read. */
  kill(index: number): void {
    this.workers[index]?.send(undefined);
  }

  /** From now on no thread answers, until the result is called. */
  hang(): () => void {
    const held: (() => void)[] = this.#held = [];
    return () => {
      this.#held = undefined;
      for (const send of held) send();
    };
  }

  /** Moves the main thread's clock. */
  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  readonly #startWorker: StartWorker = (name, options) => {
    const worker = this.messages.watch(name, options, this.#runtime.startWorker);
    if (name !== "traffic") return worker;
    const isSecond = this.workers.push(worker) === 2;
    return {
      end: () => worker.end(),
      send: (message) => {
        const { ask, id } = message as { readonly ask?: string; readonly id?: number };
        if (this.#held !== undefined) this.#held.push(() => worker.send(message));
        else if (ask !== "prepare" || !isSecond || !this.refuses) worker.send(message);
        else options.onMessage({ failed: id, message: "no socket is left", error: undefined });
      },
    };
  };

  #address(listener: string): string {
    return String(this.#lines.find((each) => each["listener"] === listener)?.["address"]);
  }

  #read(text: string): Promise<void> {
    for (const line of text.trimEnd().split("\n")) this.#lines.push(JSON.parse(line));
    for (const wake of this.#waiting.splice(0)) wake();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#control?.drain();
    await rm(this.#folder, { recursive: true });
  }
}
