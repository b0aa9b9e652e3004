/** InvokeModelWithResponseStream answers: the payloads of their chunks, and when they are complete. */

import { EMPTY } from "../../base/bytes.ts";
import { type EventReader, EventStream } from "./event_stream.ts";
import type { Exchange } from "../transport/exchange.ts";
import { invokeStreamEnd } from "./native_usage.ts";

/** Resolves with the first chunks in hand; throws an AditError if an error comes before them. */
export function openInvokeStream(exchange: Exchange): Promise<EventStream<Uint8Array<ArrayBuffer>>> {
  return EventStream.open(exchange, chunkReader());
}

/** Only the last chunk tells whether the model had finished, so no other is looked into. */
function chunkReader(): EventReader<Uint8Array<ArrayBuffer>> {
  let last: Uint8Array<ArrayBuffer> = EMPTY;
  return {
    read(eventType, payload) {
      if (eventType !== "chunk") return undefined;
      last = payload;
      return payload;
    },
    isComplete: () => invokeStreamEnd(last).complete,
  };
}
