/** ConverseStream responses: their events, and when they are complete. */

import { type ConverseEvent, parseConverseEvent } from "../../wire/bedrock/converse_stream.ts";
import { type EventReader, EventStream } from "./event_stream.ts";
import type { Exchange } from "../transport/exchange.ts";

/** Resolves once the first events have arrived; throws an AditError if an error comes first. */
export function openConverseStream(exchange: Exchange): Promise<EventStream<ConverseEvent>> {
  return EventStream.open(exchange, converseReader());
}

/** After `messageStop` only the usage is missing. */
function converseReader(): EventReader<ConverseEvent> {
  let stopped = false;
  return {
    read(eventType, payload) {
      const event = parseConverseEvent(eventType, payload);
      stopped ||= event.type === "messageStop";
      return event;
    },
    isComplete: () => stopped,
  };
}
