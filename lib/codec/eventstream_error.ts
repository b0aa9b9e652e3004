/** The error for bytes that are not an event stream. */

export type EventStreamReason =
  | "prelude_crc"
  | "message_crc"
  | "length"
  | "header"
  | "too_large"
  | "truncated";

/** Bytes that are not an event stream; nothing after them can be read. */
export class EventStreamError extends Error {
  override readonly name = "EventStreamError";

  constructor(readonly reason: EventStreamReason, problem: string) {
    super(`Cannot decode event stream: ${problem}`);
  }
}
