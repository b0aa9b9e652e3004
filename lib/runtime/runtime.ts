/** The runtime interface; `deno.ts` and `bun.ts` implement it, and `main.ts` chooses one. */

import type { Secret } from "../base/secret.ts";
import type { SystemCalls } from "./system_calls.ts";
import type { StartWorker } from "./workers.ts";

export interface Runtime {
  readonly name: "bun" | "deno";
  readonly version: string;
  /** Starts listening; throws an error with the address and the reason. */
  serve(options: ServeOptions): Server;
  /** The same on a Unix socket, with plain HTTP/1.1. Deno needs permission to read and write the path. */
  serveSocket(options: ServeSocketOptions): RunningServer;
  /**
   * One HTTP/1.1 request on a pooled connection: no redirects, no decompression, no time limit except the signal's.
   * An unwanted body must be cancelled, or its connection is lost to the pool. If a pooled connection breaks before the
   * response, Deno 2.9.6 resends the request; Bun 1.4.4 does not.
   */
  readonly fetch: Fetch;
  /** Opens a network: a separate `fetch` with its own connections. */
  readonly openNetwork: OpenNetwork;
  /** Reads the body of a `fetch` response chunk by chunk. */
  readonly openBody: OpenBody;
  /**
   * Writes to standard output without blocking: resolves when everything has been accepted, rejects when the reader is
   * gone. Wait for one write before the next.
   */
  readonly writeOut: (text: string) => Promise<void>;
  /** Starts a thread of the program. */
  readonly startWorker: StartWorker;
  /** Linux system calls. Deno needs `--allow-ffi` for them. */
  readonly systemCalls: SystemCalls;
}

export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

/** How hosts are reached. */
export interface NetworkSettings {
  /**
   * URL of a forward proxy, which may contain a percent-encoded user name and password. Both runtimes still connect
   * directly to the hosts in `NO_PROXY`.
   */
  readonly proxy: Secret | undefined;
  /** Certificate authorities to trust in addition to the default ones, also for an https proxy; PEM. */
  readonly authorities: string | undefined;
}

export interface Network {
  readonly fetch: Fetch;
  /** Closes idle connections. In-flight requests continue, and later ones open new connections. */
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
   * Owned by the call, which adds `accept-encoding: identity`; `host` comes from the URL. The runtime adds its own
   * `user-agent` and `accept` if they are missing, and Deno always adds `accept-language: *`.
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
  /** PEM. With it, the listener speaks HTTP/1.1 and HTTP/2 over TLS; without it, plain HTTP/1.1 and h2c. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /**
   * A server on the same address that the new one replaces, for example to change the certificate: both accept
   * connections until the old one is drained. Without it, an address in use is an error.
   */
  readonly replaces?: Server;
  /** Whether another thread of this process already listens on the address; then both accept connections. */
  readonly shared?: boolean;
  readonly handle: Handler;
}

export interface ServeSocketOptions {
  /** Absolute path; created for its owner only, whatever the umask, and removed when the server is closed. */
  readonly path: string;
  readonly handle: Handler;
}

/**
 * Answers one request and never throws. The runtime itself rejects malformed requests and headers over 16 KiB (Bun) or
 * 64 KiB (Deno).
 *
 * Bun 1.4.4 parses the bytes that follow a request while its answer is in flight: a second request closes the
 * connection, an empty line puts a 400 into the middle of the answer, and trailers are rejected with a 400. Both Bun
 * 1.4.4 and Deno 2.9.6 take a half-closed connection for a client that has left. Neither has an option or a hook before
 * its parser. `node:http` on Bun 1.4.4 handles all of these except half-closed connections, but cannot serve HTTP/2 on
 * the same port.
 *
 * If the client leaves before the response, `clientGone` aborts; if it leaves while the body is sent, the body stream
 * is cancelled. An error in the body stream cuts the connection, so that the client cannot mistake a partial response
 * for a complete one.
 */
export type Handler = (request: Request, connection: Connection) => Promise<Response>;

export interface Connection {
  /**
   * Path and query of the request, beginning with `/`. `request.url` is no substitute: it contains the Host header as
   * sent, and if that is not a host, `new URL` rejects it (both runtimes) or finds a different path (Deno).
   */
  readonly target: string;
  /** Aborts when the client leaves before the response; after that, it depends on the runtime. */
  readonly clientGone: AbortSignal;
  /** Address of the peer, without its port; empty for a Unix socket. */
  readonly remoteAddress: string;
  /**
   * Called when the response is complete, to close the connection after a while without traffic. Only on Bun: Deno
   * 2.9.6 keeps connections that are idle or have sent half a request until the client closes them.
   */
  answered?(): void;
  /** Whether a streamed response could be truncated on its way and still look complete to this client. */
  readonly truncatesStreams: boolean;
}

export interface Server extends RunningServer {
  readonly hostname: string;
  /** The actual port, even if 0 was requested. */
  readonly port: number;
}

export interface RunningServer {
  /** Stops accepting and closes idle connections; resolves when all in-flight requests have been answered. */
  drain(): Promise<void>;
  /**
   * Closes everything now. Once `drain` has begun, Deno cannot do so; then handlers must error the bodies of their
   * responses, and `close` resolves together with `drain`.
   */
  close(): Promise<void>;
}
