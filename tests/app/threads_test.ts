/** Runs the cases of threads on Deno, in this process, and on Bun, in a process of its own. */

import { equal, ok } from "node:assert/strict";
import { denoRuntime } from "../../lib/runtime/deno.ts";
import { BUN, repositoryPath } from "../repository.ts";
import { runCase } from "../runtime/case.ts";
import { threadCases } from "./thread_cases.ts";

interface BunRun {
  /** By the case's name; undefined where it passed. */
  readonly errors: ReadonlyMap<string, string | undefined>;
  readonly stderr: string;
}

async function runOnBun(): Promise<BunRun> {
  const { stdout, stderr } = await new Deno.Command(BUN, {
    args: [repositoryPath("tests/app/threads_bun_runner.ts")],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  const lines = decoder.decode(stdout).split("\n").filter((line) => line !== "");
  const results = lines.map((line): { name: string; error?: string } => JSON.parse(line));
  return {
    errors: new Map(results.map(({ name, error }) => [name, error])),
    stderr: decoder.decode(stderr),
  };
}

// One process runs all cases; the first test that needs a result waits for all of them.
let bunRun: Promise<BunRun> | undefined;

for (const one of threadCases) {
  Deno.test(`deno: ${one.name}`, () => runCase(denoRuntime, one));

  Deno.test(`bun: ${one.name}`, async () => {
    const { errors, stderr } = await (bunRun ??= runOnBun());
    ok(errors.has(one.name), `the process ended before this case: ${stderr}`);
    equal(errors.get(one.name), undefined);
  });
}
