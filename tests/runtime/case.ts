/** The form of a case of the runtime suite, and the listener most of them need. */

import type { Handler, Runtime, ServeOptions } from "../../lib/runtime/runtime.ts";

/** One behaviour; `run` throws where the runtime does not show it. */
export interface Case {
  /** A sentence. */
  readonly name: string;
  readonly run: (runtime: Runtime) => Promise<void>;
}

/** What some runtimes cannot do yet; `runtime_test.ts` notices the day they can. */
export interface KnownFailure extends Case {
  readonly failsOn: readonly ("bun" | "deno")[];
}

export interface Listener extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
}

/** Serves on a free port of 127.0.0.1 until it is disposed of. */
export function listen(runtime: Runtime, handle: Handler, options: Pick<ServeOptions, "tls"> = {}): Listener {
  const server = runtime.serve({ hostname: "127.0.0.1", port: 0, handle, ...options });
  return {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

/** An event that one side of a test waits for and the other side causes. */
export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** A stream whose chunks the returned controller feeds; `cancelled` resolves when its reader gives up. */
export function fedStream(): {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  readonly cancelled: Promise<void>;
} {
  const cancelled = gate();
  const started = {
    controller: undefined as ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined,
  };
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => {
      started.controller = controller;
    },
    cancel: cancelled.open,
  });
  if (started.controller === undefined) throw new Error("the stream did not start");
  return { stream, controller: started.controller, cancelled: cancelled.opened };
}

/** A case that waits for an event that never comes fails after this, instead of holding up all that follow. */
const HANG_MS = 180_000;

/** Runs one case; rejects where it fails or hangs. */
export async function runCase(runtime: Runtime, { run }: Case): Promise<void> {
  const hang = Promise.withResolvers<never>();
  const timer = setTimeout(() => hang.reject(new Error("an awaited event never came")), HANG_MS);
  try {
    await Promise.race([run(runtime), hang.promise]);
  } finally {
    clearTimeout(timer);
  }
}
