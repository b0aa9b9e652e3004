/** InvokeModelWithResponseStream for tests: the events of Claude as `chunk` frames, and their payloads back. */

import { Buffer } from "node:buffer";
import { FrameDecoder } from "../../lib/codec/eventstream.ts";
import { encodeEvents } from "./converse_frames.ts";

/** Events, each the text of its JSON, as bytes framed by AWS's own code. */
export function encodeChunks(events: readonly string[]): Uint8Array<ArrayBuffer> {
  return encodeEvents(events.map((json, index) => ({
    event: "chunk",
    payload: { bytes: Buffer.from(json).toString("base64"), p: "abcdefghij".slice(index % 10) },
  })));
}

/** The payloads of the frames, read by the program's own decoder. */
export function* decodeChunks(chunks: Iterable<Uint8Array<ArrayBuffer>>): Iterable<Uint8Array> {
  const decoder = new FrameDecoder();
  for (const chunk of chunks) {
    for (const { payload } of decoder.push(chunk)) yield payload;
  }
}
