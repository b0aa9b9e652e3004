/** Prepares to serve on Bun, then prints what the process is: `{"pid", "args", "limit"}`. */

import process from "node:process";
import { prepareProcess } from "../../lib/runtime/bun_process.ts";

prepareProcess({ serve: true });
const { pid, argv, env } = process;
process.stdout.write(
  JSON.stringify({ pid, args: argv.slice(2), limit: env["BUN_CONFIG_MAX_HTTP_REQUESTS"] }) + "\n",
);
