/** OpenAI's Responses answer: the response object and its output items. */

import type { JsonObject, JsonValue } from "../../base/json.ts";

/** https://platform.openai.com/docs/api-reference/responses/object */
export interface ResponseObject extends ResponseHead {
  readonly status: "in_progress" | "completed" | "incomplete" | "failed";
  /** Seconds since the Unix epoch. */
  readonly completed_at: number | null;
  readonly error: { readonly code: ResponseErrorCode; readonly message: string } | null;
  readonly incomplete_details: { readonly reason: IncompleteReason } | null;
  readonly output: readonly OutputItem[];
  readonly usage: ResponseUsage | null;
  readonly service_tier: string | null;
  readonly trace?: JsonValue;
  readonly performanceConfig?: JsonObject;
  readonly additionalModelResponseFields?: JsonValue;
}

/** The members that stay the same throughout a response; those that repeat the request do so as received. */
export interface ResponseHead {
  /** `resp_` and a unique suffix. */
  readonly id: string;
  readonly object: "response";
  /** Seconds since the Unix epoch. */
  readonly created_at: number;
  /** The model name that the caller sent. */
  readonly model: string;
  readonly instructions: JsonValue;
  readonly max_output_tokens: JsonValue;
  readonly metadata: JsonValue;
  readonly parallel_tool_calls: JsonValue;
  readonly reasoning: JsonValue;
  readonly temperature: JsonValue;
  readonly text: JsonValue;
  readonly tool_choice: JsonValue;
  readonly tools: JsonValue;
  readonly top_p: JsonValue;
  readonly truncation: JsonValue;
  readonly access_programs: null;
  readonly background: false;
  readonly previous_response_id: null;
  readonly store: false;
  readonly input_transformations?: readonly InputTransformation[];
}

export type IncompleteReason = "max_output_tokens" | "content_filter";

/** OpenAI's codes that clients act on: some end the turn, others are retried. */
export type ResponseErrorCode =
  | "context_length_exceeded"
  | "insufficient_quota"
  | "invalid_prompt"
  | "rate_limit_exceeded"
  | "server_error";

/** Replayed reasoning that was not sent to the model. */
export interface InputTransformation {
  readonly id: string;
  readonly type: "reasoning";
  readonly action: "removed";
  readonly reason: "model_mismatch" | "organization_mismatch" | "turn_boundary";
}

export type ItemStatus = "in_progress" | "completed" | "incomplete";

export type OutputItem =
  | ReasoningOutput
  | MessageOutput
  | FunctionCallOutput
  | CustomCallOutput
  | ToolSearchOutput;

export interface ReasoningOutput {
  readonly id: string;
  readonly type: "reasoning";
  readonly status: ItemStatus;
  readonly summary: readonly SummaryPart[];
  /** The thought in the form in which clients send it back; null if the model does not accept it. */
  readonly encrypted_content: string | null;
}
export interface SummaryPart {
  readonly type: "summary_text";
  readonly text: string;
}
export interface MessageOutput {
  readonly id: string;
  readonly type: "message";
  readonly status: ItemStatus;
  readonly role: "assistant";
  readonly content: readonly TextPart[];
}
export interface TextPart {
  readonly type: "output_text";
  readonly text: string;
  readonly annotations: readonly UrlCitation[];
  readonly logprobs: readonly never[];
}
export interface UrlCitation {
  readonly type: "url_citation";
  readonly url: string;
  readonly title: string;
  /** Range of the cited text, in UTF-16 code units. */
  readonly start_index: number;
  readonly end_index: number;
}
export interface FunctionCallOutput {
  readonly id: string;
  readonly type: "function_call";
  readonly status: ItemStatus;
  readonly call_id: string;
  readonly namespace?: string;
  readonly name: string;
  /** JSON, unless the model was cut off. */
  readonly arguments: string;
}
export interface CustomCallOutput {
  readonly id: string;
  readonly type: "custom_tool_call";
  readonly status: ItemStatus;
  readonly call_id: string;
  readonly namespace?: string;
  readonly name: string;
  readonly input: string;
}
export interface ToolSearchOutput {
  readonly id: string;
  readonly type: "tool_search_call";
  readonly status: ItemStatus;
  readonly call_id: string;
  readonly execution: "client";
  readonly arguments: JsonValue;
}

/** Every member is present, because clients treat all of them as required. */
export interface ResponseUsage {
  readonly input_tokens: number;
  readonly input_tokens_details: {
    readonly cached_tokens: number;
    readonly cache_write_tokens: number;
  };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: number };
  readonly total_tokens: number;
}
