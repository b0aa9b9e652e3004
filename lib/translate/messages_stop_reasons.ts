/** Converse's stop reasons in the words of Anthropic Messages. */

import type { MessageAnswer, MessagesStopReason } from "../wire/anthropic_answer.ts";
import { stopReasonRow } from "./stop_reasons.ts";

const STOP_REASONS: ReadonlyMap<string, MessagesStopReason> = new Map<string, MessagesStopReason>([
  ["end_turn", "end_turn"],
  ["stop_sequence", "stop_sequence"],
  ["max_tokens", "max_tokens"],
  ["model_context_window_exceeded", "model_context_window_exceeded"],
  ["tool_use", "tool_use"],
  ["content_filtered", "refusal"],
  ["guardrail_intervened", "refusal"],
  ["malformed_model_output", "end_turn"],
  ["malformed_tool_use", "end_turn"],
]);

export interface StopContext {
  readonly hasToolCalls: boolean;
  readonly structuredTool: string | undefined;
  /** The sequences that were asked for. */
  readonly stopSequences: readonly string[];
  /** Gets a stop reason that Messages has no word for. */
  readonly anomalies: string[];
}

/** Why the message ended. Converse does not tell which sequence stopped it, but of one it is clear. */
export function messagesStop(
  stopReason: string,
  { hasToolCalls, structuredTool, stopSequences, anomalies }: StopContext,
): Pick<MessageAnswer, "stop_reason" | "stop_sequence"> {
  if (stopReasonRow(stopReason).anomaly) anomalies.push(`stop reason "${stopReason}"`);
  const reason = STOP_REASONS.get(stopReason) ?? "end_turn";
  // The caller knows nothing of the tool that stands in for structured output.
  const hidden = reason === "tool_use" && structuredTool !== undefined && !hasToolCalls;
  const [only = null, ...others] = stopSequences;
  return {
    stop_reason: hidden ? "end_turn" : reason,
    stop_sequence: reason === "stop_sequence" && others.length === 0 ? only : null,
  };
}
