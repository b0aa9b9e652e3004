/** Models, and the routes to them. */

import { compileTraits, type ModelTraits } from "../../facts/traits.ts";
import type { LinkContext } from "./context.ts";
import type { ModelConfig } from "../schema/config_file.ts";
import type { Model, ModelDefaults, Provider, Route } from "../../snapshot/snapshot.ts";

const MAX_METADATA = 16;

/** First segments of the paths that the gateway serves itself; a test compares them to the routes. */
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
  /** What the tables say of a model id. */
  readonly traitsOf: (modelId: string) => ModelTraits;
}

/** The model with its provider and traits; undefined if its provider is invalid. */
export function linkModel(
  name: string,
  entry: ModelConfig,
  { context, providers, traitsOf }: ModelTargets,
): Model | undefined {
  const path = ["models", name];
  const entries = Object.keys(entry.metadata).length;
  if (entries > MAX_METADATA) {
    context.fail([...path, "metadata"], `expected at most ${MAX_METADATA} entries, found ${entries}`);
  }
  const known = traitsOf(entry.base_model ?? entry.id);
  const own = compileTraits(entry.traits);
  const traits = Object.keys(own).length === 0 ? known : { ...known, ...own };
  const samplers = (["temperature", "top_p"] as const).filter((name) => entry.defaults[name] !== undefined);
  if (traits.sampling === "one" && samplers.length > 1) {
    context.fail([...path, "defaults", "top_p"], "this model does not support it together with temperature");
  }
  if (traits.sampling === "none") {
    for (const name of samplers) {
      context.warn([...path, "defaults", name], "this model does not support it, so it is ignored");
    }
  }
  if (entry.api === "invoke" && !traits.anthropicMessages) {
    context.warn(
      [...path, "api"],
      "this model is not known to accept Anthropic Messages through InvokeModel; remove api, or set base_model",
    );
  }
  const from = { section: "providers", entries: providers } as const;
  const provider = context.find([...path, "provider"], entry.provider, from);
  const target = provider && {
    name: provider.name,
    path,
    provider,
    id: entry.id,
    baseModel: entry.base_model,
    traits,
    api: entry.api,
    defaults: modelDefaults(entry.defaults),
    guardrail: entry.guardrail && { ...entry.guardrail, version: String(entry.guardrail.version) },
    metadata: entry.metadata,
  };
  return target && { name, targets: [target] };
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

/** The model for one of the operator's paths; undefined if invalid. The gateway's own paths are refused. */
export function linkRoute(
  path: string,
  modelName: string,
  { context, models }: { readonly context: LinkContext; readonly models: ReadonlyMap<string, Model> },
): Route | undefined {
  const [, segment = ""] = path.split("/");
  // `/bedrock` itself is free: only the paths below it are the gateway's.
  if (OWN_SEGMENTS.has(segment) || path.startsWith("/bedrock/")) {
    context.failName(["routes", path], "this path is reserved for the gateway");
  }
  const model = context.find(["routes", path, "model"], modelName, { section: "models", entries: models });
  return model && { path, model };
}
