/** Converse's stop reasons in each dialect. */

import type { MessagesStopReason } from "../../wire/anthropic/answer.ts";
import type { FinishReason } from "../../wire/openai/completion.ts";

interface StopReason {
  readonly chat: FinishReason;
  readonly messages: MessagesStopReason;
  /** Whether it is logged: the model failed, and no dialect has a name for it. */
  readonly anomaly?: true;
}

// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_ResponseSyntax
const STOP_REASONS: ReadonlyMap<string, StopReason> = new Map<string, StopReason>([
  ["end_turn", { chat: "stop", messages: "end_turn" }],
  ["stop_sequence", { chat: "stop", messages: "stop_sequence" }],
  ["max_tokens", { chat: "length", messages: "max_tokens" }],
  ["model_context_window_exceeded", { chat: "length", messages: "model_context_window_exceeded" }],
  ["tool_use", { chat: "tool_calls", messages: "tool_use" }],
  ["content_filtered", { chat: "content_filter", messages: "refusal" }],
  ["guardrail_intervened", { chat: "content_filter", messages: "refusal" }],
  ["malformed_model_output", { chat: "stop", messages: "end_turn", anomaly: true }],
  ["malformed_tool_use", { chat: "stop", messages: "end_turn", anomaly: true }],
]);

const UNKNOWN: StopReason = { chat: "stop", messages: "end_turn", anomaly: true };

/** The row of a stop reason; unknown ones have a row, too. */
export function stopReasonRow(stopReason: string): StopReason {
  return STOP_REASONS.get(stopReason) ?? UNKNOWN;
}
