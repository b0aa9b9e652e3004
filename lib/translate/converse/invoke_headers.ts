/** The operator's settings as headers of InvokeModel, for bodies that have no place for them. */

import type { ModelSettings } from "../../snapshot/snapshot.ts";
import { guardrailHeaders } from "./guardrail.ts";

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html */
export function invokeHeaders(settings: ModelSettings | undefined): Readonly<Record<string, string>> {
  if (settings === undefined) return {};
  const { guardrail, metadata, defaults: { serviceTier } } = settings;
  return {
    ...(serviceTier !== undefined && { "x-amzn-bedrock-service-tier": serviceTier }),
    ...(guardrail !== undefined && guardrailHeaders(guardrail)),
    ...(Object.keys(metadata).length > 0 && {
      "x-amzn-bedrock-request-metadata": JSON.stringify(metadata),
    }),
  };
}
