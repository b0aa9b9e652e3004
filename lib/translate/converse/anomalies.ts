/** What an answer may hold that the caller's dialect has no place for: the words for it in the log and the metrics. */

/** The model gave structured output by a tool, and said something beside it. */
export const TEXT_BESIDE_ANSWER = "text beside a structured answer";

/** The model gave structured output by a tool more than once; the first counts. */
export const SECOND_ANSWER = "second structured answer";

/** A stream gave input to a tool that it had not named: an error, since a call would go out without it. */
export const INPUT_WITHOUT_TOOL = "tool input without a tool";

/** The source of a cited text is of a kind that Messages does not have. */
export const UNKNOWN_CITATION = "citation of an unknown place";

/** A content block, by the name of the union's member. */
export function unknownBlock(name: string): string {
  return `content block "${name}"`;
}

/** An event of a stream. */
export function unknownEvent(name: string): string {
  return `event "${name}"`;
}

/** An event that came when the message was complete already. */
export function lateEvent(type: string): string {
  return `${type} after messageStop`;
}

/** A stop reason that says that the model failed, or one that nobody knows. */
export function oddStopReason(stopReason: string): string {
  return `stop reason "${stopReason}"`;
}
