/** The schema of model traits in a data file and in the configuration, with its error messages. */

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
    "Whether InvokeModel accepts Anthropic's Messages for this model, so that Messages requests are not translated.",
  ),
  system: z.enum(SYSTEM_PLACES).optional().describe(
    "Where system text is accepted. anywhere: also between turns; invoke: between turns only by InvokeModel; first: only as the system prompt; none: nowhere, so it becomes user text.",
  ),
  prefill: z.enum(PREFILLS).optional().describe(
    "Whether the last message may be the assistant's. trimmed: not if it ends in white space; none: never.",
  ),
  reasoning_history: z.enum(REASONING_HISTORIES).optional().describe(
    "Which reasoning of earlier turns is sent back. signed: reasoning with signatures; redacted: only redacted blocks; unsigned: only text; none: none of it.",
  ),
  tool_result_media: z.array(z.enum(TOOL_RESULT_MEDIA)).register(about, {
    expected: "a list of image, document and video",
  }).optional().describe(
    "What a tool result may contain in addition to text and JSON; other blocks are moved next to the result.",
  ),
  tool_result_status: flag().optional().describe(
    "Whether toolResult.status is accepted; if not, a failure is stated in the text of the result.",
  ),
  search_results: flag().optional().describe("Whether searchResult blocks are accepted."),
  max_output_tokens: z.int().min(1).register(about, { expected: "a number of tokens, at least 1" }).optional()
    .describe(
      "Maximum number of output tokens that a request may ask for; a higher max_tokens is lowered to it.",
    ),
  sampling: z.enum(["both", "one", "none"]).optional().describe(
    "Which of temperature and top_p are accepted. both: both together; one: only one of them; none: neither, nor top_k.",
  ),
  top_k: z.string().max(256).register(about, {
    expected: "a path such as inferenceConfig.topK, or an empty string",
  }).optional().describe(
    "Path of top_k in additionalModelRequestFields, with dots; an empty string leaves it out.",
  ),
  stop_sequences: z.enum(STOP_SEQUENCES).optional().describe(
    "Which stop sequences are accepted. any: all; visible: all except those of white space only; none: the field is refused.",
  ),
  thinking: z.array(z.enum(THINKING_TYPES)).register(about, {
    expected: "a list of enabled, adaptive, between_tools and disabled",
  }).optional().describe(
    "Accepted values of Anthropic's thinking.type; an empty list means that the model has no such field.",
  ),
  thinks_by_default: flag().optional().describe(
    "Whether the model reasons unless a request says otherwise.",
  ),
  thought_text: z.enum(["always", "on_request"]).optional().describe(
    "When reasoning has text. on_request: only with thinking.display: summarized.",
  ),
  efforts: z.array(z.enum(EFFORTS)).register(about, {
    expected: "a list of low, medium, high, xhigh and max",
  }).optional().describe(
    "Accepted values of output_config.effort; an empty list means that the field is refused.",
  ),
  max_effort_without_thinking: z.enum(EFFORTS).optional().describe(
    "The highest effort that is accepted with thinking.type disabled or between_tools.",
  ),
  reasoning_effort: z.record(
    z.string(),
    z.record(z.string(), z.json())
      .register(about, { expected: "a mapping of request fields, such as {reasoning_effort: low}" }),
  ).register(about, { expected: "a mapping from efforts to request fields" }).optional().describe(
    "For each value of reasoning_effort, the fields to merge into additionalModelRequestFields.",
  ),
  refuses_limits_with: z.record(z.string(), z.json()).register(about, {
    expected: "a mapping of request fields, such as {reasoningConfig: {maxReasoningEffort: high}}",
  }).optional().describe(
    "Fields of additionalModelRequestFields that cannot be combined with max_tokens, temperature, top_p and top_k.",
  ),
  tools: z.enum(TOOL_SUPPORTS).optional().describe(
    "Whether tools are accepted. streamed: yes, including in streams; whole: not in streams, so a stream is made from a complete response; none: no.",
  ),
  tool_choice: z.array(z.enum(["auto", "any", "tool"])).register(about, {
    expected: "a list of auto, any and tool",
  }).optional().describe("The kinds of Converse's toolChoice that the model obeys."),
  forced_choice_with_thinking: flag().optional().describe(
    "Whether a tool call can be forced while the model reasons.",
  ),
  single_tool_call: flag().optional().describe(
    "Whether Anthropic's tool_choice.disable_parallel_tool_use is accepted.",
  ),
  tool_name_hyphens: flag().optional().describe(
    "Whether tool names may contain hyphens; if not, names are mapped, and mapped back.",
  ),
  tool_call_ids: z.enum(TOOL_CALL_IDS).optional().describe(
    "Accepted ids of tool calls in the history. nine_alphanumeric: they are mapped to nine letters and digits.",
  ),
  strict_tools: flag().optional().describe("Whether strict is accepted with a tool."),
  structured_output: z.enum(["schema", "tool", "none"]).optional().describe(
    "How the model produces structured output. schema: with outputConfig.textFormat; tool: through a forced call of a tool with the schema; none: not at all.",
  ),
  prompt_caching: z.array(z.enum(CACHE_PLACES)).register(about, {
    expected: "a list of system, messages and tools",
  }).optional().describe("Where a cachePoint is allowed."),
  cache_ttls: z.array(z.enum(CACHE_TTLS)).register(about, { expected: "a list of 5m and 1h" }).optional()
    .describe("Accepted values of ttl in a cachePoint; an empty list means that the field is refused."),
  cacheable_documents: z.enum(["any", "pdf"]).optional().describe(
    "The documents that a cachePoint may follow.",
  ),
  embeddings: z.enum(EMBEDDING_APIS).optional().describe(
    "The form of the InvokeModel body for embeddings; none: the model makes no embeddings.",
  ),
  embedding_dimensions: z.array(
    z.int().min(1).max(65_536).register(about, { expected: "a vector size from 1 to 65536" }),
  ).register(about, { expected: "a list of vector sizes, such as [256, 512, 1024]" }).optional().describe(
    "The vector sizes that a request may ask for; an empty list means that they are not known.",
  ),
  rerank: z.enum(RERANK_APIS).optional().describe(
    "The form of the InvokeModel body for reranking; none: the model does not rank documents.",
  ),
});

/** `models.NAME.traits`. */
export const traits = mapping(traitKeys);

const glob = () => text({ expected: "a glob over model ids, such as anthropic.claude-*", maxLength: 256 });

/** The content of `data.models`. */
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
