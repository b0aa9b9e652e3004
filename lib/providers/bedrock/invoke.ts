/** InvokeModelWithResponseStream responses: the payloads of their chunks, and when they are complete. */

import { EMPTY } from "../../base/bytes.ts";
import { classifyErrorEvent } from "./classify.ts";
import { type EventReader, EventStream } from "./event_stream.ts";
import type { Hold } from "./hold.ts";
import type { Exchange } from "../transport/exchange.ts";
import { parseChunk, unwrapChunk } from "../../wire/bedrock/invoke_stream.ts";
import { isLastChunk } from "./native_usage.ts";

/** Resolves once the first chunks have arrived; throws an AditError if an error comes first. */
export function openInvokeStream(
  exchange: Exchange,
  hold?: Hold,
): Promise<EventStream<Uint8Array<ArrayBuffer>>> {
  return EventStream.open(exchange, chunkReader(), hold);
}

/**
 * Only the last chunk shows whether the model had finished, and only the first one whether it began: no other is
 * parsed. An `error` event ahead of all others is thrown, so that it becomes a status, as is a first chunk that cannot
 * be read.
 */
function chunkReader(): EventReader<Uint8Array<ArrayBuffer>> {
  let last: Uint8Array<ArrayBuffer> = EMPTY;
  let hasBegun = false;
  return {
    read(eventType, payload) {
      if (eventType !== "chunk") return undefined;
      if (!hasBegun) {
        const event = parseChunk(unwrapChunk(payload));
        if (event.type === "error") throw classifyErrorEvent(event, undefined);
        hasBegun = true;
      }
      last = payload;
      return payload;
    },
    isContent: isContentChunk,
    isComplete: () => isLastChunk(last),
  };
}

/** Claude's events that announce a response without content; other families have none. */
const ANNOUNCEMENTS: ReadonlySet<unknown> = new Set(["message_start", "content_block_start", "ping"]);

/** Whether the payload of a `chunk` frame is part of the response's content, or its end. */
export function isContentChunk(payload: Uint8Array): boolean {
  return !ANNOUNCEMENTS.has(parseChunk(unwrapChunk(payload))["type"]);
}
