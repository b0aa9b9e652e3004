/** Models of a configuration: shared traits, and targets of other models. */

import { deepEqual, equal, notEqual } from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import type { Snapshot } from "../../../lib/snapshot/snapshot.ts";

const CONFIG = `
providers: { local: { type: emulator } }
models:
  one: { provider: local, id: us.amazon.nova-lite-v1:0 }
  two: { provider: local, id: us.amazon.nova-lite-v1:0, defaults: { max_tokens: 7 } }
  own: { provider: local, id: us.amazon.nova-lite-v1:0, traits: { family: own } }
  based: { provider: local, id: anything, base_model: us.amazon.nova-lite-v1:0 }
  other: { provider: local, id: us.amazon.nova-pro-v1:0 }
`;

async function modelsOf(config: string): Promise<Snapshot["models"]> {
  const loaded = await loadConfig("/adit.yaml", {
    env: {},
    readFile: () => Promise.resolve(encodeUtf8(config)),
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  return loaded.snapshot.models;
}

Deno.test("models with one model id share its traits, unless they have traits of their own", async () => {
  const models = await modelsOf(CONFIG);
  const traits = (name: string) => models.get(name)?.targets[0].traits;
  equal(traits("one"), traits("two"));
  equal(traits("one"), traits("based"));
  notEqual(traits("one"), traits("other"));
  equal(traits("own")?.family, "own");
  equal(traits("own")?.topKPath, traits("one")?.topKPath);
});

Deno.test("a model's guardrail applies to the targets of other models that have none", async () => {
  const models = await modelsOf(`
providers: { local: { type: emulator } }
models:
  outer: { guardrail: { id: outer, version: 1 }, targets: [{ model: middle }, { model: guarded, priority: 1 }] }
  middle: { targets: [{ model: plain }] }
  plain: { provider: local, id: us.amazon.nova-lite-v1:0 }
  guarded: { provider: local, id: us.amazon.nova-pro-v1:0, guardrail: { id: inner, version: 2 } }
`);
  const guardrails = (name: string) => models.get(name)?.targets.map(({ guardrail }) => guardrail?.id);
  deepEqual(guardrails("outer"), ["outer", "inner"]);
  deepEqual(guardrails("middle"), [undefined]);
  deepEqual(guardrails("plain"), [undefined]);
});
