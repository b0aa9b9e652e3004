/** Sampling parameters that models refuse, in Converse and in their own bodies. */

import assert from "node:assert/strict";
import { ask, messageOf, NEW_CLAUDE, pathOf, postTo } from "./harness.ts";

const converse = (members: object) => ({ messages: [ask("hi")], ...members });
const invoke = (members: object) => ({
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: 100,
  messages: [{ role: "user", content: "hi" }],
  ...members,
});

const ERRORS = "The model returned the following errors: ";
const REFUSED: readonly (readonly [model: string, operation: string, body: object, message: string])[] = [
  [
    NEW_CLAUDE,
    "converse",
    converse({ inferenceConfig: { temperature: 1 } }),
    `${ERRORS}\`temperature\` is deprecated for this model.`,
  ],
  [
    NEW_CLAUDE,
    "converse",
    converse({ additionalModelRequestFields: { top_k: 5 } }),
    `${ERRORS}\`top_k\` is deprecated for this model.`,
  ],
  [
    "us.amazon.nova-2-lite-v1:0",
    "converse",
    converse({
      inferenceConfig: { maxTokens: 100 },
      additionalModelRequestFields: { reasoningConfig: { type: "enabled", maxReasoningEffort: "high" } },
    }),
    `${ERRORS}Malformed input request: maxTokens cannot be used with maxReasoningEffort set to high, please reformat ` +
    "your input and try again.",
  ],
  [NEW_CLAUDE, "invoke", invoke({ top_p: 0.5 }), "`top_p` is deprecated for this model."],
];

for (const [model, operation, body, message] of REFUSED) {
  Deno.test(`${operation} of ${model} says: ${message}`, async () => {
    const response = await postTo()(pathOf(model, operation), body);
    assert.equal(await messageOf(response), message);
    assert.equal(response.status, 400);
  });
}
