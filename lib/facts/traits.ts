/** Traits, which say what a model accepts: their values, and their form in `config/data/models.yaml`. */

import type { JsonObject } from "../base/json.ts";

/** The differences between models that requests must respect, field by field. */
export interface ModelTraits {
  /** Name of the family, as `adit explain` shows it. */
  readonly family: string;
  /** Whether InvokeModel accepts Anthropic's own Messages for the model. */
  readonly anthropicMessages: boolean;

  // The conversation.

  /**
   * Where system text may be: `anywhere`, also as a message between turns; `invoke`, between turns only in Anthropic
   * Messages through InvokeModel; `first`, only as the system prompt; `none`, so that it becomes user text.
   */
  readonly system: SystemPlace;
  /**
   * Whether the last message may be the assistant's: `any`; `trimmed`, only without white space at its end; `none`.
   */
  readonly prefill: Prefill;
  /**
   * Thoughts of earlier turns that may be sent back: `signed`, text with its signature and redacted blocks; `redacted`,
   * redacted blocks alone; `unsigned`, text alone; `none`.
   */
  readonly reasoningHistory: ReasoningHistory;
  /** Blocks other than text and JSON that a tool result may contain; other blocks are moved next to the result. */
  readonly toolResultMedia: ReadonlySet<ToolResultMedium>;
  /** Whether `toolResult.status` is accepted; otherwise, the text of the result reports a failure. */
  readonly toolResultStatus: boolean;
  /** Whether `searchResult` blocks are accepted. */
  readonly searchResults: boolean;

  // Limits and sampling.

  /** Maximum for the number of output tokens in a request; undefined if not known. */
  readonly maxOutputTokens: number | undefined;
  /** Of `temperature` and `topP`: `both` together; only `one` of them; `none`, and no `top_k` either. */
  readonly sampling: "both" | "one" | "none";
  /** Path of `top_k` in `additionalModelRequestFields`, with dots; empty if the model has no such field. */
  readonly topKPath: string;
  /** Stop sequences: `any`; `visible`, not only white space; `none`, the field is refused. */
  readonly stopSequences: StopSequences;

  // Reasoning.

  /** Values of Anthropic's `thinking.type` that are accepted; empty if the model has no such field. */
  readonly thinkingTypes: ReadonlySet<ThinkingType>;
  /** Whether the model thinks if a request does not mention it. */
  readonly thinksByDefault: boolean;
  /** Whether thoughts have text `always`, or only with `thinking.display: summarized` (`on_request`). */
  readonly thoughtText: "always" | "on_request";
  /** Values of Anthropic's `output_config.effort` that are accepted, lowest first; empty if the member is refused. */
  readonly efforts: readonly Effort[];
  /** The highest effort that is accepted with `thinking.type` `disabled` or `between_tools`. */
  readonly maxEffortWithoutThinking: Effort;
  /**
   * The members that each value of `reasoning_effort` merges into `additionalModelRequestFields`. `none` is present only
   * if reasoning is off or can be switched off.
   */
  readonly reasoningEffort: ReadonlyMap<string, JsonObject>;
  /** Members of `additionalModelRequestFields` with which limits and sampling are refused; empty if there are none. */
  readonly refusesLimitsWith: JsonObject;

  // Tools and structured output.

  /** Tools: `streamed`, in whole answers and in streams; `whole`, only in whole answers; `none`. */
  readonly tools: ToolSupport;
  /** The members of Converse's `toolChoice` that the model obeys. */
  readonly toolChoice: ReadonlySet<"auto" | "any" | "tool">;
  /** Whether a call may be forced (`any`, `tool`) while the model thinks. */
  readonly forcedChoiceWithThinking: boolean;
  /** Whether the model accepts Anthropic's `disable_parallel_tool_use`. */
  readonly singleToolCall: boolean;
  /** Whether tool names may have hyphens; letters, digits and underscores always work. */
  readonly toolNameHyphens: boolean;
  /** Ids of tool calls in the history: `any` that Converse accepts; `nine_alphanumeric`, exactly nine letters and digits. */
  readonly toolCallIds: ToolCallIds;
  /** Whether `strict` is accepted with a tool. */
  readonly strictTools: boolean;
  /** `schema`: accepts `outputConfig.textFormat`; `tool`: can be made to call a tool with that schema; `none`. */
  readonly structuredOutput: "schema" | "tool" | "none";

