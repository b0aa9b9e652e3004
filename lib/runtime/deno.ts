/** The runtime interface on Deno. */

import { chmodSync } from "node:fs";
import { encodeUtf8 } from "../base/bytes.ts";
import type { Secret } from "../base/secret.ts";
import { listenError, listenSocketError } from "./listen_error.ts";
import type {
  BodyReader,
  Connection,
  FetchInit,
  Network,
  NetworkSettings,
  RunningServer,
  Runtime,
  ServeOptions,
  Server,
  ServeSocketOptions,
} from "./runtime.ts";
import { type Libc, systemCalls } from "./system_calls.ts";
import { workersIn } from "./workers.ts";

class DenoConnection implements Connection {
  readonly remoteAddress: string;
  readonly #request: Request;

  constructor(request: Request, remoteAddress: string) {
    this.#request = request;
    this.remoteAddress = remoteAddress;
  }

  // Deno 2.9.6 puts the Host header into `request.url` unchecked: with "Host: h/b?", a request for "/a" has the URL
  // "http://h/b?/a". The target is what follows the header's value.
  get target(): string {
    const { url, headers } = this.#request;
    const origin = url.indexOf("://") + "://".length;
    const host = headers.get("host");
    if (host !== null && url.startsWith(host, origin)) {
      const start = origin + host.length;
      if (url[start] === "/") return url.slice(start);
    }
    return url.slice(url.indexOf("/", origin));
  }

  // Without "unstable": ["no-legacy-abort"] in deno.json, Deno 2.9.6 also aborts this signal after a complete response,
  // and prints a warning when it is read. With it, a client that resets the connection while the body is sent does not
  // abort the signal; the body is cancelled instead.
  get clientGone(): AbortSignal {
    return this.#request.signal;
  }

  // Over HTTP/2, Deno 2.9.6 drops the rest of a response once the client has sent GOAWAY, as the AWS SDK for
  // JavaScript does as soon as it has the headers (hyperium/h2 issue 885). Requests over HTTP/2 have no Host header.
  get truncatesStreams(): boolean {
    const { headers } = this.#request;
    return !headers.has("host") && (headers.get("user-agent") ?? "").startsWith("aws-sdk-js/");
  }
}

function serve(options: ServeOptions): Server {
  const { hostname, port, tls, replaces, shared = false, handle } = options;
  const closing = new AbortController();
  const settings = {
    ...QUIET,
    hostname,
    signal: closing.signal,
    // Allows a later server to take over. Deno 2.9.6 needs "unstable": ["net"] in deno.json for it.
    reusePort: true,
    ...(tls === undefined ? {} : { cert: tls.certificate, key: tls.key }),
  };
  try {
    // With `reusePort`, any program of the same user could share the port, so check first that nobody uses it.
    if (replaces === undefined && !shared) Deno.listen({ hostname, port }).close();
    const open = (port: number) =>
      Deno.serve(
        { ...settings, port },
        (request, info) => handle(request, new DenoConnection(request, info.remoteAddr.hostname)),
      );
    const server = open(port);
    const { addr } = server;
    return { hostname: addr.hostname, port: addr.port, ...lasting(server, () => open(addr.port), closing) };
  } catch (error) {
    throw listenError(options, error);
  }
}

function serveSocket(options: ServeSocketOptions): RunningServer {
  const { path, handle } = options;
  const closing = new AbortController();
  try {
    const server = Deno.serve(
      { ...QUIET, path, signal: closing.signal },
      (request) => handle(request, new DenoConnection(request, "")),
    );
    chmodSync(path, 0o600);
    return running(server, closing);
  } catch (error) {
    throw listenSocketError(options, error);
  }
}

/** Without these, Deno prints the address, and the stack of each error in a body stream, to the terminal. */
const QUIET = { onListen: () => {}, onError: () => new Response(null, { status: 500 }) };

type DenoServer = Pick<Deno.HttpServer, "shutdown" | "finished">;

const REOPEN_MS = 50;

