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

  // Deno 2.9.6 puts the Host header into `request.url` unchecked, so that with "Host: h/b?" a request for "/a" has
  // the URL "http://h/b?/a". What follows the header's own text is the target.
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

  // Deno 2.9.6 also aborts this signal after a complete response, and prints a warning when it is read, unless the
  // program runs with "unstable": ["no-legacy-abort"], which deno.json sets. Then it does not abort when the client
  // resets the connection while the body is sent; instead the body's `cancel` is called.
  get clientGone(): AbortSignal {
    return this.#request.signal;
  }

  // Over HTTP/2, Deno 2.9.6 drops the rest of a response once the client has sent GOAWAY, as the AWS SDK for
  // JavaScript does as soon as it has the headers (hyperium/h2 issue 885). Requests over HTTP/2 have no Host header
  // here.
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
    // Allows a later server to take over from this one. Deno 2.9.6 needs "unstable": ["net"] for it, which deno.json
    // sets.
    reusePort: true,
    ...(tls === undefined ? {} : { cert: tls.certificate, key: tls.key }),
  };
  try {
    // A shared port would be shared with any program of the same user, so check first whether one already uses it.
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

/**
 * Without these two, Deno prints to the terminal: the address, and the stack of each body stream that errors.
 */
const QUIET = { onListen: () => {}, onError: () => new Response(null, { status: 500 }) };

type DenoServer = Pick<Deno.HttpServer, "shutdown" | "finished">;

const REOPEN_MS = 50;

/**
 * Deno 2.9.6 ends a server permanently, with its in-flight requests, when it cannot accept a connection because the
 * process has too many open files. Another one replaces it as soon as files are available; the error is left
 * unhandled, so that whoever logs unhandled errors sees it.
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
      // One that has just broken down is already closed.
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
      // Deno 2.9.6 throws BadResource from the abort after `shutdown` was called.
      if (!isDraining) closing.abort();
      return server.finished;
    },
  };
}

function openNetwork({ proxy, authorities }: NetworkSettings): Network {
  const settings: Deno.CreateHttpClientOptions = {
    // HTTP/2 to one host would share one connection, on which Deno 2.9.6 queues what exceeds the peer's stream limit;
    // HTTP/1.1 opens as many connections as there are requests.
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
  // Deno 2.9.6 requests gzip and decodes it unless this header says otherwise.
  init.headers.set("accept-encoding", "identity");
  return fetch(url, { ...init, client, redirect: "manual" });
}

/** Size of a chunk; Bedrock's are shorter, as its frames are. */
const CHUNK_BYTES = 16 * 1024;

// Without a buffer to read into, Deno 2.9.6 allocates 64 KiB for each chunk: a third of the cost of a stream.
function openBody(body: ReadableStream<Uint8Array<ArrayBuffer>>): BodyReader {
  const reader = body.getReader({ mode: "byob" });
  return {
    read: () => reader.read(new Uint8Array(CHUNK_BYTES)),
    cancel: () => reader.cancel(),
  };
}

// Not `process.stdout`: in Deno 2.9.6 it blocks the whole process while a pipe is full, and ends the process when the
// pipe's reader has gone.
async function writeOut(text: string): Promise<void> {
  for (let rest = encodeUtf8(text); rest.length > 0;) rest = rest.subarray(await Deno.stdout.write(rest));
}

function openLibc(library: string): Libc {
  const { symbols } = Deno.dlopen(library, {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
    close: { parameters: ["i32"], result: "i32" },
    clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  });
  return {
    socket: symbols.socket,
    sendto: ({ descriptor, data, flags, address }) =>
      Number(symbols.sendto(descriptor, data, BigInt(data.length), flags, address, address.length)),
    close: symbols.close,
    clockGettime: symbols.clock_gettime,
  };
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
