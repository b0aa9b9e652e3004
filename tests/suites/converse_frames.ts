/** ConverseStream for tests: events as frames, frames cut anywhere, and events combined into the whole response. */

import { Buffer } from "node:buffer";
import { EventStreamCodec } from "@smithy/eventstream-codec";
import type { JsonObject, JsonValue } from "../../lib/base/json.ts";
import { concat, decodeUtf8, encodeUtf8 } from "../../lib/base/bytes.ts";
import { FrameDecoder } from "../../lib/codec/eventstream.ts";
import { parseConverseEvent } from "../../lib/wire/bedrock/converse_stream.ts";
import type { ConverseEvent } from "../../lib/wire/bedrock/converse_stream.ts";

/** One event, as in captured responses. */
export interface RawEvent {
  readonly event: string;
  readonly payload: JsonObject;
}

const codec = new EventStreamCodec(decodeUtf8, encodeUtf8);

/** The events as bytes, framed by AWS's own code. */
export function encodeEvents(events: readonly RawEvent[]): Uint8Array<ArrayBuffer> {
  return concat(events.map(({ event, payload }) =>
    new Uint8Array(codec.encode({
      headers: {
        ":event-type": { type: "string", value: event },
        ":content-type": { type: "string", value: "application/json" },
        ":message-type": { type: "string", value: "event" },
      },
      body: encodeUtf8(JSON.stringify(payload)),
    }))
  ));
}

/** The events read from chunks by the program's own decoder. */
export function decodeEvents(chunks: Iterable<Uint8Array<ArrayBuffer>>): ConverseEvent[] {
  const decoder = new FrameDecoder();
  const events: ConverseEvent[] = [];
  for (const chunk of chunks) {
    for (const { headers, payload } of decoder.push(chunk)) {
      events.push(parseConverseEvent(String(headers.get(":event-type")), payload));
    }
  }
  return events;
}

/** The bytes in every way that matters: whole, byte by byte, and in two pieces for every place to cut. */
export function* cuts(
  bytes: Uint8Array<ArrayBuffer>,
): Iterable<[how: string, chunks: Uint8Array<ArrayBuffer>[]]> {
  yield ["whole", [bytes]];
  yield ["byte by byte", Array.from(bytes, (_, at) => bytes.slice(at, at + 1))];
  for (let at = 1; at < bytes.length; at++) yield [`cut at ${at}`, [bytes.slice(0, at), bytes.slice(at)]];
}

/** The body of the Converse response with the same message. */
export function accumulateEvents(events: readonly RawEvent[]): JsonValue {
  const blocks = new Map<number, Block>();
  let stopReason: JsonValue = "";
  let usage: JsonValue = null;
  let extras: JsonObject = {};
  for (const { event, payload } of events) {
    switch (event) {
      case "contentBlockStart":
        blockAt(blocks, payload).start = payload.start as JsonObject;
        break;
      case "contentBlockDelta":
        blockAt(blocks, payload).deltas.push(payload.delta as JsonObject);
        break;
      case "messageStop":
        stopReason = payload.stopReason ?? "";
        extras = { ...extras, ...payload };
        break;
      case "metadata":
        usage = payload.usage ?? null;
        extras = { ...extras, ...payload };
        break;
    }
  }
  const content = [...blocks.values()].flatMap(wholeBlocks);
  return { ...extras, output: { message: { role: "assistant", content } }, stopReason, usage };
}

interface Block {
  start: JsonObject;
  readonly deltas: JsonObject[];
}

function blockAt(blocks: Map<number, Block>, payload: JsonObject): Block {
  const index = Number(payload.contentBlockIndex);
  const block = blocks.get(index) ?? { start: {}, deltas: [] };
  blocks.set(index, block);
  return block;
}

function wholeBlocks({ start, deltas }: Block): JsonObject[] {
  const [startName] = Object.keys(start);
  if (startName === "toolUse") {
    const input = deltas.map((delta) => (delta.toolUse as JsonObject).input).join("");
    return [{ toolUse: { ...(start.toolUse as JsonObject), input: input === "" ? {} : JSON.parse(input) } }];
  }
  if (startName !== undefined) return [start];
  const texts = deltas.flatMap(({ text }) => text === undefined ? [] : [text]).join("");
  const citations = deltas.flatMap(({ citation }) => citation === undefined ? [] : [citation]);
  if (citations.length > 0) return [{ citationsContent: { content: [{ text: texts }], citations } }];
  const reasoning = deltas.flatMap(({ reasoningContent }) =>
    reasoningContent === undefined ? [] : [reasoningContent as JsonObject]
  );
  if (reasoning.length === 0) {
    return Object.keys(deltas[0] ?? {})[0] === "text" ? [{ text: texts }] : deltas.slice(0, 1);
  }
  const redacted = reasoning.flatMap(({ redactedContent }) =>
    redactedContent === undefined ? [] : [redactedContent]
  );
  const signature = reasoning.map((part) => part.signature ?? "").join("");
  const text = reasoning.map((part) => part.text ?? "").join("");
  return [
    ...(text === "" && signature === ""
      ? []
      : [{ reasoningContent: { reasoningText: { text, ...(signature !== "" && { signature }) } } }]),
    ...(redacted.length === 0 ? [] : [{ reasoningContent: { redactedContent: joinBlobs(redacted) } }]),
  ];
}

function joinBlobs(blobs: readonly JsonValue[]): string {
  return Buffer.concat(blobs.map((blob) => Buffer.from(String(blob), "base64"))).toString("base64");
}
