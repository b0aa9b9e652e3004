/** Converse's stop reasons in the words of the callers' dialects. */

import type { FinishReason } from "../wire/openai_completion.ts";

interface StopReason {
  readonly chat: FinishReason;
  /** Worth a line in the log: the model failed, and the dialect has no word for it. */
  readonly anomaly?: true;
}

// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_ResponseSyntax
const STOP_REASONS: ReadonlyMap<string, StopReason> = new Map<string, StopReason>([
  ["end_turn", { chat: "stop" }],
  ["stop_sequence", { chat: "stop" }],
  ["max_tokens", { chat: "length" }],
  ["model_context_window_exceeded", { chat: "length" }],
  ["tool_use", { chat: "tool_calls" }],
  ["content_filtered", { chat: "content_filter" }],
  ["guardrail_intervened", { chat: "content_filter" }],
  ["malformed_model_output", { chat: "stop", anomaly: true }],
  ["malformed_tool_use", { chat: "stop", anomaly: true }],
]);

const UNKNOWN: StopReason = { chat: "stop", anomaly: true };

/** The row of a stop reason; one that this program does not know has a row, too. */
export function stopReasonRow(stopReason: string): StopReason {
  return STOP_REASONS.get(stopReason) ?? UNKNOWN;
}
