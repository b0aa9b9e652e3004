/** Anthropic's `thinking` and effort, fitted to models that differ in what they accept. */

import assert from "node:assert/strict";
import type { JsonObject } from "../../../../lib/base/json.ts";
import { builtInModelTable, traitsOf } from "../../../../lib/facts/model_table.ts";
import { IgnoredFields } from "../../../../lib/translate/converse/ignored.ts";
import { fitThinking } from "../../../../lib/translate/converse/thinking/thinking.ts";

/** Models with budgets, with both, with efforts, without thinking, and two whose thinking is switched off differently. */
const MODELS = {
  budgets: "anthropic.claude-haiku-4-5-20251001-v1:0",
  both: "anthropic.claude-sonnet-4-6",
  efforts: "anthropic.claude-opus-4-8",
  neither: "anthropic.claude-3-5-haiku-20241022-v1:0",
  disabled: "anthropic.claude-opus-5",
  betweenTools: "anthropic.claude-sonnet-5-5",
} as const;

interface Case {
  readonly model: keyof typeof MODELS;
  readonly thinking?: JsonObject;
  readonly effort?: string;
  readonly maxTokens?: number;
  readonly sent: { readonly thinking?: JsonObject; readonly effort?: string };
  readonly ignored?: readonly string[];
}

const ADAPTIVE = { type: "adaptive" };
const OFF = { type: "disabled" };
const budget = (tokens: number) => ({ type: "enabled", budget_tokens: tokens });

const CASES: Readonly<Record<string, Case>> = {
  "with thinking switched off the effort has a limit": {
    model: "disabled",
    thinking: OFF,
    effort: "max",
    sent: { thinking: OFF, effort: "high" },
    ignored: ["output_config.effort"],
  },
  "an effort within the limit stays": {
    model: "disabled",
    thinking: OFF,
    effort: "medium",
    sent: { thinking: OFF, effort: "medium" },
  },
  "thinking is switched off the model's own way": {
    model: "betweenTools",
    thinking: OFF,
    effort: "xhigh",
    sent: { thinking: { type: "between_tools" }, effort: "high" },
    ignored: ["thinking.type", "output_config.effort"],
  },
  "thinking only between tools is switched off where there is no such type": {
    model: "disabled",
    thinking: { type: "between_tools" },
    sent: { thinking: OFF },
    ignored: ["thinking.type"],
  },
  "nothing asked is nothing sent": { model: "efforts", sent: {} },
  "adaptive thinking stays where it is accepted, with its members": {
    model: "efforts",
    thinking: { ...ADAPTIVE, display: "summarized" },
    effort: "max",
    sent: { thinking: { ...ADAPTIVE, display: "summarized" }, effort: "max" },
  },
  "a budget stays where it is accepted": {
    model: "both",
    thinking: budget(2000),
    effort: "low",
    sent: { thinking: budget(2000), effort: "low" },
  },
  "a budget over the longest answer of the model becomes half of it": {
    model: "budgets",
    thinking: budget(90_000),
    maxTokens: 64_000,
    sent: { thinking: budget(32_000) },
    ignored: ["thinking.budget_tokens"],
  },
  "adaptive thinking becomes the budget of its effort": {
    model: "budgets",
    thinking: ADAPTIVE,
    effort: "medium",
    maxTokens: 32_000,
    sent: { thinking: budget(4096) },
    ignored: ["thinking.type"],
  },
  "without an effort it is high": {
    model: "budgets",
    thinking: { ...ADAPTIVE, display: "omitted" },
    maxTokens: 64_000,
    sent: { thinking: budget(16_384) },
    ignored: ["thinking.type", "thinking.display"],
  },
  "an effort that has no budget becomes that of the next lower one": {
    model: "budgets",
    thinking: ADAPTIVE,
    effort: "max",
    sent: { thinking: budget(32_000) },
    ignored: ["thinking.type"],
  },
  "a budget leaves half of the limit to the answer": {
    model: "budgets",
    thinking: ADAPTIVE,
    effort: "high",
    maxTokens: 4000,
    sent: { thinking: budget(2000) },
    ignored: ["thinking.type"],
  },
  "thinking is left out where the limit has no room for the least budget": {
    model: "budgets",
    thinking: ADAPTIVE,
    effort: "high",
    maxTokens: 2047,
    sent: {},
    ignored: ["thinking", "output_config.effort"],
  },
  "a small budget becomes adaptive thinking of low effort": {
    model: "efforts",
    thinking: budget(1024),
    sent: { thinking: ADAPTIVE, effort: "low" },
    ignored: ["thinking.budget_tokens"],
  },
  "a middling budget becomes medium effort": {
    model: "efforts",
    thinking: budget(4096),
    sent: { thinking: ADAPTIVE, effort: "medium" },
    ignored: ["thinking.budget_tokens"],
  },
  "a large budget becomes high effort": {
    model: "efforts",
    thinking: budget(60_000),
    sent: { thinking: ADAPTIVE, effort: "high" },
    ignored: ["thinking.budget_tokens"],
  },
  "the caller's effort counts more than the budget": {
    model: "efforts",
    thinking: budget(60_000),
    effort: "low",
    sent: { thinking: ADAPTIVE, effort: "low" },
    ignored: ["thinking.budget_tokens"],
  },
  "an effort that the model does not have becomes the one that its table says": {
    model: "both",
    thinking: ADAPTIVE,
    effort: "xhigh",
    sent: { thinking: ADAPTIVE, effort: "high" },
    ignored: ["output_config.effort"],
  },
  "an effort alone is left out where the model has none": {
    model: "budgets",
    effort: "high",
    sent: {},
    ignored: ["output_config.effort"],
  },
  "an effort that nobody knows is for Bedrock to judge": {
    model: "efforts",
    effort: "heroic",
    sent: { effort: "heroic" },
  },
  "thinking that is switched off stays off": { model: "both", thinking: OFF, sent: { thinking: OFF } },
  "a model that does not think has nothing to switch off": { model: "neither", thinking: OFF, sent: {} },
  "a model that does not think is asked for no thoughts": {
    model: "neither",
    thinking: budget(1024),
    effort: "low",
    sent: {},
    ignored: ["thinking", "output_config.effort"],
  },
};

for (const [name, { model, thinking, effort, maxTokens, sent, ignored = [] }] of Object.entries(CASES)) {
  Deno.test(`thinking: ${name}`, () => {
    const names = new IgnoredFields();
    const traits = traitsOf(MODELS[model], builtInModelTable());
    assert.deepEqual(fitThinking({ thinking, effort, maxTokens }, { traits, ignored: names }), sent);
    assert.deepEqual(names.list(), ignored);
  });
}

Deno.test("thinking: a model that always thinks is not asked to stop", () => {
  const traits = {
    ...traitsOf(MODELS.efforts, builtInModelTable()),
    thinkingTypes: new Set(["adaptive"] as const),
  };
  const ignored = new IgnoredFields();
  const fitted = fitThinking({ thinking: OFF, effort: undefined, maxTokens: 100 }, { traits, ignored });
  assert.deepEqual([fitted, ignored.list()], [{}, ["thinking"]]);
});
