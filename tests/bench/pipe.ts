/**
 * The reference of every ratio: a server that forwards requests with `fetch` and returns the responses, without looking
 * into either. Runs on either runtime, takes the upstream's URL, and prints its port.
 */

import process from "node:process";

interface PipeServeOptions {
  readonly hostname: string;
  readonly port: number;
  readonly idleTimeout: number;
  readonly fetch: (request: Request) => Promise<Response>;
}

declare const Bun: { serve(options: PipeServeOptions): { readonly port: number } };

const IS_BUN = "Bun" in globalThis;
const [, , upstream = ""] = process.argv;
const listen = { hostname: "127.0.0.1", port: 0 };

async function relay(request: Request): Promise<Response> {
  const target = request.url.slice(request.url.indexOf("/", "http://".length));
  const { method } = request;
  // A request body that is passed on as a stream costs both runtimes more than half of their requests per second.
  const body = await request.arrayBuffer();
  const response = await fetch(upstream + target, {
    method,
    headers: { "content-type": "application/json" },
    body,
  });
  const { body: answer, headers, status } = response;
  const isStream = answer !== null && !headers.has("content-length");
  return IS_BUN && isStream ? new Response(chunkByChunk(answer), { status, headers }) : response;
}

/**
 * If the last bytes of the upstream, `0\r\n\r\n`, arrive in a packet of their own, Bun 1.4.4 loses the end of a stream
 * that is returned as it is, and the client waits forever. Reading the stream here takes no longer.
 */
function chunkByChunk(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function printPort(port: number): void {
  process.stdout.write(`${port}\n`);
}

if (IS_BUN) {
  printPort(Bun.serve({ ...listen, idleTimeout: 0, fetch: relay }).port);
} else {
  Deno.serve({ ...listen, onListen: ({ port }) => printPort(port) }, relay);
}
