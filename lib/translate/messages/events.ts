/** Events of a Messages stream as server-sent events. */

import { jsonText } from "../../base/json_text/json_text.ts";
import { encodeSseEvent } from "../../codec/sse.ts";
import type { MessagesEvent } from "../../wire/anthropic/answer.ts";

/** Keeps the connection alive; clients ignore it. */
export const MESSAGES_PING = encodeSseEvent("ping", '{"type":"ping"}');

/** The text of an event, named by its `type`. */
export function encodeMessagesEvent(event: MessagesEvent): string {
  return encodeSseEvent(event.type, jsonText(event));
}
