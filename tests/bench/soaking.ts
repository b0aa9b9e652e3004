/** Soak: every way in which an exchange can end, again and again, and the resources that the program then uses. */

import { endpointConfig, KEY } from "../e2e/configs.ts";
import { onFreePorts, type Program, type RuntimeName, startProgram } from "../e2e/program.ts";
import { BUN, repositoryPath } from "../repository.ts";
import { STREAM_DELTAS } from "./canned.ts";
import { LingeringClients } from "./lingering.ts";
import { openFiles, residentBytes, Service } from "./processes.ts";

export interface SoakOptions {
  readonly runtime: RuntimeName;
  /**
   * Exchanges before the first measurement, which fill the pools, compile the code and let the heap grow to its size.
   */
  readonly warmUp: number;
  /** Called before each exchange with the number of those begun; the soak ends when it returns true. */
  readonly isEnough: (exchanges: number) => boolean;
  /** Lingering clients of each kind, from before the exchanges until after them; default: none. */
  readonly lingering?: number;
}

/** Resources of the program while no request is in flight. */
export interface Holdings {
  readonly memoryBytes: number;
  readonly files: number;
  /** Requests that it reports as in flight. */
  readonly inFlight: number;
}

export interface SoakReport {
  readonly exchanges: number;
  /** Unexpected results, each of them once. */
  readonly surprises: readonly string[];
  /** After the exchanges that warm up. */
  readonly before: Holdings;
  readonly after: Holdings;
  /** Lingering clients that are still connected at the end, by kind. */
  readonly kept: Readonly<Record<string, number>>;
}

const WORKERS = 16;
const EXCHANGES_IN_RELOAD = 100;

const MODELS = ["even", "paced", "cut", "throttled"];

function soakConfig(upstream: string, generation: number): string {
  const models = MODELS.map((name) =>
    `  bench.${name}: { provider: east, id: bench.${name}, base_model: anthropic.claude-haiku-4-5-20251001-v1:0 }`
  );
  return `log: { requests: false }\ntimeouts: { idle: 20s }\n${endpointConfig(upstream)}`
    .replace(
      "\nmodels:\n",
      `\nmodels:\n${models.join("\n")}\n  generation-${generation}: { provider: east, id: a.b }\n`,
    );
}

/** One kind of exchange: returns what was wrong with it, or undefined. */
type Exchange = (send: Send) => Promise<string | undefined>;
type Send = (path: string, body: unknown) => Promise<Response>;

const CHAT = "/v1/chat/completions";
const MESSAGES = [{ role: "user", content: "Hello" }];

const EXCHANGES: Readonly<Record<string, Exchange>> = {
  "a whole answer": async (send) => {
    const response = await send(CHAT, { model: "bench.even", messages: MESSAGES });
    const text = await response.text();
    return response.status === 200 && text.includes(`"finish_reason":"stop"`) ? undefined : text;
  },
  "a stream that finishes": async (send) => {
    const text = await (await send(CHAT, { model: "bench.even", messages: MESSAGES, stream: true })).text();
    const deltas = text.split(`"content":" word`).length - 1;
    if (deltas !== STREAM_DELTAS) return `${deltas} of ${STREAM_DELTAS} events`;
    return text.endsWith("data: [DONE]\n\n") ? undefined : text.slice(-200);
  },
  "a native stream": async (send) => {
    const response = await send("/model/bench.even/converse-stream", {
      messages: [{ role: "user", content: [{ text: "Hello" }] }],
    });
    const text = new TextDecoder("latin1").decode(await response.arrayBuffer());
    const frames = text.split(":event-type").length - 1;
    return frames === STREAM_DELTAS + 4 ? undefined : `${frames} of ${STREAM_DELTAS + 4} frames`;
  },
  "a stream whose client leaves": async (send) => {
    const response = await send(CHAT, { model: "bench.paced", messages: MESSAGES, stream: true });
    const reader = response.body?.getReader();
    const { done } = await reader?.read() ?? { done: true };
    await reader?.cancel();
    return done ? "no first event" : undefined;
  },
  "a stream that the upstream cuts": async (send) => {
    const text = await (await send(CHAT, { model: "bench.cut", messages: MESSAGES, stream: true })).text();
    return text.includes(`{"error"`) && !text.includes("[DONE]") ? undefined : text.slice(-200);
  },
  "a throttled request": async (send) => {
    const response = await send(CHAT, { model: "bench.throttled", messages: MESSAGES });
    const text = await response.text();
    return response.status === 429 ? undefined : text;
  },
};

/** Runs exchanges of all kinds, with reloads among them, until `isEnough` returns true. */
export async function soak({ runtime, warmUp, isEnough, lingering = 0 }: SoakOptions): Promise<SoakReport> {
  const upstream = new Service([BUN, repositoryPath("tests/bench/upstream.ts")], { place: "upstream" });
  try {
    const url = `http://127.0.0.1:${(await upstream.output()).trim()}`;
    await using program = await startProgram(runtime, soakConfig(url, 0));
    const surprises = new Set<string>();
    let generation = 0;
    const reload = async () => {
      // Replaced in one step, because another worker may be reloading.
      const written = `${program.configPath}.${++generation}`;
      await Deno.writeTextFile(written, onFreePorts(soakConfig(url, generation)));
      await Deno.rename(written, program.configPath);
      const response = await fetch(`${program.adminUrl}/-/reload`, { method: "POST" });
      if (!response.ok) surprises.add(`a reload: ${await response.text()}`);
      else await response.body?.cancel();
    };
    const phase = (enough: (exchanges: number) => boolean) =>
      runExchanges(program, { enough, reload, surprises });
    await phase((exchanges) => exchanges >= warmUp);
    const before = await holdingsOf(program);
    await using clients = await LingeringClients.connect(program.url, lingering);
    const exchanges = await phase(isEnough);
    const { kept } = clients;
    await clients[Symbol.asyncDispose]();
    return { exchanges, surprises: [...surprises], before, after: await holdingsOf(program), kept };
  } finally {
    await upstream.stop();
  }
}

interface Phase {
  readonly enough: (exchanges: number) => boolean;
  readonly reload: () => Promise<void>;
  readonly surprises: Set<string>;
}

/** Resolves with the number of exchanges when they and their connections have ended. */
async function runExchanges({ url }: Program, { enough, reload, surprises }: Phase): Promise<number> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: WORKERS });
  const send: Send = (path, body) =>
    fetch(url + path, {
      client,
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${KEY}` },
      body: JSON.stringify(body),
    });
  const kinds = Object.entries(EXCHANGES);
  let begun = 0;
  const worker = async () => {
    while (!enough(begun)) {
      const [kind, exchange] = kinds[begun++ % kinds.length] ?? ["", () => Promise.resolve(undefined)];
      if (begun % EXCHANGES_IN_RELOAD === 0) await reload();
      const surprise = await exchange(send).catch(String);
      if (surprise !== undefined) surprises.add(`${kind}: ${surprise}`);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return begun;
}

/** Maximum number of status requests until the program has noticed that the last client left. */
const MAX_STATUS_REQUESTS = 20_000;

async function holdingsOf({ pid, adminUrl }: Program): Promise<Holdings> {
  let inFlight = NaN;
  for (let request = 0; request < MAX_STATUS_REQUESTS && inFlight !== 0; request++) {
    inFlight = (await (await fetch(`${adminUrl}/-/status`)).json()).requests_in_flight;
  }
  return { memoryBytes: await residentBytes(pid), files: await openFiles(pid), inFlight };
}
