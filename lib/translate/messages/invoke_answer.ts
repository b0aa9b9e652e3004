/** InvokeModel of Claude -> Anthropic Messages: the whole response. */

import { upstreamProtocol } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { withTracedUnits } from "../../wire/bedrock/guardrail_units.ts";
import { INVOKE_TRACE } from "../../wire/bedrock/invoke_stream.ts";
import { MESSAGES_USAGE, readUsage } from "../../wire/usage.ts";

export interface InvokeResult {
  readonly body: JsonObject;
  /** Undefined if the response does not report it. */
  readonly usage: Usage | undefined;
  readonly stopReason: string | undefined;
}

/**
 * The response as received, with the caller's model name in place of Bedrock's. Throws `upstream_protocol`.
 */
export function invokeToMessages(answer: JsonValue, model: string): InvokeResult {
  if (!isJsonObject(answer) || answer.type !== "message") {
    throw upstreamProtocol("InvokeModel response without a message");
  }
  const stopReason = answer.stop_reason;
  return {
    body: { ...answer, model },
    usage: withTracedUnits(readUsage(answer.usage, MESSAGES_USAGE), answer[INVOKE_TRACE]),
    stopReason: typeof stopReason === "string" ? stopReason : undefined,
  };
}
