/**
 * The schema of model traits in a data file and in the configuration, with the texts of its error messages.
 */

import { TRAIT_FIELDS } from "../../facts/traits.ts";
import { about, either, list, mapping, text } from "./fields.ts";

const FIELDS = TRAIT_FIELDS;
const EFFORTS = FIELDS.reasoning_effort;
// The value of an effort is a mapping of its own.
EFFORTS.valueType.register(about, {
  expected: "a mapping of request fields, such as {reasoning_effort: low}",
});

FIELDS.embedding_dimensions.element.register(about, { expected: "a vector size from 1 to 65536" });

const BOOLEAN = { expected: "true or false" };

const shape = {
  family: FIELDS.family.register(about, { expected: "a string of 1 to 64 characters" }).optional(),
  anthropic_messages: FIELDS.anthropic_messages.register(about, BOOLEAN).optional(),
  system: FIELDS.system.optional(),
  prefill: FIELDS.prefill.optional(),
  reasoning_history: FIELDS.reasoning_history.optional(),
  tool_result_media: FIELDS.tool_result_media
    .register(about, { expected: "a list of image, document and video" }).optional(),
  tool_result_status: FIELDS.tool_result_status.register(about, BOOLEAN).optional(),
  search_results: FIELDS.search_results.register(about, BOOLEAN).optional(),
  max_output_tokens: FIELDS.max_output_tokens
    .register(about, { expected: "a number of tokens, at least 1" }).optional(),
  sampling: FIELDS.sampling.optional(),
  top_k: FIELDS.top_k
    .register(about, { expected: "a path such as inferenceConfig.topK, or an empty string" }).optional(),
  stop_sequences: FIELDS.stop_sequences.optional(),
  thinking: FIELDS.thinking
    .register(about, { expected: "a list of enabled, adaptive, between_tools and disabled" }).optional(),
  thinks_by_default: FIELDS.thinks_by_default.register(about, BOOLEAN).optional(),
  thought_text: FIELDS.thought_text.optional(),
  efforts: FIELDS.efforts
    .register(about, { expected: "a list of low, medium, high, xhigh and max" }).optional(),
  max_effort_without_thinking: FIELDS.max_effort_without_thinking.optional(),
  reasoning_effort: EFFORTS
    .register(about, { expected: "a mapping from efforts to request fields" }).optional(),
  refuses_limits_with: FIELDS.refuses_limits_with.register(about, {
    expected: "a mapping of request fields, such as {reasoningConfig: {maxReasoningEffort: high}}",
  }).optional(),
  tools: FIELDS.tools.optional(),
  tool_choice: FIELDS.tool_choice.register(about, { expected: "a list of auto, any and tool" }).optional(),
  forced_choice_with_thinking: FIELDS.forced_choice_with_thinking.register(about, BOOLEAN).optional(),
  single_tool_call: FIELDS.single_tool_call.register(about, BOOLEAN).optional(),
  tool_name_hyphens: FIELDS.tool_name_hyphens.register(about, BOOLEAN).optional(),
  tool_call_ids: FIELDS.tool_call_ids.optional(),
  strict_tools: FIELDS.strict_tools.register(about, BOOLEAN).optional(),
  structured_output: FIELDS.structured_output.optional(),
  prompt_caching: FIELDS.prompt_caching
    .register(about, { expected: "a list of system, messages and tools" }).optional(),
  cache_ttls: FIELDS.cache_ttls.register(about, { expected: "a list of 5m and 1h" }).optional(),
  cacheable_documents: FIELDS.cacheable_documents.optional(),
  embeddings: FIELDS.embeddings.optional(),
  embedding_dimensions: FIELDS.embedding_dimensions
    .register(about, { expected: "a list of vector sizes, such as [256, 512, 1024]" }).optional(),
  rerank: FIELDS.rerank.optional(),
};

/** `models.NAME.traits`. */
export const traits = mapping(shape);

const glob = text({ expected: "a glob over model ids, such as anthropic.claude-*", maxLength: 256 });

/** A file of `data.models`. */
export const modelRows = list(
  mapping({
    match: either("a glob over model ids, or a list of 1 to 100 of them", [
      glob,
      list(glob, { min: 1, max: 100 }),
    ]),
    ...shape,
  }),
  { min: 0, max: 1000 },
);
