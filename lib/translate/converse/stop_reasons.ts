/** Converse's stop reasons in each dialect. */

import type { MessagesStopReason } from "../../wire/anthropic/answer.ts";
import type { FinishReason } from "../../wire/openai/completion.ts";
import type { IncompleteReason } from "../../wire/openai/responses_answer.ts";

interface StopReason {
  readonly chat: FinishReason;
  readonly messages: MessagesStopReason;
  readonly responses: "completed" | IncompleteReason;
  /** Whether the answer was cut off or withheld, in which case the content does not matter. */
  readonly isCut?: true;
  /** Logged as an anomaly: the model failed, and no dialect has a word for it. */
  readonly anomaly?: true;
}

const END_TURN: StopReason = { chat: "stop", messages: "end_turn", responses: "completed" };
const TOOL_USE: StopReason = { chat: "tool_calls", messages: "tool_use", responses: "completed" };
const WITHHELD: StopReason = {
  chat: "content_filter",
  messages: "refusal",
  responses: "content_filter",
  isCut: true,
};

// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_ResponseSyntax
const STOP_REASONS: ReadonlyMap<string, StopReason> = new Map<string, StopReason>([
  ["end_turn", END_TURN],
  ["stop_sequence", { chat: "stop", messages: "stop_sequence", responses: "completed" }],
  ["max_tokens", { chat: "length", messages: "max_tokens", responses: "max_output_tokens", isCut: true }],
  ["model_context_window_exceeded", {
    chat: "length",
    messages: "model_context_window_exceeded",
    responses: "max_output_tokens",
    isCut: true,
  }],
  ["tool_use", TOOL_USE],
  ["content_filtered", WITHHELD],
  ["guardrail_intervened", WITHHELD],
  ["malformed_model_output", { ...END_TURN, anomaly: true }],
  ["malformed_tool_use", { ...END_TURN, anomaly: true }],
]);

const UNKNOWN: StopReason = { ...END_TURN, anomaly: true };

/**
 * The row of a stop reason; unknown reasons have one, too. If reason and content disagree, the content decides: several
 * models call a tool and report `end_turn`, and clients run tools only if the reason says so. `hasToolCalls` counts the
 * calls that the caller sees.
 */
export function stopReasonRow(stopReason: string, hasToolCalls: boolean): StopReason {
  const row = STOP_REASONS.get(stopReason) ?? UNKNOWN;
  if (row.isCut) return row;
  if (hasToolCalls) return row.anomaly ? { ...TOOL_USE, anomaly: true } : TOOL_USE;
  return row === TOOL_USE ? END_TURN : row;
}

/** Whether Bedrock could not read the model's output, which then lacks the requested format. */
export function isMalformed(stopReason: string): boolean {
  return stopReason === "malformed_model_output" || stopReason === "malformed_tool_use";
}
