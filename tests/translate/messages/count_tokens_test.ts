/** `count_tokens` in both forms, and the model ids that CountTokens accepts. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { builtInBetaTable } from "../../../lib/facts/beta_table.ts";
import { builtInModelTable, traitsOf } from "../../../lib/facts/model_table.ts";
import {
  countTokensToMessages,
  messagesToConverseCount,
  messagesToInvokeCount,
} from "../../../lib/translate/messages/count_tokens.ts";
import { foundationModelId } from "../../../lib/facts/model_id.ts";
import { parseMessagesRequest } from "../../../lib/wire/anthropic/messages.ts";
import { assertMatchesSchema } from "../../suites/sdk_schema.ts";

const BODY = {
  model: "m",
  system: "Be brief",
  messages: [{ role: "user", content: "Hi" }],
  tools: [{ name: "t", input_schema: { type: "object" } }],
};
const betaTable = builtInBetaTable();
const claude = traitsOf("anthropic.claude-haiku-4-5-20251001-v1:0", builtInModelTable());

Deno.test("Claude counts the body that InvokeModel would get, with a max_tokens if the request has none", () => {
  for (const [given, expected] of [[undefined, 1], [50, 50]] as const) {
    const body = given === undefined ? BODY : { ...BODY, max_tokens: given };
    const call = messagesToInvokeCount(body, {
      traits: claude,
      betas: ["effort-2025-11-24", "what"],
      betaTable,
    });
    assertMatchesSchema("CountTokens", call.request);
    const { input } = call.request;
    assert.ok("invokeModel" in input);
    const { model: _, ...rest } = BODY;
    assert.deepEqual(JSON.parse(Buffer.from(input.invokeModel.body, "base64").toString()), {
      ...rest,
      anthropic_version: "bedrock-2023-05-31",
      anthropic_beta: ["effort-2025-11-24"],
      max_tokens: expected,
    });
    assert.deepEqual(call.ignored, ["anthropic-beta[what]"]);
  }
});

Deno.test("a thinking budget, the caller's or the operator's, is counted also without a max_tokens", () => {
  const thinking = { type: "enabled", budget_tokens: 2048 };
  const settings = {
    defaults: { additionalModelRequestFields: { thinking } },
    guardrail: undefined,
    metadata: {},
  };
  const counted = [
    messagesToInvokeCount({ ...BODY, thinking }, { traits: claude, betas: [], betaTable }),
    messagesToInvokeCount({ ...BODY, max_tokens: null }, { traits: claude, betas: [], betaTable, settings }),
  ];
  for (const { request: { input } } of counted) {
    assert.ok("invokeModel" in input);
    const body = JSON.parse(Buffer.from(input.invokeModel.body, "base64").toString());
    assert.deepEqual([body.thinking, body.max_tokens], [thinking, 2049]);
  }
});

Deno.test("other models count the part of the Converse request that CountTokens accepts", () => {
  const traits = traitsOf("amazon.nova-lite-v1:0", builtInModelTable());
  const request = parseMessagesRequest({ ...BODY, top_k: 5, temperature: 1 });
  const call = messagesToConverseCount(request, { traits, betas: [], betaTable });
  const sent = JSON.parse(JSON.stringify(call.request));
  assertMatchesSchema("CountTokens", sent);
  assert.deepEqual(Object.keys(sent.input.converse), [
    "messages",
    "system",
    "toolConfig",
    "additionalModelRequestFields",
  ]);
});

Deno.test("the response has the count in Anthropic's form, and one without a count is an error", () => {
  assert.deepEqual(countTokensToMessages({ inputTokens: 7 }), { input_tokens: 7 });
  assert.throws(() => countTokensToMessages({ message: "odd" }), { kind: "upstream_protocol" });
});

const IDS: Readonly<Record<string, string>> = {
  "anthropic.claude-haiku-4-5-20251001-v1:0": "anthropic.claude-haiku-4-5-20251001-v1:0",
  "us.anthropic.claude-opus-4-8": "anthropic.claude-opus-4-8",
  "us-gov.anthropic.claude-opus-4-8": "anthropic.claude-opus-4-8",
  "mars.amazon.nova-lite-v1:0": "amazon.nova-lite-v1:0",
  "zai.glm-4.7-flash": "zai.glm-4.7-flash",
  "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-8":
    "anthropic.claude-opus-4-8",
  "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0": "amazon.nova-lite-v1:0",
  "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456":
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456",
};

for (const [id, expected] of Object.entries(IDS)) {
  Deno.test(`${id} is counted as ${expected}`, () => assert.equal(foundationModelId(id), expected));
}