  // Prompt caching.

  /** Where a `cachePoint` may be. */
  readonly promptCaching: ReadonlySet<CachePlace>;
  /** Values of `ttl` that a cache point may have; empty if the member itself is refused. */
  readonly cacheTtls: ReadonlySet<CacheTtl>;
  /** Documents that a `cachePoint` may follow: `any`, or only a `pdf`. */
  readonly cacheableDocuments: "any" | "pdf";

  // Embeddings and ranking.

  /** The InvokeModel body for embeddings; `none` if the model makes none. */
  readonly embeddings: EmbeddingApi;
  /** The vector sizes that a request may ask for; empty if not known. */
  readonly embeddingDimensions: readonly number[];
  /** The InvokeModel body for reranking; `none` if the model does not rerank. */
  readonly rerank: RerankApi;
}

/** InvokeModel bodies for embeddings, by the family and generation that defines them. */
export const EMBEDDING_APIS = [
  "none",
  "titan_text",
  "titan_image",
  "cohere_3",
  "cohere_4",
  "nova",
  "marengo_2",
  "marengo_3",
] as const;
export type EmbeddingApi = (typeof EMBEDDING_APIS)[number];

export const RERANK_APIS = ["none", "cohere", "amazon"] as const;
export type RerankApi = (typeof RERANK_APIS)[number];

export const SYSTEM_PLACES = ["anywhere", "invoke", "first", "none"] as const;
export type SystemPlace = (typeof SYSTEM_PLACES)[number];

export const PREFILLS = ["any", "trimmed", "none"] as const;
export type Prefill = (typeof PREFILLS)[number];

export const REASONING_HISTORIES = ["signed", "redacted", "unsigned", "none"] as const;
export type ReasoningHistory = (typeof REASONING_HISTORIES)[number];

export const TOOL_RESULT_MEDIA = ["image", "document", "video"] as const;
export type ToolResultMedium = (typeof TOOL_RESULT_MEDIA)[number];

export const STOP_SEQUENCES = ["any", "visible", "none"] as const;
export type StopSequences = (typeof STOP_SEQUENCES)[number];

export const THINKING_TYPES = ["enabled", "adaptive", "between_tools", "disabled"] as const;
export type ThinkingType = (typeof THINKING_TYPES)[number];

/** Lowest first. */
export const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof EFFORTS)[number];

export const TOOL_SUPPORTS = ["streamed", "whole", "none"] as const;
export type ToolSupport = (typeof TOOL_SUPPORTS)[number];

export const TOOL_CALL_IDS = ["any", "nine_alphanumeric"] as const;
export type ToolCallIds = (typeof TOOL_CALL_IDS)[number];

export const CACHE_PLACES = ["system", "messages", "tools"] as const;
export type CachePlace = (typeof CACHE_PLACES)[number];

export const CACHE_TTLS = ["5m", "1h"] as const;
export type CacheTtl = (typeof CACHE_TTLS)[number];

/** The traits of a model that no row matches: only what every model accepts. */
export const BARE_TRAITS: ModelTraits = {
  family: "other",
  anthropicMessages: false,
  system: "first",
  prefill: "any",
  reasoningHistory: "none",
  toolResultMedia: new Set(),
  toolResultStatus: false,
  searchResults: false,
  maxOutputTokens: undefined,
  sampling: "both",
  topKPath: "",
  stopSequences: "any",
  thinkingTypes: new Set(),
  thinksByDefault: false,
  thoughtText: "always",
  efforts: [],
  maxEffortWithoutThinking: "max",
  reasoningEffort: new Map(),
  refusesLimitsWith: {},
  tools: "streamed",
  toolChoice: new Set(),
  forcedChoiceWithThinking: false,
  singleToolCall: false,
  toolNameHyphens: true,
  toolCallIds: "any",
  strictTools: false,
  structuredOutput: "none",
  promptCaching: new Set(),
  cacheTtls: new Set(),
  cacheableDocuments: "pdf",
  embeddings: "none",
  embeddingDimensions: [],
  rerank: "none",
};

