/** The targets of models, from each model's entry. */

import { formatPath, type Path } from "../../base/problems.ts";
import { compileTraits, type ModelTraits } from "../../facts/traits.ts";
import type { Provider } from "../../snapshot/provider.ts";
import {
  type Guardrail,
  type ModelDefaults,
  type ModelTarget,
  OWN_APIS,
  type OwnApi,
  type OwnApis,
} from "../../snapshot/snapshot.ts";
import type { ModelConfig } from "../schema/config_file.ts";
import type { LinkContext } from "./context.ts";
import { doubtModelId } from "./doubts.ts";

export interface TargetSources {
  readonly context: LinkContext;
  readonly providers: ReadonlyMap<string, Provider>;
  /** The data tables' facts about a model id. */
  readonly traitsOf: (modelId: string) => ModelTraits;
}

/** A target of the model itself, or the name of another model whose targets are used. */
export type LinkedTarget = ModelTarget | InsertedTargets;

/** The targets of another model. */
interface InsertedTargets {
  readonly other: string;
  readonly path: Path;
  readonly entry: TargetConfig;
  /** The guardrail of the model that uses them, for targets without one. */
  readonly guardrail: Guardrail | undefined;
}

type TargetConfig = NonNullable<ModelConfig["targets"]>[number];
type Placed =
  & Pick<ModelConfig, "provider" | "id" | "ids" | "base_model" | "traits" | "api" | "defaults" | "guardrail">
  & Pick<ModelConfig, OwnApi | "mantle_path" | "drop_tools" | "hoist_tools">
  & {
    readonly name?: string | undefined;
    readonly priority?: number;
    readonly weight?: number;
  };

/** The targets of a model's entry, in file order, without those that have problems. */
export function linkTargets(
  name: string,
  entry: ModelConfig,
  sources: TargetSources,
): readonly LinkedTarget[] {
  const path = ["models", name];
  const { context } = sources;
  // The problems of the list are already reported.
  if (entry.targets === undefined && context.isCut([...path, "targets"])) return [];
  if (entry.targets === undefined) return compact([linkTarget(path, entry, { ...sources, model: entry })]);
  for (const key of PLACE_KEYS) {
    if (entry[key] !== undefined) {
      context.fail([...path, key], "cannot be combined with targets; move it into a target");
    }
  }
  if (entry.targets.every(({ model }) => model !== undefined)) warnOfUnused(path, entry, context);
  const targets = entry.targets.map((target, index): LinkedTarget | undefined => {
    const place = [...path, "targets", index];
    if (target.model === undefined) {
      return linkTarget(place, overModel(target, entry), { ...sources, model: entry });
    }
    for (const key of TARGET_KEYS) {
      if (isSet(target[key])) context.fail([...place, key], "cannot be combined with model");
    }
    return { other: target.model, path: place, entry: target, guardrail: linkGuardrail(entry.guardrail) };
  });
  return compact(targets);
}

/** Whether a key is in the file; the default of a mapping is empty. */
function isSet(value: unknown): boolean {
  return typeof value === "object" && value !== null ? Object.keys(value).length > 0 : value !== undefined;
}

/** Warns of settings that only apply to a model's own targets, for a model without any. */
function warnOfUnused(path: Path, entry: ModelConfig, context: LinkContext): void {
  for (const key of ["traits", "defaults", "metadata"] as const) {
    if (isSet(entry[key])) {
      context.warn([...path, key], "ignored, because every target is another model's, with its own settings");
    }
  }
}

/** The target with the model's common settings. */
function overModel(target: TargetConfig, { traits, defaults, guardrail }: ModelConfig): Placed {
  return {
    ...target,
    traits: { ...traits, ...target.traits },
    defaults: { ...defaults, ...target.defaults },
    guardrail: target.guardrail ?? guardrail,
  };
}

function linkTarget(
  path: Path,
  entry: Placed,
  { context, providers, traitsOf, model }: TargetSources & { readonly model: ModelConfig },
): ModelTarget | undefined {
  const { provider: providerName, id } = entry;
  if (providerName === undefined) context.fail([...path, "provider"], MISSING_PROVIDER);
  if (id === undefined) context.fail([...path, "id"], MISSING_ID);
  const provider = providerName === undefined
    ? undefined
    : context.find([...path, "provider"], providerName, { section: "providers", entries: providers });
  if (id === undefined) return undefined;
  if (provider !== undefined) doubtModelId([...path, "id"], { id, region: provider.region }, context);
  const known = traitsOf(entry.base_model ?? id);
  const own = compileTraits(entry.traits);
  const traits = Object.keys(own).length === 0 ? known : { ...known, ...own };
  checkFit(path, entry, { traits, context });
  if (provider !== undefined) checkMantle(path, entry, provider, context);
  checkOwnKeys(path, entry, context);
  return provider && {
    name: entry.name ?? provider.name,
    path,
    origin: context.originOf(path),
    priority: entry.priority ?? 0,
    weight: entry.weight ?? 1,
    provider,
    id,
    baseModel: entry.base_model,
    traits,
    api: entry.api,
    ownApis: ownApisOf(entry),
    dropTools: entry.drop_tools ?? [],
    defaults: modelDefaults(entry.defaults),
    guardrail: linkGuardrail(entry.guardrail),
    metadata: model.metadata,
    teamIds: entry.ids ?? {},
  };
}

