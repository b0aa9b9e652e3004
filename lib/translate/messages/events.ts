/** Events of a Messages stream as the text of server-sent events. */

import { encodeSseEvent } from "../../codec/sse.ts";
import type { MessagesEvent } from "../../wire/anthropic/answer.ts";

/** Sent in silence; clients skip it. */
export const MESSAGES_PING = encodeSseEvent("ping", '{"type":"ping"}');

/** The text of an event, by the name that its `type` is. */
export function encodeMessagesEvent(event: MessagesEvent): string {
  return encodeSseEvent(event.type, JSON.stringify(event));
}
