/** Several threads serve as one: what counts holds for all, a reload reaches all or none, and one that dies is replaced. */

import { deepEqual, equal, match, ok } from "node:assert/strict";

import { Control } from "../../lib/app/control.ts";
import { createLogger } from "../../lib/base/log.ts";
import { LogTail } from "../../lib/base/log_tail.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { readFile } from "../../lib/config/file/files.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { denoRuntime } from "../../lib/runtime/deno.ts";
import type { RunningWorker, StartWorker, WorkerOptions } from "../../lib/runtime/workers.ts";
import { emulatorConfig, KEY } from "../e2e/configs.ts";
import { onFreePorts } from "../e2e/program.ts";

/** A traffic thread of the test: real, with its messages in reach. */
interface Thread {
  readonly worker: RunningWorker;
  readonly options: WorkerOptions;
}

interface Status {
  readonly threads: readonly { readonly thread: number; readonly alive: boolean }[];
  readonly requests_in_flight: number;
  readonly requests: { readonly settled: number };
  readonly limits: { readonly held: number };
  readonly config: { readonly generation: number };
}

class Running implements AsyncDisposable {
  readonly threads: Thread[] = [];
  readonly client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  /** Refuses the next preparation of a thread. */
  refuses = false;
  #control: Control | undefined;
  #waiting: (() => void)[] = [];
  readonly #lines: Record<string, unknown>[] = [];

  constructor(readonly configPath: string) {}

  static async start(config: string): Promise<Running> {
    const folder = await Deno.makeTempDir({ prefix: "adit-threads-" });
    const running = new Running(`${folder}/adit.yaml`);
    await running.write(config);
    const loaded = await loadConfig(running.configPath, { readFile, env: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    running.#control = await Control.start(loaded, {
      configPath: running.configPath,
      version: "1.0.0",
      runtime: { ...denoRuntime, startWorker: running.#startWorker },
      clock: systemClock,
      logger: createLogger((text) => running.#read(text), { clock: systemClock }),
      logTail: new LogTail(),
      env: {},
    });
    return running;
  }

  get control(): Control {
    if (this.#control === undefined) throw new Error("Not started");
    return this.#control;
  }

  write(config: string): Promise<void> {
    return Deno.writeTextFile(this.configPath, onFreePorts(config));
  }

  /** The first line with the message, from a position on. */
  async line(message: string, from = 0): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.#lines.slice(from).find((line) => line["message"] === message);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  get lineCount(): number {
    return this.#lines.length;
  }

  address(listener: string): string {
    const line = this.#lines.find((each) => each["listener"] === listener);
    return String(line?.["address"]);
  }

  async status(): Promise<Status> {
    return await (await fetch(`${this.address("admin")}/-/status`)).json();
  }

  /** Asks on a connection of its own. */
  ask(model = "claude", signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.address("public")}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
      client: this.client,
      ...(signal !== undefined && { signal }),
    });
  }

  readonly #startWorker: StartWorker = (name, options) => {
    if (name !== "traffic") return denoRuntime.startWorker(name, options);
    const worker = denoRuntime.startWorker(name, options);
    this.threads.push({ worker, options });
    return {
      end: () => worker.end(),
      send: (message) => {
        const { ask, id } = message as { readonly ask?: string; readonly id?: number };
        if (ask !== "prepare" || !this.refuses) return worker.send(message);
        this.refuses = false;
        options.onMessage({ failed: id, message: "no socket is left", error: undefined });
      },
    };
  };

  #read(text: string): Promise<void> {
    for (const line of text.trimEnd().split("\n")) this.#lines.push(JSON.parse(line));
    for (const wake of this.#waiting.splice(0)) wake();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control.drain();
    this.client.close();
    await Deno.remove(this.configPath.replace(/\/[^/]*$/, ""), { recursive: true });
  }
}

const STARTED = "traffic threads started";
const DIED = "a traffic thread has died; its requests are lost";
const QUICK = "timeouts: { drain: 0s }\n";

