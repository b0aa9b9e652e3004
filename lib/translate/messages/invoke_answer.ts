/** InvokeModel of Claude -> Anthropic Messages: the whole response. */

import { upstreamProtocol } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { withTracedUnits } from "../../wire/bedrock/guardrail_units.ts";
import { INVOKE_TRACE } from "../../wire/bedrock/invoke_stream.ts";
import { MESSAGES_USAGE, readUsage } from "../../wire/usage.ts";
import { withoutArns } from "../converse/extras.ts";

export interface InvokeResult {
  readonly body: JsonObject;
  /** Undefined if the response does not report it. */
  readonly usage: Usage | undefined;
  readonly stopReason: string | undefined;
}

/**
 * The response as received, with the caller's model name in place of Bedrock's, and without ARNs in its trace. Throws
 * `upstream_protocol`.
 */
export function invokeToMessages(answer: JsonValue, model: string): InvokeResult {
  if (!isJsonObject(answer) || answer.type !== "message") {
    throw upstreamProtocol("InvokeModel response without a message");
  }
  const stopReason = answer.stop_reason;
  return {
    body: { ...withBareTrace(answer), model },
    usage: withTracedUnits(readUsage(answer.usage, MESSAGES_USAGE), answer[INVOKE_TRACE]),
    stopReason: typeof stopReason === "string" ? stopReason : undefined,
  };
}

/** The answer or event with bare ids in the trace that Bedrock adds to it; the same object if it has none. */
export function withBareTrace(value: JsonObject): JsonObject {
  const trace = value[INVOKE_TRACE];
  return trace === undefined ? value : { ...value, [INVOKE_TRACE]: withoutArns(trace) };
}
