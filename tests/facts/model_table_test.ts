/** Traits of models: ids in every form, and several rows for one model. */

import assert from "node:assert/strict";
import { builtInModelTable, compileModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import { BARE_TRAITS } from "../../lib/facts/traits.ts";

const FAMILIES: readonly (readonly [id: string, family: string])[] = [
  ["anthropic.claude-haiku-4-5-20251001-v1:0", "claude"],
  ["us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude"],
  ["us-gov.anthropic.claude-3-haiku-20240307-v1:0", "claude"],
  ["global.anthropic.claude-opus-4-8", "claude"],
  ["mars.amazon.nova-lite-v1:0", "nova"],
  ["amazon.nova-2-lite-v1:0:256k", "nova"],
  ["openai.gpt-oss-120b-1:0", "gpt-oss"],
  ["openai.gpt-5.6-luna", "openai"],
  ["zai.glm-4.7-flash", "glm"],
  ["meta.llama3-3-70b-instruct-v1:0", "llama"],
  ["arn:aws:bedrock:us-east-1::foundation-model/deepseek.r1-v1:0", "deepseek"],
  ["arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.mistral.pixtral-large-2502-v1:0", "mistral"],
  ["arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0:300k/abcdefghijkl", "nova"],
  ["arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl", "other"],
  ["", "other"],
];

for (const [id, family] of FAMILIES) {
  Deno.test(`model "${id}" is of family ${family}`, () => {
    assert.equal(traitsOf(id, builtInModelTable()).family, family);
  });
}

const SAMPLING: readonly (readonly [id: string, sampling: string])[] = [
  ["anthropic.claude-3-haiku-20240307-v1:0", "both"],
  ["us.anthropic.claude-3-7-sonnet-20250219-v1:0", "both"],
  ["us.anthropic.claude-sonnet-4-20250514-v1:0", "both"],
  ["us.anthropic.claude-opus-4-20250514-v1:0", "both"],
  ["us.anthropic.claude-opus-4-1-20250805-v1:0", "one"],
  ["us.anthropic.claude-haiku-4-5-20251001-v1:0", "one"],
  ["us.anthropic.claude-sonnet-4-6", "one"],
  ["us.anthropic.claude-opus-4-6-v1", "one"],
  ["us.anthropic.claude-opus-4-7", "none"],
  ["us.anthropic.claude-opus-4-8", "none"],
  ["us.anthropic.claude-sonnet-5", "none"],
  ["amazon.nova-pro-v1:0", "both"],
];

for (const [id, sampling] of SAMPLING) {
  Deno.test(`model "${id}" accepts ${sampling} of temperature and top_p`, () => {
    assert.equal(traitsOf(id, builtInModelTable()).sampling, sampling);
  });
}

/** The efforts of a model in tokens. */
function budgetsOf(id: string): number[] {
  return [...traitsOf(id, builtInModelTable()).reasoningEffort.values()].flatMap(({ thinking }) =>
    typeof thinking === "object" && thinking !== null && "budget_tokens" in thinking
      ? [Number(thinking.budget_tokens)]
      : []
  );
}

Deno.test("no effort asks Claude for a budget below 1024 tokens", () => {
  assert.equal(Math.min(...budgetsOf("anthropic.claude-sonnet-4-5-20250929-v1:0")), 1024);
});

// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
const MOST_OUTPUT: readonly (readonly [id: string, tokens: number])[] = [
  ["us.anthropic.claude-opus-4-20250514-v1:0", 32_000],
  ["us.anthropic.claude-opus-4-1-20250805-v1:0", 32_000],
  ["us.anthropic.claude-sonnet-4-20250514-v1:0", 64_000],
  ["us.anthropic.claude-haiku-4-5-20251001-v1:0", 64_000],
];

for (const [id, tokens] of MOST_OUTPUT) {
  Deno.test(`every budget of model "${id}" leaves as much again for the answer`, () => {
    assert.ok(2 * Math.max(...budgetsOf(id)) <= tokens);
  });
}

Deno.test("later rows only set the traits that they name", () => {
  const table = compileModelTable([
    { match: "*", family: "a", top_k: "x", tool_choice: ["auto"] },
    { match: ["m.*", "n.*"], family: "b" },
    { match: "m.(x)+*", tool_choice: [] },
  ], "built_in");
  const { family, topKPath, toolChoice } = traitsOf("m.(x)+1", table);
  assert.deepEqual([family, topKPath, [...toolChoice]], ["b", "x", []]);
  assert.equal(traitsOf("m.xx", table).toolChoice.size, 1);
});

Deno.test("a model that no row matches can do nothing", () => {
  assert.equal(traitsOf("x", []), BARE_TRAITS);
});