/** A model whose answers never come. */
const NEVER = { never: "us.anthropic.claude-haiku-4-5-20251001-v1:0.fault-hang" };

function rated(limits: string, extra = ""): string {
  return emulatorConfig(NEVER, QUICK + extra).replace(`models: ["*"]`, `models: ["*"], limits: ${limits}`);
}

/** Makes a thread die as a bug would: of a message that it cannot read. */
function kill({ worker }: Thread): void {
  worker.send(undefined);
}

function threadAt(running: Running, index: number): Thread {
  const thread = running.threads[index];
  if (thread === undefined) throw new Error("No such thread");
  return thread;
}

Deno.test("a rate holds for four threads together, and a reload of their number resets nothing", async () => {
  const config = (threads: number) => rated("{ requests: 12/h }", `threads: ${threads}\n`);
  await using running = await Running.start(config(4));
  await running.line(STARTED);
  const ask = async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, () => running.ask()));
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
    return answers.filter(({ status }) => status === 200).length;
  };
  equal(await ask(), 12);
  const { threads, requests, limits } = await running.status();
  deepEqual(threads.map(({ alive }) => alive), [true, true, true, true]);
  equal(requests.settled, 16);
  equal(limits.held, 0);
  for (const count of [2, 1, 3]) {
    await running.write(config(count));
    deepEqual(await running.control.reload("test"), []);
    equal(await ask(), 0);
    equal((await running.status()).threads.length, count);
  }
});

Deno.test("a thread that dies loses its own requests, what they held is returned, and another one replaces it", async () => {
  await using running = await Running.start(rated("{ concurrent: 32 }", "threads: 2\n"));
  await running.line(STARTED);
  const outcomes: string[] = [];
  const aborter = new AbortController();
  const asked = Array.from({ length: 20 }, () =>
    running.ask("never", aborter.signal).then(
      () => outcomes.push("answered"),
      () => outcomes.push(aborter.signal.aborted ? "left" : "lost"),
    ));
  while ((await running.status()).requests_in_flight < 20);
  kill(threadAt(running, 0));
  const { thread, reason } = await running.line(DIED);
  equal(thread, 1);
  match(String(reason), /./);
  const from = running.lineCount;
  await running.line(STARTED, from);
  const status = await running.status();
  equal(outcomes.filter((each) => each === "lost").length, 20 - status.requests_in_flight);
  ok(status.requests_in_flight > 0 && status.requests_in_flight < 20, String(status.requests_in_flight));
  equal(status.limits.held, status.requests_in_flight);
  deepEqual(status.threads.length, 2);
  aborter.abort();
  await Promise.all(asked);
  while ((await running.status()).limits.held > 0);
});

Deno.test("while all threads are dead, the main thread serves", async () => {
  await using running = await Running.start(rated("{ concurrent: 8 }", "threads: 2\n"));
  await running.line(STARTED);
  const from = running.lineCount;
  running.threads.splice(0).forEach(kill);
  await running.line(DIED, from);
  for (let count = 0; count < 20; count++) {
    const answer = await running.ask().catch(() => undefined);
    await answer?.body?.cancel();
  }
  equal((await running.ask()).status, 200);
  while ((await running.status()).threads.length < 2);
});

Deno.test("a reload that one thread cannot prepare changes none", async () => {
  const config = (name: string) => emulatorConfig({ [name]: "amazon.nova-pro-v1:0" }, `${QUICK}threads: 2\n`);
  await using running = await Running.start(config("first"));
  await running.line(STARTED);
  await running.write(config("second"));
  running.refuses = true;
  deepEqual(await running.control.reload("test"), ["no socket is left"]);
  const statuses = async (model: string) => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => running.ask(model)));
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
    return [...new Set(answers.map(({ status }) => status))];
  };
  deepEqual([await statuses("first"), await statuses("second")], [[200], [404]]);
  deepEqual(await running.control.reload("test"), []);
  deepEqual([await statuses("first"), await statuses("second")], [[404], [200]]);
});
