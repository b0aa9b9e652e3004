/** A start loads what the first answer needs, and nothing that some configurations or later views alone need. */

import assert from "node:assert/strict";
import { WORKER_ENTRIES } from "../../lib/runtime/workers.ts";
import { importsOf, readRepositoryFile } from "./sources.ts";

/** Everything that is loaded before the module runs: files, packages, and modules of the runtime. */
function loadedBy(entry: string): ReadonlySet<string> {
  const loaded = new Set<string>();
  const queue = [entry];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    if (!path.endsWith(".ts")) continue;
    for (const one of importsOf(path, readRepositoryFile(path))) {
      if (one.isLoaded) queue.push(one.path ?? one.specifier);
    }
  }
  return loaded;
}

const program = loadedBy("main.ts");
const serving = loadedBy("lib/cli/serve.ts");

Deno.test("before a process of Bun replaces itself, it loads no more than decides about it", () => {
  assert.deepEqual([...program].sort(), [
    "lib/runtime/bun_process.ts",
    "lib/runtime/weakening.ts",
    "main.ts",
    "node:process",
  ]);
});

Deno.test("to serve, modules of the runtime that take long are loaded when they are needed", () => {
  const slow = ["child_process", "dns/promises", "http", "http2", "https", "sqlite", "tls", "worker_threads"];
  assert.deepEqual(slow.filter((name) => serving.has(`node:${name}`)), []);
});

Deno.test("to serve, no package is loaded but those that read the configuration and sign requests", () => {
  const packages = [...serving].filter((path) => !/^(?:lib\/|deno\.json|node:)/.test(path)).sort();
  assert.deepEqual(packages, ["aws4fetch", "yaml", "zod"]);
});

Deno.test("to serve, what is optional is loaded later", () => {
  const later = [
    "lib/admin/api.ts",
    "lib/admin/page_files.ts",
    "lib/admin/usage_api.ts",
    "lib/admin/views/operator_views.ts",
    "lib/config/edit/edit.ts",
    "lib/emulator/emulator.ts",
    "lib/ledger/ledger.ts",
    "lib/ledger/queries.ts",
    "lib/telemetry/gateway_metrics.ts",
    "lib/telemetry/traces/exporter.ts",
    ...Object.values(WORKER_ENTRIES),
  ];
  for (const path of later) assert.ok(readRepositoryFile(path).length > 0);
  assert.deepEqual(later.filter((path) => serving.has(path)), []);
});
