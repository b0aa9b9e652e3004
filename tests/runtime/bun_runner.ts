/** Runs the runtime suite on Bun and prints one JSON line per case: `{"name", "error"?}`. */

import process from "node:process";
import { bunRuntime } from "../../lib/runtime/bun.ts";
import { prepareProcess } from "../../lib/runtime/bun_process.ts";
import { runCase } from "./case.ts";
import { cases, knownFailures } from "./suite.ts";

prepareProcess({ serve: true });
for (const one of [...cases, ...knownFailures]) {
  const error = await runCase(bunRuntime, one).then(() => undefined, describe);
  await new Promise((resolve) =>
    process.stdout.write(JSON.stringify({ name: one.name, error }) + "\n", resolve)
  );
}
// A case that failed may have left a listener open.
process.exit(0);

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
