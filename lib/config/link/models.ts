/** Models and the routes that lead to them. */

import { traitsOf } from "../../facts/model_table.ts";
import { compileTraits } from "../../facts/traits.ts";
import type { DataTables } from "./data.ts";
import type { LinkContext } from "./context.ts";
import type { ModelConfig } from "../schema/config_file.ts";
import type { Model, ModelDefaults, Provider, Route } from "../../snapshot/snapshot.ts";

const MAX_METADATA = 16;

/** First segments of the paths that the gateway answers itself; a test compares them to the routes. */
export const OWN_SEGMENTS: ReadonlySet<string> = new Set([
  "anthropic",
  "async-invoke",
  "aws-bedrock",
  "compat",
  "foundation-models",
  "guardrail",
  "guardrail-checks",
  "healthz",
  "inference-profiles",
  "model",
  "v1",
]);

export interface ModelTargets {
  readonly context: LinkContext;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly tables: DataTables;
}

/** The model with its provider and traits; undefined where it has no good provider. */
export function linkModel(
  name: string,
  entry: ModelConfig,
  { context, providers, tables }: ModelTargets,
): Model | undefined {
  const path = ["models", name];
  const entries = Object.keys(entry.metadata).length;
  if (entries > MAX_METADATA) {
    context.fail([...path, "metadata"], `expected at most ${MAX_METADATA} entries, found ${entries}`);
  }
  const traits = { ...traitsOf(entry.base_model ?? entry.id, tables.models), ...compileTraits(entry.traits) };
  const samplers = (["temperature", "top_p"] as const).filter((name) => entry.defaults[name] !== undefined);
  if (traits.sampling === "one" && samplers.length > 1) {
    context.fail([...path, "defaults", "top_p"], "this model refuses it beside temperature");
  }
  if (traits.sampling === "none") {
    for (const name of samplers) {
      context.warn([...path, "defaults", name], "this model refuses it, so it is left out");
    }
  }
  if (entry.api === "invoke" && !traits.anthropicMessages) {
    context.warn(
      [...path, "api"],
      "this model takes no Anthropic Messages by InvokeModel, as far as is known: leave api out, or name its base_model",
    );
  }
  const from = { section: "providers", entries: providers } as const;
  const provider = context.find([...path, "provider"], entry.provider, from);
  return provider && {
    name,
    provider,
    id: entry.id,
    baseModel: entry.base_model,
    traits,
    api: entry.api,
    defaults: modelDefaults(entry.defaults),
    guardrail: entry.guardrail && { ...entry.guardrail, version: String(entry.guardrail.version) },
    metadata: entry.metadata,
  };
}

function modelDefaults(entry: ModelConfig["defaults"]): ModelDefaults {
  const { max_tokens: maxTokens, temperature, top_p: topP, stop, latency } = entry;
  const { service_tier: serviceTier, additional_model_request_fields: additionalModelRequestFields } = entry;
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(stop !== undefined && { stop: typeof stop === "string" ? [stop] : stop }),
    ...(serviceTier !== undefined && { serviceTier }),
    ...(latency !== undefined && { latency }),
    ...(additionalModelRequestFields && { additionalModelRequestFields }),
  };
}

/** The model behind a path of the operator's; undefined where there is none. Paths of the gateway's own are refused. */
export function linkRoute(
  path: string,
  modelName: string,
  { context, models }: { readonly context: LinkContext; readonly models: ReadonlyMap<string, Model> },
): Route | undefined {
  const [, segment = ""] = path.split("/");
  // `/bedrock` itself is free: only what lies below it is the gateway's.
  if (OWN_SEGMENTS.has(segment) || path.startsWith("/bedrock/")) {
    context.failName(["routes", path], "the gateway itself answers under this path");
  }
  const model = context.find(["routes", path, "model"], modelName, { section: "models", entries: models });
  return model && { path, model };
}
