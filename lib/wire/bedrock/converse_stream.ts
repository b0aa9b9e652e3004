/** Bedrock's ConverseStream: its events, parsed from the payloads of event-stream frames. */

import { decodeUtf8 } from "../../base/bytes.ts";
import { upstreamProtocol } from "../../base/errors.ts";
import { firstMember, isJsonObject, member } from "../../base/json.ts";
import type { JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { parseExtras, parseUsage } from "./converse.ts";
import type { AnswerExtras, Citation } from "./converse.ts";

/**
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html, except exceptions.
 */
export type ConverseEvent =
  | { readonly type: "messageStart" }
  | { readonly type: "contentBlockStart"; readonly index: number; readonly start: BlockStart }
  | { readonly type: "contentBlockDelta"; readonly index: number; readonly delta: BlockDelta }
  | { readonly type: "contentBlockStop"; readonly index: number }
  | { readonly type: "messageStop"; readonly stopReason: string } & AnswerExtras
  | { readonly type: "metadata"; readonly usage: Usage | undefined } & AnswerExtras
  | { readonly type: "unknown"; readonly name: string };

export type BlockStart =
  | { readonly type: "toolUse"; readonly toolUseId: string; readonly name: string }
  | { readonly type: "unknown"; readonly name: string };

export type BlockDelta =
  | { readonly type: "text"; readonly text: string }
  /** A fragment of the tool's input; the concatenation is JSON. */
  | { readonly type: "toolInput"; readonly input: string }
  | { readonly type: "reasoningText"; readonly text: string }
  | { readonly type: "signature"; readonly signature: string }
  | { readonly type: "redactedContent"; readonly data: string }
  | { readonly type: "citation"; readonly citation: Citation }
  | { readonly type: "unknown"; readonly name: string };

/**
 * Parses one event; tolerates unknown events and members, throws `upstream_protocol` if the payload is not JSON.
 */
export function parseConverseEvent(eventType: string, payload: Uint8Array): ConverseEvent {
  const read = Object.hasOwn(EVENT_READERS, eventType) ? EVENT_READERS[eventType] : undefined;
  if (read === undefined) return { type: "unknown", name: eventType };
  const json = decodeUtf8(payload);
  return usualTextDelta(eventType, json) ?? read(parsePayload(eventType, json));
}

/** A text delta as Bedrock writes it, with padding and without escapes. */
const USUAL_TEXT_DELTA =
  /^\{"contentBlockIndex":(0|[1-9]\d{0,8}),"delta":\{"text":"([ !#-[\]-\uffff]*)"\}(?:,"p":"[A-Za-z0-9]*")?\}$/;

/** Nearly all events are such deltas, and parsing them as JSON would cost twice as much. Undefined for any other. */
function usualTextDelta(eventType: string, json: string): ConverseEvent | undefined {
  if (eventType !== "contentBlockDelta") return undefined;
  const found = USUAL_TEXT_DELTA.exec(json);
  if (found === null) return undefined;
  return {
    type: "contentBlockDelta",
    index: Number(found[1]),
    delta: { type: "text", text: found[2] ?? "" },
  };
}

function parsePayload(eventType: string, json: string): JsonValue {
  try {
    return JSON.parse(json);
  } catch {
    throw upstreamProtocol(`payload of event "${eventType}" is not JSON`);
  }
}

const EVENT_READERS: Readonly<Record<string, (payload: JsonValue) => ConverseEvent>> = {
  messageStart: () => ({ type: "messageStart" }),
  contentBlockStart: (payload) => ({
    type: "contentBlockStart",
    index: blockIndex(payload),
    start: parseStart(member(payload, "start")),
  }),
  contentBlockDelta: (payload) => ({
    type: "contentBlockDelta",
    index: blockIndex(payload),
    delta: parseDelta(member(payload, "delta")),
  }),
  contentBlockStop: (payload) => ({ type: "contentBlockStop", index: blockIndex(payload) }),
  messageStop: (payload) => {
    const stopReason = member(payload, "stopReason");
    return {
      type: "messageStop",
      stopReason: typeof stopReason === "string" ? stopReason : "",
      ...parseExtras(payload),
    };
  },
  metadata: (payload) => ({
    type: "metadata",
    usage: parseUsage(payload),
    ...parseExtras(payload),
  }),
};

function parseStart(start: JsonValue | undefined): BlockStart {
  const toolUse = member(start, "toolUse");
  // A tool that runs on the model's side is not for the caller to run.
  if (member(toolUse, "type") === "server_tool_use") {
    return { type: "unknown", name: "toolUse.server_tool_use" };
  }
  const toolUseId = member(toolUse, "toolUseId");
  const name = member(toolUse, "name");
  if (typeof toolUseId === "string" && typeof name === "string") return { type: "toolUse", toolUseId, name };
  return { type: "unknown", name: firstMember(start) };
}

function parseDelta(delta: JsonValue | undefined): BlockDelta {
  const text = member(delta, "text");
  if (typeof text === "string") return { type: "text", text };
  const input = member(member(delta, "toolUse"), "input");
  if (typeof input === "string") return { type: "toolInput", input };
  const citation = member(delta, "citation");
  if (isJsonObject(citation)) return { type: "citation", citation };
  const reasoning = member(delta, "reasoningContent");
  const thought = member(reasoning, "text");
  if (typeof thought === "string") return { type: "reasoningText", text: thought };
  const signature = member(reasoning, "signature");
  if (typeof signature === "string") return { type: "signature", signature };
  const data = member(reasoning, "redactedContent");
  if (typeof data === "string") return { type: "redactedContent", data };
  return { type: "unknown", name: firstMember(delta) };
}

function blockIndex(payload: JsonValue): number {
  const index = member(payload, "contentBlockIndex");
  if (typeof index !== "number") throw upstreamProtocol("content block event without contentBlockIndex");
  return index;
}
