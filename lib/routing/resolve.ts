/** From the model that a request names to the targets that may answer it. */

import { AditError } from "../base/errors.ts";
import type { Caller, Model, Provider, Snapshot } from "../config/snapshot.ts";

/** One provider and the id by which it is asked for the model. */
export interface Target {
  readonly provider: Provider;
  /** Model id, inference profile id or ARN. */
  readonly modelId: string;
  /** The configured model; undefined where a native request named an id. */
  readonly model: Model | undefined;
}

/** The targets of one request, in the order in which they are tried. */
export interface Plan {
  /** The model's name in the caller's own words; answers repeat it. */
  readonly name: string;
  readonly targets: readonly [Target, ...Target[]];
}

/**
 * The plan for a configured model. A name that does not exist and one that the caller may not use fail alike, so that
 * nobody learns the names of others' models.
 */
export function resolveModel(name: string, caller: Caller, snapshot: Snapshot): Plan {
  const model = snapshot.models.get(name);
  if (model === undefined || !caller.models.has(name)) throw notFound(name);
  return { name, targets: [{ provider: model.provider, modelId: model.id, model }] };
}

/**
 * The plan for a request to Bedrock's own API: a configured name first, else a model id or ARN where the caller's
 * `native` allows it. An ARN means its own region, an id the caller's first; no ARN leads out of the regions allowed.
 */
export function resolveNative(id: string, caller: Caller, snapshot: Snapshot): Plan {
  if (snapshot.models.has(id) && caller.models.has(id)) return resolveModel(id, caller, snapshot);
  const { native } = caller;
  if (native === undefined || isRelativePath(id) || !native.ids.some((glob) => glob.matches(id))) {
    throw notFound(id);
  }
  const [firstRegion] = native.regions;
  const region = regionOfArn(id) ?? firstRegion;
  const provider = region !== undefined && native.regions.has(region)
    ? snapshot.providersByRegion.get(region)
    : undefined;
  if (provider === undefined) throw notFound(id);
  return { name: id, targets: [{ provider, modelId: id, model: undefined }] };
}

/** Whether the id, as a segment of a URL's path, would lead to another operation than the one that was asked for. */
function isRelativePath(id: string): boolean {
  return id === "" || id === "." || id === "..";
}

/** The fourth field of an ARN; undefined for a plain id. */
function regionOfArn(id: string): string | undefined {
  return id.startsWith("arn:") ? id.split(":", 4)[3] : undefined;
}

function notFound(name: string): AditError {
  // The caller's own text, cut short: it is not to fill a log or an answer.
  const shown = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  return new AditError(
    "model_not_found",
    `the model ${JSON.stringify(shown)} does not exist or this key may not use it`,
  );
}
