/** What the program needs from the runtime it runs on; `deno.ts` and `bun.ts` each give it, `main.ts` chooses. */

import type { SystemCalls } from "./system_calls.ts";

export interface Runtime {
  readonly name: "bun" | "deno";
  readonly version: string;
  /**
   * Makes the process fit to run a command. On Bun this may replace the process by itself (`process.execve`: same pid),
   * without the variables of `weakeningIn` and, to serve, with a larger limit on concurrent fetches; so it is called
   * first, before anything is loaded or opened. Deno cannot do that: what weakens the program is still there afterwards.
   */
  prepare(purpose: { readonly serve: boolean }): void;
  /** Listens, or throws an error that names the address and says why it cannot. */
  serve(options: ServeOptions): Server;
  /** Listens on a Unix socket in plain HTTP/1.1, or throws as `serve` does. Deno needs the right to read and write the path. */
  serveSocket(options: ServeSocketOptions): RunningServer;
  /**
   * One HTTP/1.1 request on a pooled connection: no redirect followed, nothing decompressed, no time limit but the
   * signal's. A body that is not wanted must be cancelled, or its connection is lost to the pool. Deno 2.9.6 by itself
   * sends a request once more whose connection out of the pool is lost before the answer; Bun 1.4.4 sends each once.
   */
  readonly fetch: Fetch;
  /** Reads the body of an answer of `fetch` chunk by chunk. */
  readonly openBody: OpenBody;
  /**
   * Writes to standard output: resolves when all of it has been taken, rejects when nobody takes it any more. The program
   * goes on meanwhile, however long that is. Wait for one write before the next.
   */
  readonly writeOut: (text: string) => Promise<void>;
  /** Of Linux; the C library is opened by the first of them that is called. Deno needs `--allow-ffi` for it. */
  readonly systemCalls: SystemCalls;
}

export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

export type OpenBody = (body: ReadableStream<Uint8Array<ArrayBuffer>>) => BodyReader;

export interface BodyReader {
  read(): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>;
  cancel(): Promise<void>;
}

export interface FetchInit {
  readonly method: string;
  /**
   * Taken over by the call, which sets `accept-encoding: identity` in them; `host` follows from the URL. Where they are
   * missing, the runtime adds its own `user-agent` and `accept`, and Deno always adds `accept-language: *`.
   */
  readonly headers: Headers;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

export interface ServeOptions {
  /** An address or a name; an IPv6 address stands without brackets. */
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** PEM texts; without them the listener speaks plain HTTP/1.1 and h2c, with them the same under ALPN. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /**
   * A server of this runtime on the same address that the new one takes over from, such as one with the certificate of
   * yesterday: both take connections until the old one is drained. Without it an address in use is refused.
   */
  readonly replaces?: Server;
  readonly handle: Handler;
}

export interface ServeSocketOptions {
  /** Absolute; made here for its owner alone, whatever the umask, and gone when the server is closed. */
  readonly path: string;
  readonly handle: Handler;
}

/**
 * Answers one request and never throws. The runtime itself refuses malformed requests and headers over 16 KiB (Bun) or
 * 64 KiB (Deno) without a call; Bun 1.4.4 also closes a connection over which a request comes before the last one is
 * answered. A client that leaves before the answer aborts `clientGone`, one that leaves while the body is sent calls the
 * body stream's `cancel`. A body stream that errors cuts the connection, so that the client cannot take what it has for
 * the whole.
 */
export type Handler = (request: Request, connection: Connection) => Promise<Response>;

export interface Connection {
  /**
   * Path and query of the request, beginning with `/`. `request.url` is no substitute: its host is whatever the client
   * sent, and where that is no host, `new URL` refuses the text (both) or finds another path in it (Deno).
   */
  readonly target: string;
  /** Aborts when the client leaves before the handler has answered; whether it does later is up to the runtime. */
  readonly clientGone: AbortSignal;
  /** Address of the peer, without its port; empty over a Unix socket. */
  readonly remoteAddress: string;
  /** Whether an answer that comes bit by bit would reach this client only in part, and look whole to it. */
  readonly losesStreams: boolean;
}

export interface Server extends RunningServer {
  readonly hostname: string;
  /** The port in use, also when 0 was asked for. */
  readonly port: number;
}

export interface RunningServer {
  /** Stops accepting, closes idle connections, and resolves when the requests in hand have been answered. */
  drain(): Promise<void>;
  /**
   * Closes everything now. Once `drain` has begun only the handlers can do that (Deno has no way to), by erroring the
   * bodies of their answers; `close` then resolves with `drain`.
   */
  close(): Promise<void>;
}