/**
 * When Deno 2.9.6 cannot accept a connection because the process has too many open files, it ends the server
 * permanently, along with its in-flight requests. A new server replaces it as soon as possible; the error is left
 * unhandled, so that it is logged like other unhandled errors.
 */
function lasting(first: DenoServer, reopen: () => DenoServer, closing: AbortController): RunningServer {
  let current = running(first, closing);
  let isEnding = false;
  function watch(server: DenoServer): void {
    void server.finished.catch((error) => {
      if (isEnding) return;
      retry();
      throw error;
    });
  }
  function retry(): void {
    setTimeout(() => {
      if (isEnding) return;
      try {
        const server = reopen();
        current = running(server, closing);
        watch(server);
      } catch {
        retry();
      }
    }, REOPEN_MS);
  }
  watch(first);
  return {
    drain: () => {
      isEnding = true;
      return current.drain();
    },
    close: () => {
      isEnding = true;
      // A server that has just failed is already closed.
      return current.close().catch(() => {});
    },
  };
}

function running(server: DenoServer, closing: AbortController): RunningServer {
  let isDraining = false;
  return {
    drain: () => {
      isDraining = true;
      return server.shutdown();
    },
    close: () => {
      // In Deno 2.9.6, aborting after `shutdown` throws BadResource.
      if (!isDraining) closing.abort();
      return server.finished;
    },
  };
}

function openNetwork({ proxy, authorities }: NetworkSettings): Network {
  const settings: Deno.CreateHttpClientOptions = {
    // With HTTP/2, all requests to a host would share one connection, on which Deno 2.9.6 queues those beyond the
    // peer's stream limit; HTTP/1.1 opens a connection for each concurrent request.
    http2: false,
    ...(proxy !== undefined && { proxy: denoProxy(proxy) }),
    ...(authorities !== undefined && { caCerts: [authorities] }),
  };
  let client: Deno.HttpClient | undefined;
  return {
    fetch: (url, init) => fetchWith(client ??= Deno.createHttpClient(settings), url, init),
    close() {
      client?.close();
      client = undefined;
    },
  };
}

function denoProxy(proxy: Secret): Deno.Proxy {
  const url = new URL(proxy.reveal());
  const username = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = "";
  url.password = "";
  return {
    transport: url.protocol === "https:" ? "https" : "http",
    url: url.href,
    ...((username !== "" || password !== "") && { basicAuth: { username, password } }),
  };
}

const { fetch: fetchOnce } = openNetwork({ proxy: undefined, authorities: undefined });

function fetchWith(client: Deno.HttpClient, url: string, init: FetchInit): Promise<Response> {
  // By default, Deno 2.9.6 requests gzip and decodes it.
  init.headers.set("accept-encoding", "identity");
  return fetch(url, { ...init, client, redirect: "manual" });
}

/** Size of a chunk; Bedrock's frames and chunks are smaller. */
const CHUNK_BYTES = 16 * 1024;

// Without a buffer to read into, Deno 2.9.6 allocates 64 KiB per chunk, a third of the cost of a stream.
function openBody(body: ReadableStream<Uint8Array<ArrayBuffer>>): BodyReader {
  const reader = body.getReader({ mode: "byob" });
  return {
    read: () => reader.read(new Uint8Array(CHUNK_BYTES)),
    cancel: () => reader.cancel(),
  };
}

// Not `process.stdout`: in Deno 2.9.6, that blocks the whole process while a pipe is full, and ends the process when
// the reader of the pipe is gone.
async function writeOut(text: string): Promise<void> {
  for (let rest = encodeUtf8(text); rest.length > 0;) rest = rest.subarray(await Deno.stdout.write(rest));
}

function openLibc(library: string): Libc {
  return Deno.dlopen(library, {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
    close: { parameters: ["i32"], result: "i32" },
    clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  }).symbols;
}

export const denoRuntime: Runtime = {
  name: "deno",
  get version() {
    return Deno.version.deno;
  },
  serve,
  serveSocket,
  fetch: fetchOnce,
  openNetwork,
  openBody,
  writeOut,
  startWorker: workersIn(() => new URL("../../", import.meta.url)),
  systemCalls: systemCalls(openLibc),
};
