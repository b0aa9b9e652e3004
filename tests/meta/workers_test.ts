/** The binary contains the entry point of every worker. */

import assert from "node:assert/strict";
import { WORKER_ENTRIES } from "../../lib/runtime/workers.ts";
import { readRepositoryFile } from "./sources.ts";

Deno.test("both compilations name the entry point of every worker", () => {
  const { tasks }: { tasks: Record<"build" | "compile", string> } = JSON.parse(
    readRepositoryFile("deno.json"),
  );
  for (const entry of Object.values(WORKER_ENTRIES)) {
    assert.ok(readRepositoryFile(entry).includes("parentPort"), entry);
    assert.ok(tasks.build.split(" ").includes(entry), entry);
    assert.ok(tasks.compile.split(" ").includes(`--include=${entry}`), entry);
  }
});
