/** `adit explain` says which targets requests to Bedrock's own API reach only by naming their region. */

import { deepEqual } from "node:assert/strict";
import { explain } from "../../../lib/cli/explain/explain.ts";
import { runWith } from "../run.ts";

const KEY = (digit: string) => `key: "sha256:${digit.repeat(64)}"`;

const stdin = `admin: off
providers: { east: { type: emulator }, west: { type: emulator, region: us-west-2 } }
models:
  both:
    targets: [{ provider: east, id: amazon.nova-lite-v1:0 }, { provider: west, id: amazon.nova-lite-v1:0 }]
  only: { provider: west, id: amazon.nova-lite-v1:0 }
callers:
  native: { ${KEY("a")}, models: ["*"], native: [us-east-1] }
  plain: { ${KEY("b")}, models: ["*"] }
`;

async function nativeLines(...args: readonly string[]): Promise<readonly string[]> {
  const { out } = await runWith({ stdin }, explain, ...args, "--config", "-");
  return out.split("\n").filter((line) => line.startsWith("native ")).map((line) =>
    line.replace(/^native +/, "")
  );
}

const ANY = "any operation on /model/amazon.nova-lite-v1%3A0";

Deno.test("a target outside the caller's native regions needs its region in the request", async () => {
  deepEqual(await nativeLines("both", "--caller", "native"), [
    ANY,
    `${ANY}, only if the path or ARN names us-west-2, which is not in callers.native.native (<stdin>:8)`,
  ]);
});

Deno.test("other callers, and models with one target, have no such condition", async () => {
  deepEqual(await nativeLines("both", "--caller", "plain"), [ANY, ANY]);
  deepEqual(await nativeLines("both"), [ANY, ANY]);
  deepEqual(await nativeLines("only", "--caller", "native"), [ANY]);
});
