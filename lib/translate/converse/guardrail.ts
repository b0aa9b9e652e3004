/** The guardrail that the operator sets for a model, in the form of each Bedrock operation. */

import type { Guardrail } from "../../snapshot/snapshot.ts";

/** `guardrailConfig` of Converse and ConverseStream. */
export function guardrailConfig({ id, version, trace }: Guardrail) {
  return { guardrailIdentifier: id, guardrailVersion: version, trace };
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_RequestSyntax */
export function guardrailHeaders({ id, version, trace }: Guardrail): Readonly<Record<string, string>> {
  return {
    "x-amzn-bedrock-guardrailidentifier": id,
    "x-amzn-bedrock-guardrailversion": version,
    "x-amzn-bedrock-trace": trace.toUpperCase(),
  };
}
