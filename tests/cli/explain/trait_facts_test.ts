/** The traits in `adit explain`, with their values and origins. */

import { deepEqual, equal, ok } from "node:assert/strict";

import { explain } from "../../../lib/cli/explain/explain.ts";
import { traits } from "../../../lib/config/schema/trait_keys.ts";
import { TRAIT_PROPERTIES } from "../../../lib/facts/traits.ts";
import { BARE_TRAITS } from "../../../lib/facts/traits.ts";
import { runWith } from "../run.ts";

const CONFIG = `data: { models: rows.yaml }
providers: { local: { type: emulator } }
models:
  fast:
    provider: local
    id: us.amazon.nova-2-lite-v1:0
    traits:
      max_output_tokens: 512
      cache_ttls: [5m]
      refuses_limits_with: { key: "\${credential:token}" }
  new: { provider: local, id: acme.thinker-9 }
  listed:
    targets: [{ provider: local, id: us.amazon.nova-2-lite-v1:0, traits: { cache_ttls: [1h] } }]
    traits: { cache_ttls: [5m], max_output_tokens: 7, refuses_limits_with: { key: "\${credential:token}" } }
  hidden: { provider: local, id: "arn:aws:bedrock:us-east-1:1:application-inference-profile/x", base_model: us.deepseek.r1-v1:0 }
admin: off
`;

const ROWS = `- match: ["other.*", "amazon.nova-2-*"]
  sampling: one
- match: "acme.*"
  family: acme
`;

/** The columns of each line about traits. */
async function traitsOf(
  model: string,
): Promise<ReadonlyMap<string, readonly [value: string, origin: string]>> {
  const folder = await Deno.makeTempDir({ prefix: "adit-traits-" });
  try {
    await Deno.writeTextFile(`${folder}/adit.yaml`, CONFIG);
    await Deno.writeTextFile(`${folder}/rows.yaml`, ROWS);
    await Deno.writeTextFile(`${folder}/token`, "hunter2");
    const env = { CREDENTIALS_DIRECTORY: folder };
    const { out, err } = await runWith(env, explain, model, "--config", `${folder}/adit.yaml`);
    equal(err, "");
    ok(!out.includes("hunter2"), out);
    const [block = ""] = /^traits .*\n(?: .*\n)*/m.exec(out) ?? [];
    const lines = block.replaceAll(`${folder}/`, "").replace("traits", "").trim().split("\n");
    return new Map(lines.map((line) => {
      const [name = "", value = "", origin = ""] = line.trim().split(/ {2,}/);
      return [name, [value, origin]];
    }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("each written trait sets a property of its own, and none is forgotten", () => {
  deepEqual(Object.keys(TRAIT_PROPERTIES).toSorted(), Object.keys(traits.shape).toSorted());
  deepEqual(Object.values(TRAIT_PROPERTIES).toSorted(), Object.keys(BARE_TRAITS).toSorted());
});

Deno.test("explain shows every trait once, and each effort", async () => {
  const shown = [...(await traitsOf("fast")).keys()].map((name) => name.replace(/\..*/, ""));
  deepEqual([...new Set(shown)], Object.keys(TRAIT_PROPERTIES));
});

Deno.test("explain shows which row, file or entry each trait comes from", async () => {
  const fast = await traitsOf("fast");
  const entry = "models.fast.traits";
  deepEqual(fast.get("family"), ["nova", "row amazon.nova-*"]);
  deepEqual(fast.get("tools"), ["streamed", "row *"]);
  deepEqual(fast.get("prompt_caching"), ["[system, messages]", "row amazon.nova-*"]);
  deepEqual(fast.get("sampling"), ["one", "row amazon.nova-2-* of data.models"]);
  deepEqual(fast.get("max_output_tokens"), ["512", `${entry} (adit.yaml:8)`]);
  deepEqual(fast.get("cache_ttls"), ["[5m]", `${entry} (adit.yaml:9)`]);
  deepEqual(fast.get("reasoning_effort.none"), ["{}", "row amazon.nova-2-*"]);
  deepEqual(fast.get("reasoning_effort.low"), [
    '{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"low"}}',
    "row amazon.nova-2-*",
  ]);
});

Deno.test("explain does not show a trait that reads a secret", async () => {
  for (const model of ["fast", "listed"]) {
    const [value] = (await traitsOf(model)).get("refuses_limits_with") ?? [];
    equal(value, "[redacted]");
  }
});

Deno.test("explain shows which traits a target has of its own, and which of its model", async () => {
  const listed = await traitsOf("listed");
  deepEqual(listed.get("cache_ttls"), ["[1h]", "models.listed.targets[0].traits (adit.yaml:13)"]);
  deepEqual(listed.get("max_output_tokens"), ["7", "models.listed.traits (adit.yaml:14)"]);
});

Deno.test("explain shows the rows of a model that only the first row matches", async () => {
  const traits = await traitsOf("new");
  deepEqual(traits.get("family"), ["acme", "row acme.* of data.models"]);
  deepEqual(traits.get("max_output_tokens"), ["unknown", "default"]);
  deepEqual(traits.get("structured_output"), ["schema", "row *"]);
  const origins = [...traits].filter(([name]) => name !== "family" && name !== "max_output_tokens");
  ok(origins.every(([, [, origin]]) => origin === "row *"));
});

Deno.test("explain looks traits up by base_model where the id hides the model", async () => {
  const traits = await traitsOf("hidden");
  deepEqual(traits.get("tools"), ["none", "row deepseek.r1*"]);
  deepEqual(traits.get("reasoning_effort"), ["{}", "row deepseek.*"]);
});
