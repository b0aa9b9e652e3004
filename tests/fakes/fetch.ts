/** A fetch without a socket, whose responses the test gives step by step. */

import { encodeUtf8 } from "../../lib/base/bytes.ts";
import type { Fetch, FetchInit } from "../../lib/runtime/runtime.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** The body of one response, with the chunks that the test pushes. */
export interface ScriptedBody {
  push(...chunks: Chunk[]): void;
  end(): void;
  /** Breaks it off, as a lost connection does. */
  fail(error?: Error): void;
  /** Number of times that a chunk was requested. */
  readonly pulls: number;
  /** Resolves when a chunk has been requested this many times. */
  pulled(times?: number): Promise<void>;
  readonly cancelled: boolean;
}

/** The options of a request, with the bytes of its body. */
export interface SentInit extends FetchInit {
  readonly body?: Chunk;
}

/** The same for text, which is sent as UTF-8. */
export function sentInit({ body, ...init }: FetchInit): SentInit {
  return body === undefined ? init : { ...init, body: typeof body === "string" ? encodeUtf8(body) : body };
}

/** One request. */
export interface ScriptedCall {
  readonly url: string;
  readonly init: SentInit;
  /** Responds with status and headers; the body follows. */
  answer(status: number, headers?: Record<string, string>): ScriptedBody;
  /** Responds with a whole body. */
  answerWhole(status: number, body: Chunk | string | null, headers?: Record<string, string>): void;
  /** Fails before a response. */
  fail(error?: Error): void;
}

export interface ScriptedFetch {
  readonly fetch: Fetch;
  readonly calls: readonly ScriptedCall[];
  /** The request of that number, from 0, once it has been made. */
  call(index: number): Promise<ScriptedCall>;
}

export function scriptedFetch(): ScriptedFetch {
  const calls: ScriptedCall[] = [];
  let waiting: (() => void)[] = [];
  return {
    calls,
    async call(index) {
      while (calls.length <= index) await new Promise<void>((resolve) => waiting.push(resolve));
      return calls[index] as ScriptedCall;
    },
    fetch(url, init) {
      return new Promise<Response>((resolve, reject) => {
        init.signal.addEventListener("abort", () => reject(init.signal.reason), { once: true });
        calls.push({
          url,
          init: sentInit(init),
          answer(status, headers = {}) {
            const { body, stream } = scriptedBody(init.signal);
            resolve(new Response(stream, { status, headers }));
            return body;
          },
          answerWhole: (status, body, headers = {}) => resolve(new Response(body, { status, headers })),
          fail: (error = new TypeError("connection refused")) => reject(error),
        });
        for (const wake of waiting) wake();
        waiting = [];
      });
    },
  };
}

function scriptedBody(signal: AbortSignal) {
  const queue: Chunk[] = [];
  let pulls = 0;
  let cancelled = false;
  let ended = false;
  let failure: Error | undefined;
  let deliver: (() => void) | undefined;
  let waiting: (() => void)[] = [];

  const stream = new ReadableStream<Chunk>({
    start(controller) {
      signal.addEventListener("abort", () => {
        if (!cancelled) controller.error(signal.reason);
        deliver?.();
      }, { once: true });
    },
    pull(controller) {
      pulls++;
      for (const wake of waiting) wake();
      waiting = [];
      return new Promise<void>((resolve) => {
        deliver = () => {
          const chunk = queue.shift();
          if (chunk !== undefined) controller.enqueue(chunk);
          else if (failure !== undefined) controller.error(failure);
          else if (ended) controller.close();
          else if (!cancelled && !signal.aborted) return;
          deliver = undefined;
          resolve();
        };
        deliver();
      });
    },
    cancel() {
      cancelled = true;
      deliver?.();
    },
  }, { highWaterMark: 0 });

  const body: ScriptedBody = {
    push(...chunks) {
      queue.push(...chunks);
      deliver?.();
    },
    end() {
      ended = true;
      deliver?.();
    },
    fail(error = new TypeError("connection reset")) {
      failure = error;
      deliver?.();
    },
    get pulls() {
      return pulls;
    },
    async pulled(times = 1) {
      while (pulls < times) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    get cancelled() {
      return cancelled;
    },
  };
  return { body, stream };
}
