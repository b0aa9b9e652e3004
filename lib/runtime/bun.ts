/** The runtime interface on Bun, with types for the part of Bun's API in use. */

import { chmodSync } from "node:fs";
import process from "node:process";
import { systemClock } from "../base/clock.ts";
import { isCompiled } from "./bun_process.ts";
import { listenError, listenSocketError } from "./listen_error.ts";
import type {
  Connection,
  FetchInit,
  Handler,
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

interface BunServer {
  readonly hostname: string;
  readonly port: number;
  /** Seconds without traffic after which the request's connection is closed; 0 for never. */
  timeout(request: Request, seconds: number): void;
  requestIP(request: Request): { readonly address: string } | null;
  stop(closeActiveConnections: boolean): Promise<void>;
}

interface BunSettings {
  readonly http2: boolean;
  readonly idleTimeout: number;
  readonly maxRequestBodySize: number;
  readonly development: boolean;
  readonly fetch: (request: Request, server: BunServer) => Promise<Response>;
}

interface BunServeOptions extends BunSettings {
  readonly hostname: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly tls?: { readonly cert: string; readonly key: string; readonly ciphers: string };
}

interface BunSocketOptions extends BunSettings {
  readonly unix: string;
}

interface BunRequestInit extends RequestInit {
  readonly decompress: boolean;
  readonly timeout: boolean;
  readonly proxy?: string;
  readonly tls?: { readonly ca: string };
}

interface BunFfi {
  dlopen(library: string, functions: typeof LIBC_FUNCTIONS): { readonly symbols: Libc };
}

declare const Bun: {
  readonly version: string;
  serve(options: BunServeOptions | BunSocketOptions): BunServer;
};

class BunConnection implements Connection {
  readonly truncatesStreams = false;
  readonly remoteAddress: string;
  readonly #request: Request;
  readonly #server: BunServer;

  constructor(request: Request, server: BunServer) {
    this.#request = request;
    this.#server = server;
    // Clears the timeout set by the last answer on this connection.
    server.timeout(request, 0);
    // Read now: Bun 1.4.4 forgets the address once the request is answered.
    this.remoteAddress = server.requestIP(request)?.address ?? "";
  }

  // Bun 1.4.4 normalises `request.url`, but returns the bare target if the Host header is missing or not a host.
  get target(): string {
    const { url } = this.#request;
    return url.startsWith("/") ? url : url.slice(url.indexOf("/", url.indexOf("://") + "://".length));
  }

  get clientGone(): AbortSignal {
    return this.#request.signal;
  }

  answered(): void {
    this.#server.timeout(this.#request, IDLE_S);
  }
}

/** Longer than the idle timeouts of common load balancers, so that they close idle connections first. */
const IDLE_S = 75;

/**
 * The TLS 1.2 cipher suites with forward secrecy and authenticated encryption. Deno supports no others; Bun 1.4.4 also
 * offers RSA key exchange and CBC by default. The TLS 1.3 suites all qualify and are not configured here.
 */
const CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20";

function serve(options: ServeOptions): Server {
  const { hostname, port, tls, replaces, shared = false, handle } = options;
  const settings: BunServeOptions = {
    ...settingsFor(handle),
    hostname,
    port,
    // Allows a later server to take over from this one.
    reusePort: true,
    ...(tls === undefined ? {} : { tls: { cert: tls.certificate, key: tls.key, ciphers: CIPHERS } }),
  };
  try {
    // With `reusePort`, any program of the same user could share the port, so check first that nobody uses it.
    if (replaces === undefined && !shared) void Bun.serve({ ...settings, reusePort: false }).stop(true);
    const server = Bun.serve(settings);
    return { hostname: server.hostname, port: server.port, ...running(server) };
  } catch (error) {
    throw listenError(options, error);
  }
}

function serveSocket(options: ServeSocketOptions): RunningServer {
  try {
    const server = Bun.serve({ ...settingsFor(options.handle), unix: options.path });
    chmodSync(options.path, 0o600);
    return running(server);
  } catch (error) {
    throw listenSocketError(options, error);
  }
}

function settingsFor(handle: Handler): BunSettings {
  return {
    // Without this, Bun 1.4.4 only speaks HTTP/1.1; other spellings are silently ignored.
    http2: true,
    // In Bun 1.4.4, this timeout also closes connections that wait for an answer. Without it, connections that have not
    // sent a whole request head are still closed after 12 s.
    idleTimeout: 0,
    // Bun 1.4.4 answers 413 with an empty body above 128 MiB; the program's own limit answers in the caller's
    // dialect.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    // Otherwise Bun 1.4.4 prints the source around each line that makes a body stream error to the terminal.
    development: false,
    fetch: (request, server) => {
      const answered = handle(request, new BunConnection(request, server));
      return request.method === "HEAD" ? answered.then(withDate) : answered;
    },
  };
}

function running(server: BunServer): RunningServer {
  return { drain: () => server.stop(false), close: () => server.stop(true) };
}

// Bun 1.4.4 omits `date` from responses to HEAD.
function withDate(response: Response): Response {
  response.headers.set("date", new Date(systemClock.now()).toUTCString());
  return response;
}

/** The network settings added to each request. */
type BunNetwork = Pick<BunRequestInit, "proxy" | "tls">;

function fetchOnce(url: string, init: FetchInit): Promise<Response> {
  return fetch(url, bunInit(init));
}

function openNetwork({ proxy, authorities }: NetworkSettings): Network {
  // Not an import: few configurations need it, and it takes a tenth of the start time.
  const defaultAuthorities = () => process.getBuiltinModule("node:tls").getCACertificates("default");
  const network: BunNetwork = {
    ...(proxy !== undefined && { proxy: proxy.reveal() }),
    // They replace the default authorities, so those are included. As a list, they would cost 1.4 ms per request.
    ...(authorities !== undefined && {
      tls: { ca: [...defaultAuthorities(), authorities].join("\n") },
    }),
  };
  // The process has one pool, which keys connections by these settings.
  return { fetch: (url, init) => fetch(url, { ...bunInit(init), ...network }), close() {} };
}

function bunInit(init: FetchInit): BunRequestInit {
  const { headers } = init;
  headers.set("accept-encoding", "identity");
  // Bun 1.4.4 would send a `host` from here; Deno takes it from the URL.
  headers.delete("host");
  return {
    ...init,
    redirect: "manual",
    // Bun 1.4.4 decompresses by default but leaves `content-encoding` and `content-length` unchanged.
    decompress: false,
    // Bun 1.4.4 gives up after 300 s by default.
    timeout: false,
  };
}

function writeOut(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => error ? reject(error) : resolve());
  });
}

const LIBC_FUNCTIONS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
} as const;

function openLibc(library: string): Libc {
  // Not an import: this file is also parsed on Deno, which has no "bun:" modules.
  const ffi = process.getBuiltinModule("bun:ffi") as BunFfi | undefined;
  if (ffi === undefined) throw new Error("this Bun has no bun:ffi");
  return ffi.dlopen(library, LIBC_FUNCTIONS).symbols;
}

export const bunRuntime: Runtime = {
  name: "bun",
  get version() {
    return Bun.version;
  },
  serve,
  serveSocket,
  fetch: fetchOnce,
  openNetwork,
  openBody: (body) => body.getReader(),
  writeOut,
  // In a compiled program, this module is at the root.
  startWorker: workersIn(() => new URL(isCompiled() ? "./" : "../../", import.meta.url)),
  systemCalls: systemCalls(openLibc),
};
