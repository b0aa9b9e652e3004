/** The stop reason of a native response: Bedrock's own for Converse, the model family's for InvokeModel. */

import { isJsonObject, type JsonObject, type JsonValue, member } from "../../base/json.ts";
import { parseChunk, unwrapChunk } from "../../wire/bedrock/invoke_stream.ts";

/** The `stopReason` of a Converse response or of a stream's `messageStop` event. */
export function stopReasonOfConverse(answer: JsonValue | undefined): string | undefined {
  return text(member(answer, "stopReason"));
}

/** The stop reason in the body of an InvokeModel response. */
export function stopReasonOfInvoke(body: JsonValue | undefined): string | undefined {
  return isJsonObject(body) ? stopReasonIn(body) : undefined;
}

/** The stop reason in the payloads of a stream's last `chunk` frames; it may be in any of them. */
export function stopReasonOfChunks(payloads: readonly Uint8Array[]): string | undefined {
  return payloads.map(ofChunk).findLast((reason) => reason !== undefined);
}

function ofChunk(payload: Uint8Array): string | undefined {
  try {
    return stopReasonIn(parseChunk(unwrapChunk(payload)));
  } catch {
    return undefined;
  }
}

/** Where the families of https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html put it. */
function stopReasonIn(answer: JsonObject): string | undefined {
  const [choice] = list(answer["choices"] ?? answer["outputs"] ?? answer["results"] ?? answer["generations"]);
  return text(answer["stop_reason"]) ?? text(answer["stopReason"]) ?? text(answer["finish_reason"]) ??
    text(answer["completionReason"]) ?? text(member(answer["delta"], "stop_reason")) ??
    text(member(answer["messageStop"], "stopReason")) ?? text(member(choice, "finish_reason")) ??
    text(member(choice, "stop_reason")) ?? text(member(choice, "completionReason"));
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
