/** A listener on Deno, in a process that may open few files: prints its port. */

import process from "node:process";
import { denoRuntime } from "../../lib/runtime/deno.ts";

process.on("unhandledRejection", () => {});
const handle = () => Promise.resolve(new Response("ok"));
const { port } = denoRuntime.serve({ hostname: "127.0.0.1", port: 0, handle });
process.stdout.write(`${port}\n`);
