/** CountTokens with a Converse request, for every dialect. */

import { upstreamProtocol } from "../../base/errors.ts";
import { type JsonValue, member } from "../../base/json.ts";
import type { ConverseRequest } from "../../wire/bedrock/converse.ts";

/** The fields of a Converse request that are counted. */
export type CountedConverse = Pick<
  ConverseRequest,
  "messages" | "system" | "toolConfig" | "additionalModelRequestFields"
>;

/** The part of a request that CountTokens accepts. */
export function countInput(request: ConverseRequest): CountedConverse {
  const { messages, system, toolConfig, additionalModelRequestFields } = request;
  return { messages, system, toolConfig, additionalModelRequestFields };
}

/** The count in Bedrock's response; throws `upstream_protocol` if there is none. */
export function readTokenCount(answer: JsonValue): number {
  const count = member(answer, "inputTokens");
  if (typeof count !== "number") throw upstreamProtocol("CountTokens response without a count");
  return count;
}
