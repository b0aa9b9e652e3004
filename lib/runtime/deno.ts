/** The runtime interface on Deno. */

import { listenError } from "./listen_error.ts";
import type { Connection, FetchInit, Runtime, ServeOptions, Server } from "./runtime.ts";
import { type Libc, systemCalls } from "./system_calls.ts";

class DenoConnection implements Connection {
  readonly remoteAddress: string;
  readonly #request: Request;

  constructor(request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) {
    this.#request = request;
    this.remoteAddress = info.remoteAddr.hostname;
  }

  // Deno 2.9.6 puts the Host header into `request.url` unchecked, so that with "Host: h/b?" a request for "/a" has the
  // URL "http://h/b?/a". What follows the header's own text is the target.
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

  // Deno 2.9.6 aborts this signal after a complete answer too, and prints a warning when it is read, unless the program
  // runs with "unstable": ["no-legacy-abort"], which deno.json sets. Then it does not abort when the client resets the
  // connection while the body is sent; the body's `cancel` is called.
  get clientGone(): AbortSignal {
    return this.#request.signal;
  }
}

function serve(options: ServeOptions): Server {
  const { hostname, port, tls, replaces, handle } = options;
  const closing = new AbortController();
  const settings = {
    hostname,
    port,
    signal: closing.signal,
    // Lets a later server take over from this one. Deno 2.9.6 needs "unstable": ["net"] for it, which deno.json sets.
    reusePort: true,
    // Without these two Deno prints to the terminal: the address, and the stack of each body stream that errors.
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
    ...(tls === undefined ? {} : { cert: tls.certificate, key: tls.key }),
  };
  try {
    // A shared port would be shared with any program of the same user: one that is there already is found out here.
    if (replaces === undefined) Deno.listen({ hostname, port }).close();
    // Over HTTP/2, Deno 2.9.6 drops what is still to come of an answer once the client has sent GOAWAY, as the AWS SDK for
    // JavaScript does as soon as it has the headers (hyperium/h2 issue 885). Nothing here can keep it from that.
    const server = Deno.serve(
      settings,
      (request, info) => handle(request, new DenoConnection(request, info)),
    );
    let isDraining = false;
    return {
      hostname: server.addr.hostname,
      port: server.addr.port,
      drain: () => {
        isDraining = true;
        return server.shutdown();
      },
      close: () => {
        // Deno 2.9.6 throws BadResource from the abort once `shutdown` was called.
        if (!isDraining) closing.abort();
        return server.finished;
      },
    };
  } catch (error) {
    throw listenError(options, error);
  }
}

let client: Deno.HttpClient | undefined;

function fetchOnce(url: string, init: FetchInit): Promise<Response> {
  // HTTP/2 to one host would share one connection, on which Deno 2.9.6 queues what the peer's stream limit does not let
  // through; HTTP/1.1 opens as many connections as there are requests.
  client ??= Deno.createHttpClient({ http2: false });
  // Deno 2.9.6 asks for gzip and decodes it unless this header says exactly so.
  init.headers.set("accept-encoding", "identity");
  return fetch(url, { ...init, client, redirect: "manual" });
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
  prepareToServe() {},
  serve,
  fetch: fetchOnce,
  systemCalls: systemCalls(openLibc),
};
