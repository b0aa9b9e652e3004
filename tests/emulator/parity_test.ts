/** What the emulator's models support, compared with what the gateway sends them: two separate tables, on purpose. */

import assert from "node:assert/strict";
import { type Model, MODELS } from "../../lib/emulator/model/catalog.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import type { ModelTraits } from "../../lib/facts/traits.ts";

interface Sides {
  readonly model: Model;
  readonly traits: ModelTraits;
}

/** The value of each trait in the emulator's table and in the gateway's. */
const FIELDS: Readonly<Record<string, (sides: Sides) => readonly [emulator: unknown, gateway: unknown]>> = {
  system: ({ model, traits }) => [model.system, traits.system],
  prefill: ({ model, traits }) => [prefillOf(model), traits.prefill],
  reasoning_history: ({ model, traits }) => [model.reasoningHistory, traits.reasoningHistory],
  tool_result_media: ({ model, traits }) => [sorted(model.toolResultMedia), sorted(traits.toolResultMedia)],
  search_results: ({ model, traits }) => [model.searchResults, traits.searchResults],
  max_output_tokens: ({ model, traits }) => [model.maxOutputTokens, traits.maxOutputTokens],
  sampling: ({ model, traits }) => [model.sampling, traits.sampling],
  stop_sequences: ({ model, traits }) => [model.stopSequences, traits.stopSequences],
  thinking: ({ model, traits }) => [sorted(model.thinking), sorted(traits.thinkingTypes)],
  thinks_by_default: ({ model, traits }) => [model.thinksByDefault, traits.thinksByDefault],
  thought_text: ({ model, traits }) => [model.hidesThoughts ? "on_request" : "always", traits.thoughtText],
  efforts: ({ model, traits }) => [model.efforts, traits.efforts],
  tools: ({ model, traits }) => [model.tools, traits.tools],
  tool_choice: ({ model, traits }) => [sorted(model.toolChoice), sorted(traits.toolChoice)],
  forced_choice_with_thinking: ({ model, traits }) => [
    canForceWhileThinking(model),
    traits.forcedChoiceWithThinking,
  ],
  tool_name_hyphens: ({ model, traits }) => [model.toolNameHyphens, traits.toolNameHyphens],
  strict_tools: ({ model, traits }) => [model.strictTools, traits.strictTools],
  structured_output: ({ model, traits }) => [model.jsonSchema, traits.structuredOutput === "schema"],
  prompt_caching: ({ model, traits }) => [sorted(model.cachePlaces), sorted(traits.promptCaching)],
  cache_ttls: ({ model, traits }) => [model.longCacheTtl, traits.cacheTtls.has("1h")],
};

function prefillOf({ family, prefill }: Model): string {
  if (!prefill) return "none";
  return family === "claude" ? "trimmed" : "any";
}

function canForceWhileThinking({ thinking, toolChoice, forcedWithThinking }: Model): boolean {
  return thinking.length > 0 && toolChoice.includes("any") && forcedWithThinking;
}

function sorted(values: Iterable<string>): string[] {
  return [...values].sort();
}

interface Difference {
  readonly field: keyof typeof FIELDS;
  /** Names of models. */
  readonly models: RegExp;
  readonly why: string;
}

const OPEN_MODELS = /^(Llama|Mistral|Command|gpt-oss|GPT|DeepSeek|Qwen)/;

/** Where the two tables differ deliberately. */
const DIFFERENCES: readonly Difference[] = [
  {
    field: "prefill",
    models: OPEN_MODELS,
    why:
      "reports of the refusal name Bedrock but no model, so the gateway sends the message and returns the refusal",
  },
  {
    field: "max_output_tokens",
    models: /^(Llama|Command|gpt-oss|GPT|DeepSeek-V3|Qwen)/,
    why: "no source states the limit, so the gateway lowers nothing; the emulator needs some limit",
  },
  {
    field: "tool_result_media",
    models: /^Nova (Lite|Pro|2)/,
    why: "AWS documents images only; no report says that documents and videos are refused",
  },
  {
    field: "tool_result_media",
    models: /^Llama 4/,
    why:
      "it accepts images according to one report, AWS's documentation excludes them, so the gateway moves them",
  },
  {
    field: "reasoning_history",
    models: /^DeepSeek/,
    why: "its model card advises against sending it; no report says that Bedrock refuses it",
  },
  {
    field: "tool_choice",
    models: /^DeepSeek-V3/,
    why: "Bedrock accepts a tool by name, but the model does not obey, so the gateway does not promise it",
  },
  {
    field: "structured_output",
    models: /^Claude Sonnet 4.6/,
    why: "Bedrock accepts the schema, but the model can ignore it until its output limit is reached",
  },
];

for (const model of MODELS) {
  Deno.test(`the emulator and the gateway agree about ${model.name}, except where listed`, () => {
    const traits = traitsOf(model.id, builtInModelTable());
    for (const [field, sides] of Object.entries(FIELDS)) {
      const [emulator, gateway] = sides({ model, traits });
      const listed = DIFFERENCES.find((difference) =>
        difference.field === field && difference.models.test(model.name)
      );
      if (listed === undefined) assert.deepEqual(emulator, gateway, field);
      else assert.notDeepEqual(emulator, gateway, `${field} no longer differs: ${listed.why}`);
    }
  });
}
