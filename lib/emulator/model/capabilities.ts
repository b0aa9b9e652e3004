/**
 * The capabilities of an emulated model, field by field; everything else is refused as Bedrock refuses it. Where AWS's
 * documentation and reports disagree, the emulator refuses, and a comment names both.
 */

/** The model's native body in InvokeModel; models of `other` only support Converse. */
export type Family = "chat" | "claude" | "command" | "llama" | "mistral" | "nova" | "other";

/** Whether and how a model reasons before it responds. */
export type Reasoning =
  /** Never. */
  | "none"
  /** According to `thinking`; the blocks are signed. */
  | "claude"
  /** If `reasoningConfig` requests it; the blocks are not signed. */
  | "nova"
  /** Always; the blocks are not signed. */
  | "always";

export type CachePlace = "messages" | "system" | "tools";

export interface Capabilities {
  readonly family: Family;
  readonly media: readonly ("audio" | "document" | "image" | "video")[];
  readonly maxOutputTokens: number;

  // The conversation.

  /** `invoke`: also as a message between turns, but only in InvokeModel; `first`: only as the system prompt; `none`. */
  readonly system: "invoke" | "first" | "none";
  /** Whether the conversation may end with the beginning of the response. */
  readonly prefill: boolean;
  /** Reasoning from earlier turns: with signatures, only redacted, without signatures, or none. */
  readonly reasoningHistory: "signed" | "redacted" | "unsigned" | "none";
  /** Media that a tool result may contain. */
  readonly toolResultMedia: readonly ("document" | "image" | "video")[];
  /** Whether Converse accepts `searchResult` blocks. */
  readonly searchResults: boolean;

  // Sampling and limits.

  /** Whether `temperature` and `topP` exclude each other, or are refused like `top_k`. */
  readonly sampling: "both" | "one" | "none";
  /** `visible`: not those of only white space; `none`: the field is refused. */
  readonly stopSequences: "any" | "visible" | "none";

  // Reasoning.

  readonly reasoning: Reasoning;
  /** Values of `thinking.type`; empty: the field is refused. */
  readonly thinking: readonly ("adaptive" | "between_tools" | "disabled" | "enabled")[];
  /** Whether it thinks if the request does not set `thinking`. */
  readonly thinksByDefault: boolean;
  /** Whether reasoning has text only with `thinking.display: summarized`. */
  readonly hidesThoughts: boolean;
  /** Values of `output_config.effort`, lowest first; empty: the field is refused. */
  readonly efforts: readonly string[];

  // Tools and structured output.

  /** `whole`: not in streams. */
  readonly tools: "streamed" | "whole" | "none";
  /** Supported members of `toolChoice`. */
  readonly toolChoice: readonly ("any" | "auto" | "tool")[];
  /** Whether a tool call can be forced while the model thinks. */
  readonly forcedWithThinking: boolean;
  readonly toolNameHyphens: boolean;
  readonly strictTools: boolean;
  /** Whether `outputConfig.textFormat` and `output_config.format` are supported. */
  readonly jsonSchema: boolean;

  // Prompt caching.

  /** Minimum length of a cached prefix; undefined if the model has no prompt cache. */
  readonly cacheMinTokens?: number;
  readonly cachePlaces: readonly CachePlace[];
  /** Whether `ttl` may be one hour; older Claude models refuse `ttl` altogether. */
  readonly longCacheTtl: boolean;
}

/** All values of `output_config.effort`, lowest first. */
export const EFFORTS: readonly string[] = ["low", "medium", "high", "xhigh", "max"];

/**
 * Claude since Opus 4.7, without sampling and thinking budgets; reasoning text is returned on request.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html
 */