/** The keys that say where a single target is and how it is called. */
const PLACE_KEYS = [
  ...["provider", "id", "ids", "base_model", "api"] as const,
  ...OWN_APIS,
  ...["mantle_path", "drop_tools", "hoist_tools"] as const,
] as const;

function linkGuardrail(entry: ModelConfig["guardrail"]): Guardrail | undefined {
  return entry && { ...entry, version: String(entry.version) };
}

/** Keys that a target with `model` cannot have: the targets of that model have them. */
const TARGET_KEYS = [
  ...["name", "traits", "defaults", "guardrail"] as const,
  ...PLACE_KEYS,
] as const;

function ownApisOf(entry: Placed): OwnApis | undefined {
  const { chat, responses, messages, mantle_path: mantlePath = "/openai/v1" } = entry;
  if (OWN_APIS.every((api) => entry[api] === undefined)) return undefined;
  return { chat, responses, messages, mantlePath, hoistsTools: entry.hoist_tools ?? false };
}

/** Warns of settings for requests that are not passed on. */
function checkOwnKeys(path: Path, entry: Placed, context: LinkContext): void {
  if (entry.hoist_tools === true && entry.responses === undefined) {
    context.warn(
      [...path, "hoist_tools"],
      "only used for Responses that are passed on; set responses, or remove it",
    );
  }
  if (entry.mantle_path !== undefined && entry.chat !== "mantle" && entry.responses !== "mantle") {
    context.warn(
      [...path, "mantle_path"],
      "only used with chat: mantle or responses: mantle",
    );
  }
}

/** Reports settings that the mantle endpoint does not support, and an unknown mantle endpoint. */
function checkMantle(path: Path, entry: Placed, provider: Provider, context: LinkContext): void {
  const api = OWN_APIS.find((each) => entry[each] === "mantle");
  if (api === undefined) return;
  if (entry.guardrail !== undefined) {
    context.fail([...path, api], "the mantle endpoint has no guardrails, and this model has one");
  }
  if (
    provider.kind === "bedrock" && provider.endpoint !== undefined && provider.mantleEndpoint === undefined
  ) {
    const place = formatPath(["providers", provider.name]);
    context.fail([...path, api], `requires ${place}.mantle_endpoint, because ${place}.endpoint is set`);
  }
}

const MISSING_PROVIDER = "missing: expected the name of a provider";
const MISSING_ID = "missing: expected a model id, inference profile id or ARN";

interface Fit {
  readonly traits: ModelTarget["traits"];
  readonly context: LinkContext;
}

/** Reports settings that the model does not support or ignores. */
function checkFit(path: Path, { defaults, api }: Placed, { traits, context }: Fit): void {
  const samplers = (["temperature", "top_p"] as const).filter((name) => defaults[name] !== undefined);
  if (traits.sampling === "one" && samplers.length > 1) {
    context.fail([...path, "defaults", "top_p"], "this model does not support it together with temperature");
  }
  if (traits.sampling === "none") {
    for (const name of samplers) {
      context.warn([...path, "defaults", name], "this model does not support it, so it is ignored");
    }
  }
  const { embeddings, embeddingDimensions: sizes } = traits;
  const { dimensions } = defaults;
  const isKnownSize = dimensions === undefined || sizes.length === 0 || sizes.includes(dimensions);
  if (embeddings !== "none" && !isKnownSize) {
    context.fail([...path, "defaults", "dimensions"], `this model supports ${sizes.join(", ")}`);
  }
  for (const key of ["dimensions", "input_type"] as const) {
    if (defaults[key] !== undefined && embeddings === "none") {
      context.warn([...path, "defaults", key], "this is not an embedding model, so it is ignored");
    }
  }
  if (api === "invoke" && !traits.anthropicMessages) {
    context.warn(
      [...path, "api"],
      "this model is not known to accept Anthropic Messages through InvokeModel; remove api, or set base_model",
    );
  }
}

function compact<Value>(values: readonly (Value | undefined)[]): readonly Value[] {
  return values.filter((value) => value !== undefined);
}

function modelDefaults(entry: ModelConfig["defaults"]): ModelDefaults {
  const { max_tokens: maxTokens, temperature, top_p: topP, stop, latency } = entry;
  const { service_tier: serviceTier, additional_model_request_fields: additionalModelRequestFields } = entry;
  const { dimensions, input_type: inputType } = entry;
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(stop !== undefined && { stop: typeof stop === "string" ? [stop] : stop }),
    ...(serviceTier !== undefined && { serviceTier }),
    ...(latency !== undefined && { latency }),
    ...(dimensions !== undefined && { dimensions }),
    ...(inputType !== undefined && { inputType }),
    ...(additionalModelRequestFields && { additionalModelRequestFields }),
  };
}
