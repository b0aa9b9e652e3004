/** The error for an invalid event stream. */

export type EventStreamReason =
  | "prelude_crc"
  | "message_crc"
  | "length"
  | "header"
  | "too_large"
  | "truncated";

/** The stream is invalid; nothing after the error can be read. */
export class EventStreamError extends Error {
  override readonly name = "EventStreamError";

  constructor(readonly reason: EventStreamReason, problem: string) {
    super(`Cannot decode event stream: ${problem}`);
  }
}
