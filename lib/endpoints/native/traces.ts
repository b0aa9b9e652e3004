/**
 * The traces in native answers: Bedrock's own account of a guardrail or a router, which names them by ARNs with the
 * operator's account and region. Everything else in an answer is the model's, and does not change.
 */

import { Buffer } from "node:buffer";
import { decodeUtf8, encodeUtf8, latin1Bytes, latin1Text } from "../../base/bytes.ts";
import { isJsonObject, type JsonValue } from "../../base/json.ts";
import { findMembers } from "../../base/json_text/json_member.ts";
import { bareIds } from "../../translate/converse/extras.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The member of Converse's answers, and that of InvokeModel's: https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-invoke-api.html */
const MEMBERS = { converse: "trace", invoke: "amazon-bedrock-trace" } as const;

const ARN = "arn:";
/** The payload of a chunk with the member and an ARN cannot be shorter. */
const SHORTEST_TRACE = 100;

/** The whole body of an answer with bare ids in its trace. */
export function withoutTraceArns(body: Bytes, api: keyof typeof MEMBERS): Bytes {
  // One character for each byte, so that no other byte changes.
  const text = latin1Text(body);
  if (!text.includes(ARN)) return body;
  const redacted = redactedMember(text, MEMBERS[api]);
  return redacted === text ? body : latin1Bytes(redacted);
}

/** The payload of an event with bare ids in its trace; the same object if it has none. */
export function withoutEventTraceArns(event: unknown, payload: Bytes): Bytes {
  if (event === "metadata") return withoutTraceArns(payload, "converse");
  if (event !== "chunk" || payload.length < SHORTEST_TRACE) return payload;
  const text = latin1Text(payload);
  if (!ENCODED_NAMES.some((name) => text.includes(name))) return payload;
  const chunk: JsonValue = JSON.parse(decodeUtf8(payload));
  if (!isJsonObject(chunk)) return payload;
  const { bytes: encoded } = chunk;
  if (typeof encoded !== "string") return payload;
  const bytes = new Uint8Array(Buffer.from(encoded, "base64"));
  const redacted = withoutTraceArns(bytes, "invoke");
  return redacted === bytes
    ? payload
    : encodeUtf8(JSON.stringify({ ...chunk, bytes: Buffer.from(redacted).toString("base64") }));
}

/** The member's name in base64, at each of the three offsets that it may have. */
const ENCODED_NAMES = [0, 1, 2].map((offset) => {
  const encoded = Buffer.from("\0".repeat(offset) + MEMBERS.invoke).toString("base64");
  return encoded.slice(offset === 0 ? 0 : offset + 1, -4);
});

function redactedMember(text: string, name: string): string {
  let at = 0;
  let redacted = "";
  try {
    for (const { start, end } of findMembers(text, name)) {
      redacted += text.slice(at, start) + bareIds(text.slice(start, end));
      at = end;
    }
  } catch {
    // A body that is not JSON has no trace.
    return text;
  }
  return redacted + text.slice(at);
}
