/** Lets all threads use the process's one emulator, so that they share its jobs, prompt caches and fault counters. */

import type { Fetch } from "../../runtime/runtime.ts";

/** A request to the emulator, as plain data. */
export interface RemoteRequest {
  readonly stream: number;
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
}

/** A response without its body. */
export interface RemoteResponse {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly hasBody: boolean;
}

/** The emulator as another thread sees it. */
export interface EmulatorPort {
  send(request: RemoteRequest): Promise<RemoteResponse>;
  /** The next bytes of a response; undefined at its end. */
  read(stream: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Stops reading a response. */
  abandon(stream: number): void;
}

/** A `fetch` that is answered by the emulator of another thread. */
export function fetchThrough(port: EmulatorPort): Fetch {
  let lastStream = 0;
  return async (url, { method, headers, body, signal }) => {
    const stream = ++lastStream;
    signal.throwIfAborted();
    const gone = Promise.withResolvers<never>();
    gone.promise.catch(() => {});
    const abandon = () => {
      port.abandon(stream);
      gone.reject(signal.reason);
    };
    signal.addEventListener("abort", abandon, { once: true });
    const sent = port.send({ stream, url, method, headers: [...headers], body });
    const response = await Promise.race([sent, gone.promise]);
    if (!response.hasBody) signal.removeEventListener("abort", abandon);
    const source = response.hasBody ? bodyOf({ port, stream, gone: gone.promise }) : null;
    return new Response(source, {
      status: response.status,
      headers: new Headers([...response.headers].map(([...pair]) => pair)),
    });
  };
}

interface BodyOptions {
  readonly port: EmulatorPort;
  readonly stream: number;
  /** Rejects when the request is aborted. */
  readonly gone: Promise<never>;
}

function bodyOf({ port, stream, gone }: BodyOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const bytes = await Promise.race([port.read(stream), gone]);
      if (bytes === undefined) controller.close();
      else controller.enqueue(bytes);
    },
    cancel: () => port.abandon(stream),
  }, { highWaterMark: 0 });
}

/** The emulator's side, for the requests of one thread. */
export class EmulatorStreams implements EmulatorPort {
  readonly #fetch: Fetch;
  readonly #open = new Map<number, Open>();

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  async send({ stream, url, method, headers, body }: RemoteRequest): Promise<RemoteResponse> {
    const aborter = new AbortController();
    this.#open.set(stream, { aborter, reader: undefined });
    try {
      const response = await this.#fetch(url, {
        method,
        headers: new Headers(headers.map(([name, value]) => [name, value])),
        ...(body !== undefined && { body }),
        signal: aborter.signal,
      });
      const reader = response.body?.getReader();
      if (aborter.signal.aborted) reader?.cancel().catch(() => {});
      else if (reader === undefined) this.#open.delete(stream);
      else this.#open.set(stream, { aborter, reader });
      return { status: response.status, headers: [...response.headers], hasBody: reader !== undefined };
    } catch (error) {
      this.#open.delete(stream);
      throw error;
    }
  }

  async read(stream: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { reader } = this.#open.get(stream) ?? {};
    if (reader === undefined) throw new Error("the response is no longer read");
    try {
      const { done, value } = await reader.read();
      if (done) this.#open.delete(stream);
      return value;
    } catch (error) {
      this.#open.delete(stream);
      throw error;
    }
  }

  abandon(stream: number): void {
    const open = this.#open.get(stream);
    this.#open.delete(stream);
    open?.aborter.abort();
    open?.reader?.cancel().catch(() => {});
  }

  /** Abandons everything, because the thread has ended. */
  close(): void {
    for (const stream of [...this.#open.keys()]) this.abandon(stream);
  }
}

interface Open {
  readonly aborter: AbortController;
  readonly reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
}
