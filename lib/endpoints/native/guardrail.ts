/**
 * Applies the operator's guardrail to native requests: the caller cannot avoid, narrow or delay it, and nothing else is changed.
 */

import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { AditError, invalidField } from "../../base/errors.ts";
import { isJsonObject, type JsonObject, parseJsonBody } from "../../base/json.ts";
import { withMember } from "../../base/json_text/json_member.ts";
import { findNames } from "../../base/json_text/json_names.ts";
import type { Limits, ModelTarget } from "../../snapshot/snapshot.ts";
import {
  guardrailConfig,
  guardrailHeaders,
  isGuardrailMember,
  narrowsGuardrail,
  refuseLateGuardrail,
} from "../../translate/converse/guardrail.ts";
import { operationRow } from "../../providers/bedrock/operations.ts";
import type { UpstreamCall } from "../../providers/upstream.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Guardrail = NonNullable<ModelTarget["guardrail"]>;
/** A request with the body and some headers that its caller has sent. */
export type GuardableCall = UpstreamCall & { readonly body: Bytes; readonly headers: Headers };

/**
 * The call with the guardrail, in the position for its operation. Throws `invalid_request` if the request would narrow
 * or delay the guardrail, or if its operation would run the model without one.
 */
export function withGuardrail(
  call: GuardableCall,
  guardrail: Guardrail,
  limits: Pick<Limits, "jsonDepth" | "jsonValues">,
): GuardableCall {
  switch (operationRow(call.operation).guardrail) {
    case "body":
      return { ...call, body: withGuardrailConfig(readable(call), guardrail, limits) };
    case "headers":
      refuseNarrowing(readable(call), limits);
      for (const [name, value] of Object.entries(guardrailHeaders(guardrail))) call.headers.set(name, value);
      return call;
    case "impossible":
      throw invalidField(
        "modelId",
        "this model has a guardrail, which Bedrock does not apply to asynchronous invocations",
      );
    case "none":
      return call;
  }
}

/** The body, which must not be compressed. */
function readable({ headers, body }: GuardableCall): Bytes {
  if (!headers.has("content-encoding")) return body;
  throw invalidField("content-encoding", "this model has a guardrail; send the request uncompressed");
}

/** A request signed by its caller cannot be modified. */
export function refuseSignedUnderGuardrail(): AditError {
  return new AditError(
    "invalid_request",
    "this model has a guardrail, which cannot be added to a request signed by its caller",
  );
}

function withGuardrailConfig(
  body: Bytes,
  guardrail: Guardrail,
  limits: Pick<Limits, "jsonDepth" | "jsonValues">,
): Bytes {
  const own = refuseNarrowing(body, limits)["guardrailConfig"];
  const asked = isJsonObject(own) ? own : undefined;
  refuseLateGuardrail(asked);
  const mode = asked?.["streamProcessingMode"];
  const config = {
    ...guardrailConfig(guardrail),
    ...(mode === undefined ? {} : { streamProcessingMode: mode }),
  };
  return encodeUtf8(withMember(decodeUtf8(body), "guardrailConfig", JSON.stringify(config)));
}

/** Where Bedrock accepts content that limits the guardrail to itself. */
const GUARDED_CONTENT =
  /^(?:messages\[\d+\]\.content(?:\[\d+\]\.toolResult\.content)?|system)\[\d+\]\.guardContent$/;

/** Members of the model's own body: that of InvokeModel, or what Converse merges into it. */
const MODEL_BODY = /^(?:additionalModelRequestFields\.)?([^.[]+)$/;

/** The parsed body. Throws for a member of Converse or InvokeModel that narrows the guardrail. */
function refuseNarrowing(
  body: Bytes,
  { jsonDepth, jsonValues }: Pick<Limits, "jsonDepth" | "jsonValues">,
): JsonObject {
  const value = parseJsonBody(body, { maxDepth: jsonDepth, maxValues: jsonValues });
  const text = decodeUtf8(body);
  const path = findNames(text, (name) => name === "guardContent" || isGuardrailMember(name))
    .map(({ path }) => path)
    .find((path) => GUARDED_CONTENT.test(path) || isGuardrailMember(MODEL_BODY.exec(path)?.[1] ?? ""));
  if (path !== undefined) throw narrowsGuardrail(path);
  return value;
}
