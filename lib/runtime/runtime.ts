/**
 * What the program needs from the runtime it runs on; `deno.ts` and `bun.ts` implement it, `main.ts` chooses.
 */

import type { Secret } from "../base/secret.ts";
import type { SystemCalls } from "./system_calls.ts";
import type { StartWorker } from "./workers.ts";

export interface Runtime {
  readonly name: "bun" | "deno";
  readonly version: string;
  /** Listens, or throws an error with the address and the reason. */
  serve(options: ServeOptions): Server;
  /**
   * Listens on a Unix socket in plain HTTP/1.1, or throws as `serve` does. Deno needs permission to read and write
   * the path.
   */
  serveSocket(options: ServeSocketOptions): RunningServer;
  /**
   * One HTTP/1.1 request on a pooled connection: no redirects, no decompression, no time limit except the signal's.
   * An unwanted body must be cancelled, or the pool loses its connection. Deno 2.9.6 itself resends a request whose
   * pooled connection is lost before the response; Bun 1.4.4 sends each once.
   */
  readonly fetch: Fetch;
  /** A `fetch` of its own, with a pool of its own. */
  readonly openNetwork: OpenNetwork;
  /** Reads the body of a `fetch` response chunk by chunk. */
  readonly openBody: OpenBody;
  /**
   * Writes to standard output: resolves when everything has been accepted, rejects when the reader is gone. The
   * program continues meanwhile, however long that takes. Wait for one write before the next.
   */
  readonly writeOut: (text: string) => Promise<void>;
  /** Starts a thread of the program with an entry point of its own. */
  readonly startWorker: StartWorker;
  /** Linux system calls; the C library is opened by the first call. Deno needs `--allow-ffi` for it. */
  readonly systemCalls: SystemCalls;
}

export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

/** How hosts are reached. */
export interface NetworkSettings {
  /**
   * URL of a forward proxy, which may contain a user name and a password, percent-encoded. On both runtimes, the hosts
   * in `NO_PROXY` are reached directly nevertheless.
   */
  readonly proxy: Secret | undefined;
  /** PEM of certificate authorities that are trusted besides the usual ones, also as those of an https proxy. */
  readonly authorities: string | undefined;
}

export interface Network {
  readonly fetch: Fetch;
  /** Closes idle connections. In-flight requests continue, and a later one opens a connection again. */
  close(): void;
}

export type OpenNetwork = (settings: NetworkSettings) => Network;

export type OpenBody = (body: ReadableStream<Uint8Array<ArrayBuffer>>) => BodyReader;

export interface BodyReader {
  read(): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>;
  cancel(): Promise<void>;
}

export interface FetchInit {
  readonly method: string;
  /**
   * Owned by the call, which adds `accept-encoding: identity`; `host` follows from the URL. If they are missing, the
   * runtime adds its own `user-agent` and `accept`, and Deno always adds `accept-language: *`.
   */
  readonly headers: Headers;
  /** Text is sent as UTF-8. */
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

export interface ServeOptions {
  /** An address or a name; IPv6 addresses without brackets. */
  readonly hostname: string;
  /** 0 selects a free port. */
  readonly port: number;
  /** PEM; without it the listener speaks plain HTTP/1.1 and h2c, with it the same under ALPN. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /**
   * A server of this runtime on the same address that the new one replaces, such as one with the previous
   * certificate: both accept connections until the old one is drained. Without it, an address in use is refused.
   */
  readonly replaces?: Server;
  /** Whether another thread of this process already listens at the address, and both accept connections. */
  readonly shared?: boolean;
  readonly handle: Handler;
}

export interface ServeSocketOptions {
  /**
   * Absolute; created with access for its owner only, whatever the umask, and removed when the server is closed.
   */
  readonly path: string;
  readonly handle: Handler;
}

/**
 * Answers one request and never throws. The runtime itself refuses malformed requests and headers over 16 KiB (Bun)
 * or 64 KiB (Deno) without a call.
 *
 * Bun 1.4.4 parses what follows a request while its answer is in flight: a second request closes the connection, an empty
 * line puts a 400 into the middle of the answer, and trailers are refused with a 400. Both runtimes take a client that
 * closes its own side for one that has left (Deno 2.9.6, too). Neither has an option or a hook before its parser. `node:http`
 * on Bun 1.4.4 gets all of these right but the half-closed connection, and cannot serve HTTP/2 at the same port.
 *
 * A client that leaves before the response aborts `clientGone`; one that leaves while the body is sent
 * calls the body stream's `cancel`. A body stream that errors cuts the connection, so that the client cannot mistake
 * what it has for the whole response.
 */
export type Handler = (request: Request, connection: Connection) => Promise<Response>;

export interface Connection {
  /**
   * Path and query of the request, beginning with `/`. `request.url` is no substitute: its host is whatever the
   * client sent, and if that is not a host, `new URL` rejects it (both) or finds another path in it (Deno).
   */
  readonly target: string;
  /** Aborts when the client leaves before the handler has responded; afterwards it depends on the runtime. */
  readonly clientGone: AbortSignal;
  /** Address of the peer, without its port; empty for a Unix socket. */
  readonly remoteAddress: string;
  /**
   * Called when the response is complete: from then on, a connection without traffic is closed after a while. Only Bun
   * can; Deno 2.9.6 keeps idle connections, and those with half a request, until the client closes them.
   */
  answered?(): void;
  /** Whether a streamed response could reach this client truncated and still look complete. */
  readonly truncatesStreams: boolean;
}

export interface Server extends RunningServer {
  readonly hostname: string;
  /** The port in use, also when 0 was requested. */
  readonly port: number;
}

export interface RunningServer {
  /**
   * Stops accepting, closes idle connections, and resolves when all in-flight requests have been answered.
   */
  drain(): Promise<void>;
  /**
   * Closes everything now. After `drain` has begun, only the handlers can do that (Deno has no way to), by erroring
   * the bodies of their responses; `close` then resolves with `drain`.
   */
  close(): Promise<void>;
}
