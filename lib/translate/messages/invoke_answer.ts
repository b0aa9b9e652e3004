/** InvokeModel of Claude -> Anthropic Messages: the whole answer. */

import { upstreamProtocol } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { MESSAGES_USAGE, readUsage } from "../../wire/usage.ts";

export interface InvokeResult {
  readonly body: JsonObject;
  /** Undefined where the answer does not tell. */
  readonly usage: Usage | undefined;
  readonly stopReason: string | undefined;
}

/** The answer as it came, in its order, but for the model's name, which is the caller's. Throws `upstream_protocol`. */
export function invokeToMessages(answer: JsonValue, model: string): InvokeResult {
  if (!isJsonObject(answer) || answer.type !== "message") {
    throw upstreamProtocol("InvokeModel answered without a message");
  }
  const stopReason = answer.stop_reason;
  return {
    body: { ...answer, model },
    usage: readUsage(answer.usage, MESSAGES_USAGE),
    stopReason: typeof stopReason === "string" ? stopReason : undefined,
  };
}
