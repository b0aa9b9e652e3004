/**
 * The reference that every ratio is against: a server that hands requests on with `fetch` and gives back what comes, and
 * looks into nothing. Runs on either runtime, takes the upstream's URL, and prints its port.
 */

import process from "node:process";

interface PipeServeOptions {
  readonly hostname: string;
  readonly port: number;
  readonly idleTimeout: number;
  readonly fetch: (request: Request) => Promise<Response>;
}

declare const Bun: { serve(options: PipeServeOptions): { readonly port: number } };

const [, , upstream = ""] = process.argv;
const listen = { hostname: "127.0.0.1", port: 0 };

async function relay(request: Request): Promise<Response> {
  const target = request.url.slice(request.url.indexOf("/", "http://".length));
  const { method } = request;
  // Passing the body on as a stream costs both runtimes more than half of their requests per second.
  const body = await request.arrayBuffer();
  return await fetch(upstream + target, { method, headers: { "content-type": "application/json" }, body });
}

function tellPort(port: number): void {
  process.stdout.write(`${port}\n`);
}

if ("Bun" in globalThis) {
  tellPort(Bun.serve({ ...listen, idleTimeout: 0, fetch: relay }).port);
} else {
  Deno.serve({ ...listen, onListen: ({ port }) => tellPort(port) }, relay);
}
