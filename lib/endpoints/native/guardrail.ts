/** The operator's guardrail on native requests: it holds whatever the caller sends, and nothing else is changed. */

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

/** The call under the guardrail, in the place where its operation takes one; other operations have no use for it. */
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
          "this model has a guardrail, for which its requests must not be compressed",
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

/** A request that its caller signed cannot be given anything. */
export function refuseSignedUnderGuardrail(): AditError {
  return new AditError(
    "invalid_request",
    "this model has a guardrail, which a request signed by its caller cannot be given",
  );
}

/** The caller keeps its say in how a stream is held back for the guardrail. */
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
