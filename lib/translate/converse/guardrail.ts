/** The guardrail that the operator sets for a model, in the form of each Bedrock operation. */

import { type AditError, invalidField } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
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

/** The refusal of a member that would narrow or delay the operator's guardrail. */
export function narrowsGuardrail(path: string): AditError {
  return invalidField(
    path,
    "this model has a guardrail, and a request must not change what it checks; remove it",
  );
}

/**
 * Whether a member of a model's body can narrow a guardrail to tagged text, or delay it:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-tagging.html
 */
export function isGuardrailMember(name: string): boolean {
  return /^amazon-bedrock-guardrail/i.test(name);
}

/** Refuses such a member of a model's body; `path` is that of the body. */
export function refuseGuardrailMembers(body: JsonObject, path = ""): void {
  const name = Object.keys(body).find(isGuardrailMember);
  if (name !== undefined) throw narrowsGuardrail(path === "" ? name : `${path}.${name}`);
}

/** Refuses a caller's choice to see a stream before the guardrail has checked it. */
export function refuseLateGuardrail(config: JsonObject | undefined): void {
  const mode = config?.["streamProcessingMode"];
  if (mode !== undefined && mode !== "sync") throw narrowsGuardrail("guardrailConfig.streamProcessingMode");
}
