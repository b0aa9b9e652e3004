/** The model of a StartAsyncInvoke request, which is only in its body. */

import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { invalidField } from "../../base/errors.ts";
import { describeJson, parseJsonBody } from "../../base/json.ts";
import { findMembers } from "../../base/json_text/json_member.ts";
import type { Limits } from "../../snapshot/snapshot.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The `modelId` of the body. Throws `invalid_request` if it is missing or not unique. */
export function asyncModel(
  body: Bytes,
  { jsonDepth, jsonValues }: Pick<Limits, "jsonDepth" | "jsonValues">,
): string {
  const modelId = parseJsonBody(body, { maxDepth: jsonDepth, maxValues: jsonValues })["modelId"];
  if (typeof modelId !== "string") {
    throw invalidField("modelId", `expected a model id, found ${describeJson(modelId)}`);
  }
  // What is checked here must be what AWS reads.
  if (findMembers(decodeUtf8(body), "modelId").length > 1) {
    throw invalidField("modelId", "duplicate field");
  }
  return modelId;
}

/** The body, validated by `asyncModel`, with this model; no other byte changes. */
export function withAsyncModel(body: Bytes, modelId: string): Bytes {
  const text = decodeUtf8(body);
  const [member] = findMembers(text, "modelId");
  if (member === undefined || JSON.parse(text.slice(member.start, member.end)) === modelId) return body;
  return encodeUtf8(text.slice(0, member.start) + JSON.stringify(modelId) + text.slice(member.end));
}
