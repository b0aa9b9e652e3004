/** Anthropic's Messages response: the whole message, and the events of a stream. */

import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";

/** https://docs.anthropic.com/en/api/messages */
export interface MessageAnswer {
  /** `msg_` and a unique suffix. */
  readonly id: string;
  readonly type: "message";
  readonly role: "assistant";
  /** The model name that the caller sent. */
  readonly model: string;
  readonly content: readonly AnswerBlock[];
  readonly stop_reason: MessagesStopReason | null;
  readonly stop_sequence: string | null;
  readonly usage: MessagesUsage;
}

export type MessagesStopReason =
  | "end_turn"
  | "max_tokens"
  | "stop_sequence"
  | "tool_use"
  | "refusal"
  | "model_context_window_exceeded";

export type AnswerBlock =
  | { readonly type: "text"; readonly text: string; readonly citations?: readonly JsonObject[] }
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "redacted_thinking"; readonly data: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: JsonValue };

/** As Bedrock counts: `input_tokens` excludes tokens read from or written to the prompt cache. */
export interface MessagesUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly output_tokens: number;
}

/**
 * The events that Adit creates itself; https://docs.anthropic.com/en/api/messages-streaming. Deltas are concatenated
 * as text.
 */
export type MessagesEvent =
  | { readonly type: "message_start"; readonly message: MessageAnswer }
  | { readonly type: "content_block_start"; readonly index: number; readonly content_block: AnswerBlock }
  | { readonly type: "content_block_stop"; readonly index: number }
  | {
    readonly type: "message_delta";
    readonly delta: Pick<MessageAnswer, "stop_reason" | "stop_sequence">;
    readonly usage: MessagesUsage;
  }
  | { readonly type: "message_stop" };

/** The counts in the form of `usage`; input tokens exclude cached ones. */
export function messagesUsage(usage: Usage): MessagesUsage {
  return {
    input_tokens: usage.inputTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    output_tokens: usage.outputTokens,
  };
}
