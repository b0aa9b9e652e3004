/** `adit explain` for models with several targets, and the simulated choice among them. */

import { equal, match, ok } from "node:assert/strict";

import { explain } from "../../../lib/cli/explain/explain.ts";
import { runWith } from "../run.ts";

const HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

const TEXT =
  `providers: { a: { type: emulator }, b: { type: emulator, region: us-west-2 }, c: { type: emulator, region: us-east-2 } }
models:
  m:
    targets:
      - { provider: a, id: ${HAIKU}, weight: 3 }
      - { provider: b, id: ${HAIKU} }
      - { provider: c, id: ${HAIKU}, priority: 1 }
    affinity: { by: [header:x-session-id] }
    first_token: 30s
  plain: { targets: [{ provider: a, id: ${HAIKU}, weight: 3 }, { provider: b, id: ${HAIKU} }] }
callers:
  team: { key: "sha256:${"a".repeat(64)}", models: ["*"], data_residency: [us] }
  abroad: { key: "sha256:${"b".repeat(64)}", models: ["*"], data_residency: [eu] }
`;

const run = (...args: string[]) => runWith({ stdin: TEXT }, explain, ...args, "--config", "-");

Deno.test("a model with several targets is explained with its order, its retries and its worst time", async () => {
  const { out, code } = await run("m");
  equal(code, 0);
  for (
    const line of [
      /^order +a \(priority 0, weight 3\), b \(priority 0, weight 1\), c \(priority 1, weight 1\)$/m,
      /^choice +within a priority, one target for each header:x-session-id; without one, the less loaded/m,
      /^retries +3 attempts, retries of at most 20% of requests plus 3 per second/m,
      /^health +rests after 3 failures in a row, for 5s, doubling to 2m$/m,
      /^worst time +if every attempt hangs, an error after 6m \(streams: 1m30s\)/m,
      /^target +c$/m,
    ]
  ) match(out, line);
});

Deno.test("a caller whose data residency excludes every target is told why", async () => {
  const { out, code } = await run("m", "--caller", "abroad");
  equal(code, 1);
  match(out, /^refused +403: .*the us inference profile may leave eu/m);
});

const SHARES:
  readonly (readonly [model: string, failures: string, shares: Readonly<Record<string, number>>])[] = [
    ["plain", "", { a: 75, b: 25 }],
    ["plain", "a=fail", { a: 0, b: 100 }],
    ["m", "a=fail,b=throttle", { a: 0, b: 0, c: 100 }],
    ["m", "a=slow:900", { a: 75, b: 25, c: 0 }],
  ];

for (const [model, failures, shares] of SHARES) {
  Deno.test(`${model} with ${failures || "no failure"} is simulated as ${JSON.stringify(shares)}`, async () => {
    const { out } = await run(model, "--simulate", failures === "" ? "a=slow:500" : failures);
    for (const [target, share] of Object.entries(shares)) {
      const found = Number(new RegExp(`^${target} +answered ([0-9.]+)%`, "m").exec(out)?.[1]);
      ok(Math.abs(found - share) < 4, `${target}: ${found}%\n${out}`);
    }
    match(out, /^unanswered +0\.0%$/m);
  });
}

Deno.test("invalid failures to simulate are reported", async () => {
  for (
    const [failures, words] of [["a", /expected TARGET=fail/], ["x=fail", /Unknown target "x"/]] as const
  ) {
    const { err, code } = await run("m", "--simulate", failures);
    equal(code, 2);
    match(err, words);
  }
});
