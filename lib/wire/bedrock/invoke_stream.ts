/** InvokeModelWithResponseStream: the model's own event in the payload of each `chunk` frame. */

import { Buffer } from "node:buffer";
import { decodeUtf8 } from "../../base/bytes.ts";
import { upstreamProtocol } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";

/** The member of the last event to which Bedrock adds its own token counts. */
export const METRICS = "amazon-bedrock-invocationMetrics";

/**
 * The text of the event inside `{"bytes": base64, "p": padding}`; throws `upstream_protocol` if there is none.
 */
export function unwrapChunk(payload: Uint8Array): string {
  const { bytes } = parseChunk(decodeUtf8(payload));
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
