/** Names, for the log and the metrics, of things in a response that the caller's dialect cannot represent. */

/** The model returned structured output by a tool, and text as well. */
export const TEXT_BESIDE_ANSWER = "text with structured output";

/** The model returned structured output by a tool more than once; the first one counts. */
export const SECOND_ANSWER = "second structured output";

/** A stream sent input for an unnamed tool: an error, because the call would otherwise be sent without it. */
export const INPUT_WITHOUT_TOOL = "tool input without a tool";

/** The source of a citation is of a kind that Messages does not have. */
export const UNKNOWN_CITATION = "unknown citation location";

/** A content block, by the name of its union member. */
export function unknownBlock(name: string): string {
  return `content block "${name}"`;
}

/** An event of a stream. */
export function unknownEvent(name: string): string {
  return `event "${name}"`;
}

/** An event after the message was already complete. */
export function lateEvent(type: string): string {
  return `${type} after messageStop`;
}

/** A stop reason that means the model failed, or an unknown one. */
export function oddStopReason(stopReason: string): string {
  return `stop reason "${stopReason}"`;
}
