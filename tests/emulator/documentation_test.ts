import assert from "node:assert/strict";
import { EMULATOR_CREDENTIALS } from "../../lib/emulator/server/credentials.ts";
import { EMBEDDERS } from "../../lib/emulator/invoke/embeddings/embeddings.ts";
import { RERANKERS } from "../../lib/emulator/invoke/rerank.ts";
import { faultNames } from "../../lib/emulator/faults/faults.ts";
import { BLOCKED_INPUT_WORD, BLOCKED_OUTPUT_WORD } from "../../lib/emulator/guardrail/guardrail.ts";
import { MODELS } from "../../lib/emulator/model/catalog.ts";
import { APPLICATION_PROFILE_MODEL } from "../../lib/emulator/model/models.ts";

Deno.test("the emulator's page names every fault, model, trigger and credential", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/emulator.md", import.meta.url));
  const code = new Set(Array.from(page.matchAll(/`([^`\n]+)`/g), ([, text = ""]) => text));
  const words = [BLOCKED_INPUT_WORD, BLOCKED_OUTPUT_WORD, APPLICATION_PROFILE_MODEL];
  for (
    const name of [
      ...faultNames(),
      ...[...MODELS, ...EMBEDDERS, ...RERANKERS].map(({ id }) => id),
      ...words,
    ]
  ) {
    assert.ok(code.has(name), name);
  }
  assert.ok(page.includes(EMULATOR_CREDENTIALS.accessKeyId));
  assert.ok(page.includes(EMULATOR_CREDENTIALS.secretAccessKey.reveal()));
});
