/** ConverseStream responses: their events, and when they are complete. */

import { type ConverseEvent, parseConverseEvent } from "../../wire/bedrock/converse_stream.ts";
import { type EventReader, EventStream } from "./event_stream.ts";
import type { Hold } from "./hold.ts";
import type { Exchange } from "../transport/exchange.ts";

/** Resolves once the first events have arrived; throws an AditError if an error comes first. */
export function openConverseStream(exchange: Exchange, hold?: Hold): Promise<EventStream<ConverseEvent>> {
  return EventStream.open(exchange, converseReader(), hold);
}

/** Only the usage follows `messageStop`. */
function converseReader(): EventReader<ConverseEvent> {
  let stopped = false;
  return {
    read(eventType, payload) {
      const event = parseConverseEvent(eventType, payload);
      stopped ||= event.type === "messageStop";
      return event;
    },
    isContent: ({ type }) => isConverseContent(type),
    isComplete: () => stopped,
  };
}

/** A started block proves nothing: Bedrock may still refuse the request with an exception frame. */
const CONTENT: ReadonlySet<unknown> = new Set(["contentBlockDelta", "messageStop", "metadata"]);

/** Whether an event of that type is part of the response's content, or its end. */
export function isConverseContent(type: unknown): boolean {
  return CONTENT.has(type);
}