const newClaude: Capabilities = {
  family: "claude",
  media: ["image", "document"],
  maxOutputTokens: 128_000,
  system: "first",
  prefill: false,
  reasoningHistory: "signed",
  toolResultMedia: ["image", "document"],
  // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_SearchResultBlock.html lists only older models.
  searchResults: false,
  sampling: "none",
  stopSequences: "visible",
  reasoning: "claude",
  thinking: ["adaptive", "disabled"],
  thinksByDefault: false,
  hidesThoughts: true,
  efforts: EFFORTS,
  tools: "streamed",
  toolChoice: ["auto", "any", "tool"],
  // Since Opus 4.8 according to langchain-aws #1141; Anthropic's page on thinking excludes it.
  forcedWithThinking: true,
  toolNameHyphens: true,
  // AWS's page on structured output lists Haiku 4.5, Sonnet 4.5, Opus 4.5 and 4.6. Newer models refuse both according to
  // reports; for `strict` on Opus 5 and Fable 5 they disagree (lobehub #19876: it works; litellm #32455: it is refused).
  strictTools: false,
  jsonSchema: false,
  cacheMinTokens: 1024,
  cachePlaces: ["system", "messages", "tools"],
  longCacheTtl: true,
};

/** Claude 4.6 supports both kinds of thinking, and no effort between high and max. */
const claude46: Capabilities = {
  ...newClaude,
  sampling: "one",
  thinking: ["enabled", "adaptive", "disabled"],
  hidesThoughts: false,
  efforts: ["low", "medium", "high", "max"],
  forcedWithThinking: false,
  strictTools: true,
  jsonSchema: true,
};

/** Claude 4.5. */
const claude45: Capabilities = {
  ...claude46,
  maxOutputTokens: 64_000,
  prefill: true,
  thinking: ["enabled", "disabled"],
  efforts: [],
};

/** Claude 3.7 to 4.1. */
const claude4: Capabilities = {
  ...claude45,
  searchResults: true,
  sampling: "both",
  strictTools: false,
  jsonSchema: false,
  longCacheTtl: false,
};

/** Claude before 3.7 does not think. */
const claude3: Capabilities = {
  ...claude4,
  maxOutputTokens: 8192,
  reasoningHistory: "none",
  searchResults: false,
  reasoning: "none",
  thinking: [],
};

/** https://docs.aws.amazon.com/nova/latest/userguide/using-converse-api.html */
const nova: Capabilities = {
  family: "nova",
  media: ["image", "document", "video"],
  maxOutputTokens: 10_000,
  system: "first",
  prefill: true,
  reasoningHistory: "none",
  toolResultMedia: ["image", "document", "video"],
  searchResults: false,
  sampling: "both",
  stopSequences: "any",
  reasoning: "none",
  thinking: [],
  thinksByDefault: false,
  hidesThoughts: false,
  efforts: [],
  tools: "streamed",
  toolChoice: ["auto", "any", "tool"],
  forcedWithThinking: true,
  toolNameHyphens: false,
  strictTools: false,
  // Not on AWS's page on structured output; it works on Nova Pro and Lite according to litellm #27846.
  jsonSchema: false,
  cacheMinTokens: 1000,
  cachePlaces: ["system", "messages"],
  longCacheTtl: false,
};

/** A model of another provider. */
const open: Capabilities = {
  family: "other",
  media: [],
  maxOutputTokens: 8192,
  system: "first",
  prefill: false,
  reasoningHistory: "none",
  toolResultMedia: [],
  searchResults: false,
  sampling: "both",
  stopSequences: "any",
  reasoning: "none",
  thinking: [],
  thinksByDefault: false,
  hidesThoughts: false,
  efforts: [],
  tools: "streamed",
  toolChoice: ["auto", "any", "tool"],
  forcedWithThinking: true,
  toolNameHyphens: true,
  strictTools: false,
  jsonSchema: false,
  cachePlaces: [],
  longCacheTtl: false,
};

/** A model with OpenAI's Chat Completions as its native body. */
const chat: Capabilities = {
  ...open,
  family: "chat",
  reasoningHistory: "unsigned",
  strictTools: true,
  jsonSchema: true,
};

/** OpenAI's open models; https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html */
const openai: Capabilities = {
  ...chat,
  maxOutputTokens: 128_000,
  stopSequences: "none",
  reasoning: "always",
  thinksByDefault: true,
};

/** Tools only without streaming, and never forced. */
const llama: Capabilities = { ...open, family: "llama", tools: "whole", toolChoice: ["auto"] };

/** Capabilities by family; the rows of the catalog override them. */
export const CAPABILITIES = {
  newClaude,
  claude46,
  claude45,
  claude4,
  claude3,
  nova,
  open,
  chat,
  openai,
  llama,
};
