/**
 * How long streams wait while a large configuration is reloaded, and how it starts: on both runtimes, with one thread
 * and with two. `MODELS`, `CALLERS`, `RELOADS`, `RUNTIME` and `THREADS` select less.
 */

import { KEY } from "../e2e/configs.ts";
import { type Program, type RuntimeName, RUNTIMES, startProgram } from "../e2e/program.ts";
import { BUN, repositoryPath } from "../repository.ts";
import { LargeConfig } from "./large_config.ts";
import { Service } from "./processes.ts";
import { chatBody } from "./requests.ts";
import type { StreamFindings, StreamOrders } from "./streams.ts";

const numberFrom = (name: string, otherwise: number) => Number(Deno.env.get(name) ?? otherwise);

const SIZE = { models: numberFrom("MODELS", 10_000), callers: numberFrom("CALLERS", 100_000) };
const RELOADS = numberFrom("RELOADS", 3);
/** Together, an event every two milliseconds, so that no wait remains undetected. */
const STREAMS = 25;
/** A stream lasts ten seconds, and a reload may begin shortly before the end of one. */
const OVERLAP_MS = 4_000;

interface Waits {
  readonly events: number;
  readonly maxMs: number;
  readonly p99Ms: number;
}

/** A figure of a process in MiB: proc_pid_status(5). */
async function memoryOf(pid: number, name: "VmHWM" | "VmRSS"): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1024;
}

async function streamFor(url: string, bodyFile: string): Promise<Waits> {
  const orders: StreamOrders = {
    url: `${url}/v1/chat/completions`,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    bodyFile,
    mode: "open",
    streams: STREAMS,
  };
  const { stdout } = await new Deno.Command("nice", {
    args: ["-n", "-15", BUN, repositoryPath("tests/bench/streams.ts"), JSON.stringify(orders)],
    stderr: "inherit",
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  const found: StreamFindings = JSON.parse(lines.at(-1) ?? "");
  if (found.failed > 0) throw new Error(`Cannot measure: ${found.failed} streams failed`);
  return { events: found.events, maxMs: found.maxUs / 1000, p99Ms: found.p99Us / 1000 };
}

function worst(all: readonly Waits[]): string {
  const events = all.reduce((sum, each) => sum + each.events, 0);
  const [max, p99] = [Math.max(...all.map(({ maxMs }) => maxMs)), Math.max(...all.map(({ p99Ms }) => p99Ms))];
  return `longest wait ${max.toFixed(1)} ms, 99% within ${p99.toFixed(1)} ms, of ${events} events`;
}

/** Streams run from before the task until after it. */
async function streamsDuring(
  task: () => Promise<unknown>,
  stream: () => Promise<Waits>,
): Promise<readonly Waits[]> {
  const running = [stream()];
  let isOver = false;
  const more = (async () => {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, OVERLAP_MS));
      if (isOver) return;
      running.push(stream());
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, OVERLAP_MS));
  await task();
  isOver = true;
  await more;
  return await Promise.all(running);
}

async function measure(runtime: RuntimeName, threads: number, print: (line: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "adit-large-" });
  const upstream = new Service(["nice", "-n", "-15", BUN, "tests/bench/upstream.ts"], {
    place: "anywhere",
  });
  let program: Program | undefined;
  try {
    const config = new LargeConfig(folder, {
      upstream: `http://127.0.0.1:${(await upstream.output()).trim()}`,
      threads,
      ...SIZE,
    });
    const bodyFile = `${folder}/body.json`;
    await Deno.writeTextFile(bodyFile, chatBody({ bytes: 1, pace: "paced" }, true));
    const text = await config.write();
    const began = performance.now();
    program = await startProgram(runtime, text);
    const seconds = (performance.now() - began) / 1000;
    print(`start: ${seconds.toFixed(1)} s, at most ${(await memoryOf(program.pid, "VmHWM")).toFixed(0)} MiB`);
    if (threads > 1) await program.waitForLog(({ message }) => message === "traffic threads started");
    const { url } = program;
    const stream = () => streamFor(url, bodyFile);
    print(`no reload: ${worst([await stream()])}`);
    for (let reload = 1; reload <= RELOADS; reload++) {
      print(await measureReload(reload, { program, config, stream }));
    }
    print(`after: ${(await memoryOf(program.pid, "VmRSS")).toFixed(0)} MiB`);
  } finally {
    await program?.[Symbol.asyncDispose]();
    await upstream.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

interface Reloading {
  readonly program: Program;
  readonly config: LargeConfig;
  readonly stream: () => Promise<Waits>;
}

async function measureReload(version: number, { program, config, stream }: Reloading): Promise<string> {
  let seconds = 0;
  await Deno.writeTextFile(`/proc/${program.pid}/clear_refs`, "5");
  const waits = await streamsDuring(async () => {
    const from = program.logs.length;
    const began = performance.now();
    await config.change(version);
    await program.waitForLog(({ message }) => message === "configuration reloaded", from);
    seconds = (performance.now() - began) / 1000;
  }, stream);
  const memory = await memoryOf(program.pid, "VmHWM");
  return `reload ${version}: ${seconds.toFixed(1)} s, at most ${memory.toFixed(0)} MiB, ${worst(waits)}`;
}

const wanted = Deno.env.get("RUNTIME");
const threadCounts = Deno.env.get("THREADS")?.split(",").map(Number) ?? [1, 2];
for (const runtime of RUNTIMES.filter((each) => wanted === undefined || each === wanted)) {
  for (const threads of threadCounts) {
    await measure(
      runtime,
      threads,
      (line) => Deno.stdout.writeSync(new TextEncoder().encode(`${runtime}, threads ${threads}: ${line}\n`)),
    );
  }
}