/** The property of `ModelTraits` that each written trait sets, in the order in which `adit explain` shows them. */
export const TRAIT_PROPERTIES = {
  family: "family",
  anthropic_messages: "anthropicMessages",
  system: "system",
  prefill: "prefill",
  reasoning_history: "reasoningHistory",
  tool_result_media: "toolResultMedia",
  tool_result_status: "toolResultStatus",
  search_results: "searchResults",
  max_output_tokens: "maxOutputTokens",
  sampling: "sampling",
  top_k: "topKPath",
  stop_sequences: "stopSequences",
  thinking: "thinkingTypes",
  thinks_by_default: "thinksByDefault",
  thought_text: "thoughtText",
  efforts: "efforts",
  max_effort_without_thinking: "maxEffortWithoutThinking",
  reasoning_effort: "reasoningEffort",
  refuses_limits_with: "refusesLimitsWith",
  tools: "tools",
  tool_choice: "toolChoice",
  forced_choice_with_thinking: "forcedChoiceWithThinking",
  single_tool_call: "singleToolCall",
  tool_name_hyphens: "toolNameHyphens",
  tool_call_ids: "toolCallIds",
  strict_tools: "strictTools",
  structured_output: "structuredOutput",
  prompt_caching: "promptCaching",
  cache_ttls: "cacheTtls",
  cacheable_documents: "cacheableDocuments",
  embeddings: "embeddings",
  embedding_dimensions: "embeddingDimensions",
  rerank: "rerank",
} as const satisfies Readonly<Record<string, keyof ModelTraits>>;

/** The name of a trait in a row or in the configuration. */
export type TraitName = keyof typeof TRAIT_PROPERTIES;

/** The value of a trait in a file: a list instead of a set, and a mapping instead of a map. */
type Written<Value> = Value extends ReadonlySet<infer Member> ? readonly Member[]
  : Value extends ReadonlyMap<string, infer Member> ? Readonly<Record<string, Member>>
  : Value;

/** Some of the traits, in the form of a file. */
export type WrittenTraits = {
  readonly [Name in TraitName]?: Written<ModelTraits[(typeof TRAIT_PROPERTIES)[Name]]> | undefined;
};

/** Compiles the given traits. */
export function compileTraits(written: WrittenTraits): Partial<ModelTraits> {
  const { top_k, thinking, efforts, reasoning_effort, tool_choice, prompt_caching } = written;
  const { tool_result_media, cache_ttls } = written;
  const plain = {
    family: written.family,
    anthropicMessages: written.anthropic_messages,
    system: written.system,
    prefill: written.prefill,
    reasoningHistory: written.reasoning_history,
    toolResultMedia: tool_result_media && new Set(tool_result_media),
    toolResultStatus: written.tool_result_status,
    searchResults: written.search_results,
    maxOutputTokens: written.max_output_tokens,
    sampling: written.sampling,
    topKPath: top_k,
    stopSequences: written.stop_sequences,
    thinkingTypes: thinking && new Set(thinking),
    thinksByDefault: written.thinks_by_default,
    thoughtText: written.thought_text,
    efforts: efforts && EFFORTS.filter((effort) => efforts.includes(effort)),
    maxEffortWithoutThinking: written.max_effort_without_thinking,
    reasoningEffort: reasoning_effort && new Map(Object.entries(reasoning_effort)),
    refusesLimitsWith: written.refuses_limits_with,
    tools: written.tools,
    toolChoice: tool_choice && new Set(tool_choice),
    forcedChoiceWithThinking: written.forced_choice_with_thinking,
    singleToolCall: written.single_tool_call,
    toolNameHyphens: written.tool_name_hyphens,
    toolCallIds: written.tool_call_ids,
    strictTools: written.strict_tools,
    structuredOutput: written.structured_output,
    promptCaching: prompt_caching && new Set(prompt_caching),
    cacheTtls: cache_ttls && new Set(cache_ttls),
    cacheableDocuments: written.cacheable_documents,
    embeddings: written.embeddings,
    embeddingDimensions: written.embedding_dimensions,
    rerank: written.rerank,
  } satisfies { readonly [Trait in keyof ModelTraits]: ModelTraits[Trait] | undefined };
  return definedOf(plain);
}

type Defined<Shape> = { [Key in keyof Shape]?: Exclude<Shape[Key], undefined> };

/** The members that have a value. */
function definedOf<Shape extends object>(members: Shape): Defined<Shape> {
  const defined: Defined<Shape> = {};
  for (const key in members) {
    const value = members[key];
    if (isDefined(value)) defined[key] = value;
  }
  return defined;
}

function isDefined<Value>(value: Value): value is Exclude<Value, undefined> {
  return value !== undefined;
}
