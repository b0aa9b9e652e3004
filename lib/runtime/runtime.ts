/** What the program needs from the runtime it runs on; `deno.ts` and `bun.ts` each give it, `main.ts` chooses. */

export interface Runtime {
  readonly name: "bun" | "deno";
  readonly version: string;
  /**
   * Makes the process fit to serve. On Bun this may replace the process by itself with a larger limit on concurrent
   * fetches (`process.execve`: same pid), so it is called first, before anything is opened.
   */
  prepareToServe(): void;
  serve(options: ServeOptions): Promise<Server>;
  /** One HTTP request: no redirect followed, nothing decompressed, no time limit but the signal's. */
  readonly fetch: Fetch;
}

export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

export interface FetchInit {
  readonly method: string;
  /** Sent as they are; the implementation adds `accept-encoding: identity` and nothing else of its own choosing. */
  readonly headers: Headers;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

export interface ServeOptions {
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** PEM texts; without them the listener speaks plain HTTP/1.1 and h2c. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  readonly handle: Handler;
}

/**
 * Answers one request and never throws. `clientGone` may abort while the answer is awaited or its body is streamed;
 * that it does not abort after a complete answer is not promised. The body stream's `cancel` is called when the client
 * leaves while it is read.
 */
export type Handler = (request: Request, connection: Connection) => Promise<Response>;

export interface Connection {
  /** Aborts when the client has left. */
  readonly clientGone: AbortSignal;
  /** Address of the peer, without its port. */
  readonly remoteAddress: string;
}

export interface Server {
  readonly hostname: string;
  /** The port in use, also when 0 was asked for. */
  readonly port: number;
  /** Stops accepting, closes idle connections, and resolves when the requests in hand have been answered. */
  drain(): Promise<void>;
  /** Closes everything now. */
  close(): Promise<void>;
}
