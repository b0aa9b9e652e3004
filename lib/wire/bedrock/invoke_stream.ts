/** InvokeModelWithResponseStream: the model's own event in the payload of each `chunk` frame. */

import { Buffer } from "node:buffer";
import { decodeUtf8 } from "../../base/bytes.ts";
import { upstreamProtocol } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";

/** The member of the last event to which Bedrock adds its own token counts. */
export const METRICS = "amazon-bedrock-invocationMetrics";

/** The member of an answer or of an event to which Bedrock adds the trace of a guardrail. */
export const INVOKE_TRACE = "amazon-bedrock-trace";

/** A chunk as Bedrock writes it, without other members. */
const USUAL_CHUNK = /^\{"bytes":"([A-Za-z0-9+/]*={0,2})"(?:,"p":"[A-Za-z0-9]*")?\}$/;

/**
 * The text of the event inside `{"bytes": base64, "p": padding}`; throws `upstream_protocol` if there is none.
 */
export function unwrapChunk(payload: Uint8Array): string {
  const json = decodeUtf8(payload);
  const usual = USUAL_CHUNK.exec(json)?.[1];
  if (usual !== undefined && usual.length % 4 === 0) {
    // Cheaper than a `Buffer`; one character per byte.
    const binary = atob(usual);
    return /[\x80-\xff]/.test(binary) ? Buffer.from(binary, "latin1").toString("utf8") : binary;
  }
  const { bytes } = parseChunk(json);
  if (typeof bytes !== "string") throw upstreamProtocol("stream chunk without bytes");
  return Buffer.from(bytes, "base64").toString("utf8");
}

/** Parses a chunk or its event, which must be an object; throws `upstream_protocol` otherwise. */
export function parseChunk(json: string): JsonObject {
  let value: JsonValue;
  try {
    value = JSON.parse(json);
  } catch {
    throw upstreamProtocol("stream chunk is not JSON");
  }
  if (!isJsonObject(value)) throw upstreamProtocol("stream chunk is not an object");
  return value;
}
