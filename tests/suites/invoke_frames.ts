/** InvokeModelWithResponseStream for tests: the events of Claude as `chunk` frames, and their payloads back. */

import { EventStreamCodec } from "@smithy/eventstream-codec";
import { Buffer } from "node:buffer";
import { concat, decodeUtf8, encodeUtf8 } from "../../lib/base/bytes.ts";
import { FrameDecoder } from "../../lib/codec/eventstream.ts";

const codec = new EventStreamCodec(decodeUtf8, encodeUtf8);

/** Events, each the text of its JSON, as bytes framed by AWS's own code. */
export function encodeChunks(events: readonly string[]): Uint8Array<ArrayBuffer> {
  return concat(events.map((json, index) =>
    new Uint8Array(codec.encode({
      headers: {
        ":event-type": { type: "string", value: "chunk" },
        ":content-type": { type: "string", value: "application/json" },
        ":message-type": { type: "string", value: "event" },
      },
      body: encodeUtf8(
        JSON.stringify({ bytes: Buffer.from(json).toString("base64"), p: "abcdefghij".slice(index % 10) }),
      ),
    }))
  ));
}

/** The payloads of the frames, read by the program's own decoder. */
export function* decodeChunks(chunks: Iterable<Uint8Array<ArrayBuffer>>): Iterable<Uint8Array> {
  const decoder = new FrameDecoder();
  for (const chunk of chunks) {
    for (const { payload } of decoder.push(chunk)) yield payload;
  }
}
