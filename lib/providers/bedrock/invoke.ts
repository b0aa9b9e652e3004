/** InvokeModelWithResponseStream responses: the payloads of their chunks, and when they are complete. */

import { EMPTY } from "../../base/bytes.ts";
import { type EventReader, EventStream } from "./event_stream.ts";
import type { Exchange } from "../transport/exchange.ts";
import { invokeStreamEnd } from "./native_usage.ts";

/** Resolves once the first chunks have arrived; throws an AditError if an error comes first. */
export function openInvokeStream(exchange: Exchange): Promise<EventStream<Uint8Array<ArrayBuffer>>> {
  return EventStream.open(exchange, chunkReader());
}

/** Only the last chunk shows whether the model had finished, so no other is parsed. */
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
