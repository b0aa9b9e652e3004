/** What the operator sets for a model, as far as a translation to Converse must know it. */

import type { JsonObject } from "../../base/json.ts";

/** Defaults hold where the caller is silent; guardrail and metadata go over the caller's. */
export interface ModelSettings {
  readonly defaults: {
    readonly maxTokens?: number;
    readonly temperature?: number;
    readonly topP?: number;
    readonly stop?: readonly string[];
    readonly serviceTier?: string;
    readonly latency?: string;
    readonly additionalModelRequestFields?: JsonObject;
  };
  readonly guardrail: { readonly id: string; readonly version: string; readonly trace: string } | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}
