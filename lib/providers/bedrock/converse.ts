/** ConverseStream answers: their events, and when they are complete. */

import { type ConverseEvent, parseConverseEvent } from "../../wire/bedrock/converse_stream.ts";
import { type EventReader, EventStream } from "./event_stream.ts";
import type { Exchange } from "../transport/exchange.ts";

/** Resolves with the first events in hand; throws an AditError if an error comes before them. */
export function openConverseStream(exchange: Exchange): Promise<EventStream<ConverseEvent>> {
  return EventStream.open(exchange, converseReader());
}

/** Behind `messageStop` only the usage is still to come. */
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
