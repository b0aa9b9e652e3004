/**
 * Applies the operator's guardrail to native requests: the caller cannot avoid it, and nothing else is changed.
 */

import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { AditError, invalidField } from "../../base/errors.ts";
import { isJsonObject, parseJsonBody } from "../../base/json.ts";
import { withMember } from "../../base/json_member.ts";
import type { Limits, ModelTarget } from "../../snapshot/snapshot.ts";
import { guardrailConfig, guardrailHeaders } from "../../translate/converse/guardrail.ts";
import { operationRow } from "../../providers/bedrock/operations.ts";
import type { UpstreamCall } from "../../providers/upstream.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Guardrail = NonNullable<ModelTarget["guardrail"]>;

/** The call with the guardrail, in the position for its operation; some operations have none. */
export function withGuardrail(
  call: UpstreamCall,
  guardrail: Guardrail,
  limits: Pick<Limits, "jsonDepth">,
): UpstreamCall {
  switch (operationRow(call.operation).guardrail) {
    case "body":
      if (call.headers.has("content-encoding")) {
        throw invalidField(
          "content-encoding",
          "this model has a guardrail; send the request uncompressed",
        );
      }
      return { ...call, body: withGuardrailConfig(call.body, guardrail, limits) };
    case "headers":
      for (const [name, value] of Object.entries(guardrailHeaders(guardrail))) call.headers.set(name, value);
      return call;
    case "none":
      return call;
  }
}

/** A request signed by its caller cannot be modified. */
export function refuseSignedUnderGuardrail(): AditError {
  return new AditError(
    "invalid_request",
    "this model has a guardrail, which cannot be added to a request signed by its caller",
  );
}

/** The caller may still choose how the guardrail processes a stream. */
function withGuardrailConfig(
  body: Bytes,
  guardrail: Guardrail,
  { jsonDepth }: Pick<Limits, "jsonDepth">,
): Bytes {
  const own = parseJsonBody(body, { maxDepth: jsonDepth })["guardrailConfig"];
  const mode = isJsonObject(own) ? own["streamProcessingMode"] : undefined;
  const config = {
    ...guardrailConfig(guardrail),
    ...(mode === undefined ? {} : { streamProcessingMode: mode }),
  };
  return encodeUtf8(withMember(decodeUtf8(body), "guardrailConfig", JSON.stringify(config)));
}
