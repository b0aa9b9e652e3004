/** The rows against the emulator's own table: what a row promises, the emulator accepts. */

import { deepEqual, ok } from "node:assert/strict";
import { MODELS } from "../../lib/emulator/model/catalog.ts";
import type { Model } from "../../lib/emulator/model/catalog.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import type { ModelTraits } from "../../lib/facts/traits.ts";

/** A relation between a row and what the emulator accepts; false where the row promises more. */
type Holds = (traits: ModelTraits, model: Model) => boolean;

/** The promises from the least to the greatest. */
function atMost<Value>(order: readonly Value[], promised: Value, accepted: Value): boolean {
  return order.indexOf(promised) <= order.indexOf(accepted);
}

function isWithin(promised: Iterable<string>, accepted: readonly string[]): boolean {
  return [...promised].every((value) => accepted.includes(value));
}

const PROMISES: Readonly<Record<string, Holds>> = {
  system: ({ system }, model) => atMost(["none", "first", "invoke"], system, model.system),
  // For other families no row refuses what Bedrock may accept: its own refusal says the same.
  prefill: ({ prefill }, model) => prefill === "none" || model.prefill || model.family !== "claude",
  reasoning_history: ({ reasoningHistory }, model) =>
    reasoningHistory === "none" || reasoningHistory === model.reasoningHistory,
  tool_result_media: ({ toolResultMedia }, model) => isWithin(toolResultMedia, model.toolResultMedia),
  search_results: ({ searchResults }, model) => !searchResults || model.searchResults,
  max_output_tokens: ({ maxOutputTokens }, model) =>
    maxOutputTokens === undefined || maxOutputTokens <= model.maxOutputTokens,
  sampling: ({ sampling }, model) => atMost(["none", "one", "both"], sampling, model.sampling),
  stop_sequences: ({ stopSequences }, model) =>
    atMost(["none", "visible", "any"], stopSequences, model.stopSequences),
  thinking: ({ thinkingTypes }, model) => isWithin(thinkingTypes, model.thinking),
  thinks_by_default: ({ thinksByDefault }, model) =>
    model.reasoning !== "claude" || thinksByDefault === model.thinksByDefault,
  thought_text: ({ thoughtText }, model) => (thoughtText === "on_request") === model.hidesThoughts,
  efforts: ({ efforts }, model) => isWithin(efforts, model.efforts),
  tools: ({ tools }, model) => atMost(["none", "whole", "streamed"], tools, model.tools),
  tool_choice: ({ toolChoice }, model) => isWithin(toolChoice, model.toolChoice),
  forced_choice_with_thinking: ({ forcedChoiceWithThinking }, model) =>
    !forcedChoiceWithThinking || model.forcedWithThinking,
  tool_name_hyphens: ({ toolNameHyphens }, model) => !toolNameHyphens || model.toolNameHyphens,
  strict_tools: ({ strictTools }, model) => !strictTools || model.strictTools,
  structured_output: ({ structuredOutput }, model) => structuredOutput !== "schema" || model.jsonSchema,
  prompt_caching: ({ promptCaching }, model) => isWithin(promptCaching, model.cachePlaces),
  cache_ttls: ({ cacheTtls }, model) => !cacheTtls.has("1h") || model.longCacheTtl,
};

Deno.test("the emulator has models to compare", () => ok(MODELS.length > 20));

for (const model of MODELS) {
  Deno.test(`the rows of ${model.id} promise nothing that the emulator refuses`, () => {
    const traits = traitsOf(model.id, builtInModelTable());
    const broken = Object.entries(PROMISES).flatMap(([name, holds]) => holds(traits, model) ? [] : [name]);
    deepEqual(broken, []);
  });
}
