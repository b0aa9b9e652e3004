/**
 * The schema of model traits in a data file and in the configuration, with the texts of its error messages.
 */

import { z } from "zod";
import {
  CACHE_PLACES,
  CACHE_TTLS,
  EFFORTS,
  EMBEDDING_APIS,
  PREFILLS,
  REASONING_HISTORIES,
  RERANK_APIS,
  STOP_SEQUENCES,
  SYSTEM_PLACES,
  THINKING_TYPES,
  TOOL_CALL_IDS,
  TOOL_RESULT_MEDIA,
  TOOL_SUPPORTS,
} from "../../facts/traits.ts";
import { about, either, flag, list, mapping, text } from "./fields.ts";

const traitKeys = () => ({
  family: z.string().min(1).max(64).register(about, { expected: "a string of 1 to 64 characters" }).optional()
    .describe("Name of the family, as `adit explain` shows it."),
  anthropic_messages: flag().optional().describe(
    "Whether InvokeModel accepts Anthropic's own Messages; Messages requests are then not translated.",
  ),
  system: z.enum(SYSTEM_PLACES).optional().describe(
    "anywhere: accepts system text between turns, too; invoke: between turns only by InvokeModel; first: only as the system prompt; none: it becomes user text.",
  ),
  prefill: z.enum(PREFILLS).optional().describe(
    "Whether the last message may be the assistant's. trimmed: not if it ends in white space; none: never.",
  ),
  reasoning_history: z.enum(REASONING_HISTORIES).optional().describe(
    "Thoughts of earlier turns that are sent back. signed: with signatures; redacted: redacted blocks alone; unsigned: text alone; none: they are left out.",
  ),
  tool_result_media: z.array(z.enum(TOOL_RESULT_MEDIA)).register(about, {
    expected: "a list of image, document and video",
  }).optional().describe(
    "What a tool result may hold besides text and JSON; the rest is moved next to the result.",
  ),
  tool_result_status: flag().optional().describe(
    "Whether toolResult.status is accepted; elsewhere a failure is said in the text of the result.",
  ),
  search_results: flag().optional().describe("Whether searchResult blocks are accepted."),
  max_output_tokens: z.int().min(1).register(about, { expected: "a number of tokens, at least 1" }).optional()
    .describe("The longest answer that may be asked for; a higher max_tokens is lowered to it."),
  sampling: z.enum(["both", "one", "none"]).optional().describe(
    "both: accepts temperature and top_p together; one: accepts either; none: refuses them and top_k.",
  ),
  top_k: z.string().max(256).register(about, {
    expected: "a path such as inferenceConfig.topK, or an empty string",
  }).optional().describe("Where top_k goes in additionalModelRequestFields, with dots; empty leaves it out."),
  stop_sequences: z.enum(STOP_SEQUENCES).optional().describe(
    "any: accepts stop sequences; visible: refuses those of white space alone; none: refuses the field.",
  ),
  thinking: z.array(z.enum(THINKING_TYPES)).register(about, {
    expected: "a list of enabled, adaptive, between_tools and disabled",
  }).optional().describe(
    "The values of Anthropic's thinking.type that are accepted; an empty list: the model has no such field.",
  ),
  thinks_by_default: flag().optional().describe(
    "Whether the model thinks where a request does not mention it.",
  ),
  thought_text: z.enum(["always", "on_request"]).optional().describe(
    "on_request: thoughts have text only with thinking.display: summarized.",
  ),
  efforts: z.array(z.enum(EFFORTS)).register(about, {
    expected: "a list of low, medium, high, xhigh and max",
  }).optional().describe(
    "The values of output_config.effort that are accepted; an empty list: the member is refused.",
  ),
  max_effort_without_thinking: z.enum(EFFORTS).optional().describe(
    "The highest effort that is accepted with thinking.type disabled or between_tools.",
  ),
  reasoning_effort: z.record(
    z.string(),
    z.record(z.string(), z.json())
      .register(about, { expected: "a mapping of request fields, such as {reasoning_effort: low}" }),
  ).register(about, { expected: "a mapping from efforts to request fields" }).optional().describe(
    "What each value of reasoning_effort merges into additionalModelRequestFields.",
  ),
  refuses_limits_with: z.record(z.string(), z.json()).register(about, {
    expected: "a mapping of request fields, such as {reasoningConfig: {maxReasoningEffort: high}}",
  }).optional().describe(
    "Members of additionalModelRequestFields with which max_tokens, temperature, top_p and top_k are refused.",
  ),
  tools: z.enum(TOOL_SUPPORTS).optional().describe(
    "streamed: accepts tools, also in streams; whole: not in streams, which then come from one whole answer; none: refuses tools.",
  ),
  tool_choice: z.array(z.enum(["auto", "any", "tool"])).register(about, {
    expected: "a list of auto, any and tool",
  }).optional().describe("The members of Converse's toolChoice that the model obeys."),
  forced_choice_with_thinking: flag().optional().describe(
    "Whether a tool call may be forced while the model thinks.",
  ),
  single_tool_call: flag().optional().describe(
    "Whether the model accepts Anthropic's tool_choice.disable_parallel_tool_use.",
  ),
  tool_name_hyphens: flag().optional().describe(
    "Whether tool names may have hyphens; where not, they are mapped and mapped back.",
  ),
  tool_call_ids: z.enum(TOOL_CALL_IDS).optional().describe(
    "Ids of tool calls in the history. nine_alphanumeric: they are mapped to nine letters and digits.",
  ),
  strict_tools: flag().optional().describe("Whether strict is accepted with a tool."),
  structured_output: z.enum(["schema", "tool", "none"]).optional().describe(
    "schema: accepts outputConfig.textFormat; tool: is made to call a tool with that schema; none: neither.",
  ),
  prompt_caching: z.array(z.enum(CACHE_PLACES)).register(about, {
    expected: "a list of system, messages and tools",
  }).optional().describe("Where a cachePoint may be."),
  cache_ttls: z.array(z.enum(CACHE_TTLS)).register(about, { expected: "a list of 5m and 1h" }).optional()
    .describe("The values of ttl that a cachePoint may have; an empty list: the member is refused."),
  cacheable_documents: z.enum(["any", "pdf"]).optional().describe(
    "The documents that a cachePoint may follow.",
  ),
  embeddings: z.enum(EMBEDDING_APIS).optional().describe(
    "The InvokeModel body with which the model makes embeddings; none: it makes none.",
  ),
  embedding_dimensions: z.array(
    z.int().min(1).max(65_536).register(about, { expected: "a vector size from 1 to 65536" }),
  ).register(about, { expected: "a list of vector sizes, such as [256, 512, 1024]" }).optional().describe(
    "The sizes of the model's vectors that a request may ask for; an empty list: not known.",
  ),
  rerank: z.enum(RERANK_APIS).optional().describe(
    "The InvokeModel body with which the model ranks documents; none: it ranks none.",
  ),
});

/** `models.NAME.traits`. */
export const traits = mapping(traitKeys);

const glob = () => text({ expected: "a glob over model ids, such as anthropic.claude-*", maxLength: 256 });

/** A file of `data.models`. */
export const modelRows = list(
  mapping(() => ({
    match: either("a glob over model ids, or a list of 1 to 100 of them", [
      glob(),
      list(glob(), { min: 1, max: 100 }),
    ]),
    ...traitKeys(),
  })),
  { min: 0, max: 1000 },
);
