/** The model of a StartAsyncInvoke request, which only its body names. */

import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { invalidField } from "../../base/errors.ts";
import { describeJson, parseJsonBody } from "../../base/json.ts";
import { findMembers } from "../../base/json_member.ts";
import type { Limits } from "../../snapshot/snapshot.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The one `modelId` of the body. Throws `invalid_request` where there is none, or more than one to choose from. */
export function asyncModel(body: Bytes, { jsonDepth }: Pick<Limits, "jsonDepth">): string {
  const modelId = parseJsonBody(body, { maxDepth: jsonDepth })["modelId"];
  if (typeof modelId !== "string") {
    throw invalidField("modelId", `expected a model id, found ${describeJson(modelId)}`);
  }
  // What is checked here and what AWS would read must be the same.
  if (findMembers(decodeUtf8(body), "modelId").length > 1) {
    throw invalidField("modelId", "expected it once");
  }
  return modelId;
}

/** The body, sound by `asyncModel`, with this model; every other byte stays. */
export function withAsyncModel(body: Bytes, modelId: string): Bytes {
  const text = decodeUtf8(body);
  const [member] = findMembers(text, "modelId");
  if (member === undefined || JSON.parse(text.slice(member.start, member.end)) === modelId) return body;
  return encodeUtf8(text.slice(0, member.start) + JSON.stringify(modelId) + text.slice(member.end));
}
