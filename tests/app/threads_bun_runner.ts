/** Runs the cases of threads on Bun and prints one JSON line per case: `{"name", "error"?}`. */

import process from "node:process";
import { bunRuntime } from "../../lib/runtime/bun.ts";
import { prepareProcess } from "../../lib/runtime/bun_process.ts";
import { runCase } from "../runtime/case.ts";
import { threadCases } from "./thread_cases.ts";

prepareProcess({ serve: true });
for (const one of threadCases) {
  const error = await runCase(bunRuntime, one).then(
    () => undefined,
    (cause) => cause instanceof Error ? cause.stack ?? cause.message : String(cause),
  );
  await new Promise((resolve) =>
    process.stdout.write(JSON.stringify({ name: one.name, error }) + "\n", resolve)
  );
}
// A case that failed may have left a listener open.
process.exit(0);
