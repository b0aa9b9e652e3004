/** OpenAI's Chat Completions response: the whole completion, and the deltas of a stream. */

import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { ThinkingBlock } from "./thinking.ts";

/** https://platform.openai.com/docs/api-reference/chat/object */
export interface ChatCompletion extends OpenAiExtras {
  readonly id: string;
  readonly object: "chat.completion";
  /** Seconds since the Unix epoch. */
  readonly created: number;
  /** The model name that the caller sent. */
  readonly model: string;
  readonly choices: readonly [ChatChoice];
  readonly usage?: ChatUsage;
}

/** `service_tier` is OpenAI's; the others have Bedrock's own names. */
export interface OpenAiExtras {
  readonly service_tier?: string;
  readonly trace?: JsonValue;
  readonly performanceConfig?: JsonObject;
  readonly additionalModelResponseFields?: JsonValue;
}

export interface ChatChoice {
  readonly index: 0;
  readonly message: ChatAnswer;
  readonly logprobs: null;
  readonly finish_reason: FinishReason;
}

export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter";

export interface ChatAnswer {
  readonly role: "assistant";
  readonly content: string | null;
  readonly refusal: null;
  readonly tool_calls?: readonly ToolCallOut[];
  readonly reasoning_content?: string;
  readonly thinking_blocks?: readonly ThinkingBlock[];
  readonly annotations?: readonly Annotation[];
}

export interface ToolCallOut {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A citation: OpenAI's own shape for a web page, Bedrock's for any other source. */
export type Annotation =
  | {
    readonly type: "url_citation";
    readonly url_citation: {
      readonly url: string;
      readonly title: string;
      /** Range of the cited text in `content`, in UTF-16 code units. */
      readonly start_index: number;
      readonly end_index: number;
    };
  }
  | { readonly type: "bedrock_citation"; readonly bedrock_citation: JsonObject };

export interface ChatUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: {
    /** Read from the prompt cache. */
    readonly cached_tokens: number;
    /** Written to it, as several gateways report it; OpenAI has no such member. */
    readonly cache_write_tokens: number;
  };
}
