import assert from "node:assert/strict";
import type { Block } from "./blocks.ts";
import { openWorkplace } from "./workplace.ts";

function block(code: string): Block {
  return { line: 1, code, mode: { kind: "run", exitCode: 0 }, expected: undefined };
}

Deno.test("commands run in the root of a checkout, and their changes are found except for ignored files", async () => {
  await using workplace = await openWorkplace();
  const { exitCode, output } = await workplace.run(block("ls Makefile && git rev-parse --show-prefix"));
  assert.deepEqual({ exitCode, output }, { exitCode: 0, output: "Makefile\n\n" });
  await workplace.run(block("mkdir -p local && touch local/mine dist/mine"));
  assert.deepEqual(await workplace.changes(), []);
  await workplace.run(block("touch mine && echo >>README.md && rm Makefile"));
  assert.deepEqual(await workplace.changes(), ["AD Makefile", "AM README.md", "?? mine"]);
});

Deno.test("commands find the programs of the machine, and not those of the repository", async () => {
  await using workplace = await openWorkplace();
  assert.deepEqual([await workplace.has("git"), await workplace.has("bun-of-nobody")], [true, false]);
  const { output } = await workplace.run(block("command -v deno bun codex || true"));
  assert.doesNotMatch(output, /\.tools\/node_modules/);
});
