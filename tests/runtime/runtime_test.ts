/** Runs the runtime suite on Deno, in this process, and on Bun, in a process of its own. */

import assert from "node:assert/strict";
import { denoRuntime } from "../../lib/runtime/deno.ts";
import { BUN, repositoryPath } from "../repository.ts";
import { runCase } from "./case.ts";
import { cases, knownFailures } from "./suite.ts";

interface BunRun {
  /** By the case's name; undefined where it passed. */
  readonly errors: ReadonlyMap<string, string | undefined>;
  readonly stderr: string;
}

async function runBun(
  script: string,
  ...args: string[]
): Promise<{ pid: number; stdout: string; stderr: string }> {
  const child = new Deno.Command(BUN, {
    args: [repositoryPath(script), ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { pid: child.pid, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function runSuiteOnBun(): Promise<BunRun> {
  const { stdout, stderr } = await runBun("tests/runtime/bun_runner.ts");
  const results = stdout.trim().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  return { errors: new Map(results.map(({ name, error }) => [name, error])), stderr };
}

// One process runs all cases; the first test that needs a result waits for all of them.
let bunRun: Promise<BunRun> | undefined;

for (const one of cases) {
  Deno.test(`deno: ${one.name}`, () => runCase(denoRuntime, one));

  Deno.test(`bun: ${one.name}`, async () => {
    const { errors, stderr } = await (bunRun ??= runSuiteOnBun());
    assert.ok(errors.has(one.name), `the process ended before this case: ${stderr}`);
    assert.equal(errors.get(one.name), undefined);
  });
}

for (const one of knownFailures) {
  const outcomeOn = {
    deno: () => runCase(denoRuntime, one).then(() => undefined, String),
    bun: async () => (await (bunRun ??= runSuiteOnBun())).errors.get(one.name),
  };
  for (const runtime of ["deno", "bun"] as const) {
    const fails = one.failsOn.includes(runtime);
    Deno.test(`${runtime}${fails ? ", known to fail" : ""}: ${one.name}`, async () => {
      const error = await outcomeOn[runtime]();
      if (!fails) return assert.equal(error, undefined);
      assert.notEqual(
        error,
        undefined,
        `${runtime} has fixed this: remove it from failsOn, and from lib/runtime/runtime.ts and docs/operations.md`,
      );
    });
  }
}

Deno.test("deno, known to fail: a listener has a time limit for idle connections and half requests", async () => {
  const types = await new Deno.Command(Deno.execPath(), { args: ["types"] }).output();
  const text = new TextDecoder().decode(types.stdout);
  const options = [...text.matchAll(/export interface Serve(?:Tcp)?Options.*?\n {2}}\n/gs)].join("");
  assert.match(options, /\bsignal\?:[^]*\btcpBacklog\?:/);
  assert.doesNotMatch(
    options,
    /^ +\w*(?:idle|keepAlive|timeout)\w*\??:/im,
    "deno has an option for this: use it in lib/runtime/deno.ts, and remove the rows of docs/operations.md",
  );
});

Deno.test("bun: nothing is printed on stderr by answers that break off or clients that leave", async () => {
  const { stderr } = await (bunRun ??= runSuiteOnBun());
  assert.equal(stderr, "");
});

Deno.test("bun: preparing to serve raises the limit on fetches and keeps process id and arguments", async () => {
  const { pid, stdout } = await runBun("tests/runtime/bun_prepare.ts", "serve", "--config", "a b.yaml");
  assert.deepEqual(JSON.parse(stdout), { pid, args: ["serve", "--config", "a b.yaml"], limit: "65535" });
});
