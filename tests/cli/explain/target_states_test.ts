/** `adit explain` shows the health of the targets, as the running gateway reports it. */

import { doesNotMatch, equal, match } from "node:assert/strict";

import { explain } from "../../../lib/cli/explain/explain.ts";
import type { TargetStatus } from "../../../lib/gateway/health/target_health.ts";
import { runWith } from "../run.ts";

const HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

function configFor(admin: string): string {
  return `admin: ${admin}
providers: { a: { type: emulator }, b: { type: emulator, region: us-west-2 } }
models:
  m:
    targets:
      - { provider: a, id: ${HAIKU} }
      - { provider: b, id: ${HAIKU} }
      - { model: last, priority: 1 }
  last: { provider: b, id: amazon.nova-lite-v1:0 }
  unused: { provider: a, id: amazon.nova-lite-v1:0 }
callers: { team: { key: "sha256:${
    "a".repeat(64)
  }", models: ["*"], native: { regions: [us-east-1], ids: ["*"] } } }
`;
}

const RESTING: TargetStatus = {
  state: "resting",
  rests_ms: 4_100,
  in_flight: 0,
  failures_in_row: 3,
  last_error: "overloaded",
};
const MISFIT: TargetStatus = {
  state: "misfit",
  rests_ms: 59_000,
  in_flight: 0,
  failures_in_row: 0,
  last_error: "permission_denied",
};
const AVAILABLE: TargetStatus = { state: "available", in_flight: 2, failures_in_row: 0 };

const TARGETS: Readonly<Record<string, Readonly<Record<string, TargetStatus>>>> = {
  m: { a: RESTING, b: AVAILABLE, "last/b": MISFIT },
  last: { b: MISFIT },
};

/** The command's lines about health, while a gateway reports these targets. */
async function statesOf(targets: unknown, ...args: readonly string[]): Promise<readonly string[]> {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => Response.json({ lessons: [], targets }),
  );
  const { addr: { port } } = server;
  const stdin = configFor(`127.0.0.1:${port}`);
  const { out } = await runWith({ stdin }, explain, ...args, "--config", "-");
  await server.shutdown();
  match(out, /^model id /m);
  const lines = out.split("\n").filter((line) => line.startsWith("state "));
  return lines.map((line) => line.replace(/^state +/, "").replaceAll(String(port), "PORT"));
}

const FROM = "according to http://127.0.0.1:PORT/-/status";

const CASES: readonly (readonly [args: readonly string[], states: readonly string[]])[] = [
  [["m"], [
    `resting for 5s, last error overloaded, ${FROM}`,
    `available, ${FROM}`,
    `misfit for 59s, last error permission_denied, ${FROM}`,
  ]],
  [["last", "--caller", "team"], [`misfit for 59s, last error permission_denied, ${FROM}`]],
  [["unused"], [`not used yet, ${FROM}`]],
  [["amazon.nova-lite-v1:0", "--caller", "team"], []],
];

for (const [args, states] of CASES) {
  Deno.test(`explain ${args.join(" ")} shows the health of its targets`, async () => {
    equal((await statesOf(TARGETS, ...args)).join("\n"), states.join("\n"));
  });
}

Deno.test("targets that something else reports at that address are not shown", async () => {
  for (const targets of [undefined, [], { m: 1 }, { m: { a: 1, b: { state: 1 } } }]) {
    const states = await statesOf(targets, "m");
    equal(states.join("\n"), Array<string>(3).fill(`not used yet, ${FROM}`).join("\n"));
  }
});

Deno.test("without a gateway, explain does not guess the health", async () => {
  const { out } = await runWith({ stdin: configFor("off") }, explain, "m", "--config", "-");
  match(out, /^target +last\/b$/m);
  doesNotMatch(out, /^state /m);
});
