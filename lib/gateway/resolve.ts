/** Resolves the model or region of a request to the targets that may handle it. */

import { AditError } from "../base/errors.ts";
import { attributed } from "./attribution.ts";
import { matchesGlob } from "../base/glob.ts";
import { leavesResidency } from "../facts/geography.ts";
import { modelFor } from "../snapshot/access.ts";
import { DIRECT, type PassedOver, type Plan, type Target } from "../snapshot/plan.ts";
import type { Provider } from "../snapshot/provider.ts";
import type { Caller, Model, ModelTarget, NativeAccess, Snapshot } from "../snapshot/snapshot.ts";

/**
 * The plan for a configured model. An unknown name and one that the caller may not use get the same error, so that
 * nobody can find out which other models exist.
 */
export function resolveModel(name: string, caller: Caller, snapshot: Snapshot): Plan {
  const model = modelFor(name, caller, snapshot);
  if (model === undefined) throw notFound(name);
  const plan = caller.dataResidency === undefined
    ? planFor(model)
    : withinResidency(planFor(model), caller.dataResidency);
  for (const target of plan.targets) {
    if (attributed(target, caller) !== target) return withAttribution(plan, caller);
  }
  return plan;
}

function withinResidency(plan: Plan, residency: NonNullable<Caller["dataResidency"]>): Plan {
  return narrowed(
    plan,
    ({ settings, modelId, provider: { region } }) =>
      settings && leavesResidency(residency, { id: modelId, region }),
  );
}

function withAttribution(plan: Plan, caller: Caller): Plan {
  const [first, ...others] = plan.targets;
  const rest = others.map((target) => attributed(target, caller));
  return { ...plan, targets: [attributed(first, caller), ...rest] };
}

/** The caller that asks for a model, and the model to which a spent budget sends the request instead. */
export interface Requested {
  readonly caller: Caller;
  readonly snapshot: Snapshot;
  readonly instead?: string | undefined;
}

/** The plan for the model that a request names, or for the one that replaces it. */
export function resolveRequested(name: string, { caller, snapshot, instead }: Requested): Plan {
  return resolveModel(instead ?? name, caller, snapshot);
}

/** The plan without the targets that have a reason against them. Throws `permission_denied` if none is left. */
function narrowed(plan: Plan, reasonAgainst: (target: Target) => string | undefined): Plan {
  const passedOver: PassedOver[] = [...plan.passedOver];
  const targets = plan.targets.filter((target) => {
    const because = reasonAgainst(target);
    if (because !== undefined) passedOver.push({ target: target.settings?.name ?? "", because });
    return because === undefined;
  });
  const [first, ...others] = targets;
  if (first === undefined) {
    const reasons = passedOver.map(({ because }) => because).join("; ");
    throw new AditError(
      "permission_denied",
      `this key is not allowed to use any target of the model: ${reasons}`,
    );
  }
  return { ...plan, targets: [first, ...others], passedOver };
}

/** One plan for each model of a configuration. */
const plans = new WeakMap<Model, Plan>();

/** The plan for a configured model, for any caller; always the same object. */
export function planFor(model: Model): Plan {
  let plan = plans.get(model);
  if (plan === undefined) {
    const [first, ...others] = model.targets;
    plan = {
      name: model.name,
      targets: [planned(first), ...others.map(planned)],
      routing: model.routing,
      passedOver: [],
    };
    plans.set(model, plan);
  }
  return plan;
}

function planned(settings: ModelTarget): Target {
  return { provider: settings.provider, modelId: settings.id, settings };
}

/** The destination of a native request; its parts may contradict each other. */
export interface NativePlace {
  /** Model id or ARN, or the ARN or id of the operation's resource. */
  readonly id: string;
  /** The region in the prefix of the path. */
  readonly pathRegion: string | undefined;
  /** The region in the credential scope of the request's AWS signature. */
  readonly signatureRegion: string | undefined;
}

/** A region and what selected it, as `adit explain` shows it. */
export interface RegionChoice {
  readonly region: string;
  readonly because: "ARN" | "path" | "signature" | "caller's default";
}

/**
 * The region of a request: that of its ARN, its path or its signature, in this order; otherwise the first region of
 * the caller's `native`.
 */
export function chooseRegion(place: NativePlace, { regions }: NativeAccess): RegionChoice {
  const arnRegion = regionOfArn(place.id);
  if (arnRegion !== undefined) return { region: arnRegion, because: "ARN" };
  if (place.pathRegion !== undefined) return { region: place.pathRegion, because: "path" };
  if (place.signatureRegion !== undefined) return { region: place.signatureRegion, because: "signature" };
  const [first = ""] = regions;
  return { region: first, because: "caller's default" };
}

/**
 * The plan for a native request for a model: a configured name, wherever its provider is; otherwise a model id or ARN
 * that the caller's `native` allows, only in the selected region.
 */
export function resolveNative(place: NativePlace, caller: Caller, snapshot: Snapshot): Plan {
  const name = configuredName(place.id, caller, snapshot);
  if (name !== undefined) return withinRegion(resolveModel(name, caller, snapshot), place, caller);
  return planForId(place, caller, snapshot);
}

function planForId(place: NativePlace, caller: Caller, snapshot: Snapshot): Plan {
  const inner = unwrapped(place.id);
  // An ARN inside an ARN would be used in a region that has not been checked.
  const id = inner.startsWith("arn:") ? place.id : inner;
  const allowed = caller.native?.ids.some((glob) => matchesGlob(glob, id)) === true;
  const provider = allowed ? chooseProvider(place, caller, snapshot) : undefined;
  if (provider === undefined) throw notFound(id);
  const reason = caller.dataResidency &&
    leavesResidency(caller.dataResidency, { id, region: provider.region });
  if (reason !== undefined) throw new AditError("permission_denied", `refused by data_residency: ${reason}`);
  return {
    name: id,
    targets: [attributed({ provider, modelId: id, settings: undefined }, caller)],
    routing: DIRECT,
    passedOver: [],
  };
}

/** The plan for the configured model that replaces that of a native request. */
export function resolveNativeInstead(
  place: NativePlace,
  instead: string,
  { caller, snapshot }: Requested,
): Plan {
  return withinRegion(resolveModel(instead, caller, snapshot), place, caller);
}

/**
 * The plan without targets that a native request must not reach: if the model is served in the region that the ARN or
 * path names, those elsewhere; otherwise those outside the regions of the caller's `native`.
 */
function withinRegion(plan: Plan, { id, pathRegion }: NativePlace, { native }: Caller): Plan {
  if (plan.targets.length === 1) return plan;
  const named = regionOfArn(id) ?? pathRegion;
  const isServedThere = plan.targets.some(({ provider: { region } }) => region === named);
  return narrowed(plan, ({ provider: { region } }) => {
    if (isServedThere) return region === named ? undefined : `outside ${named}, the region of the request`;
    return native === undefined || native.regions.has(region)
      ? undefined
      : "outside the caller's native regions";
  });
}

/** The plan for a native request for a region, or for a resource in it that is not a model. */
export function resolveRegion(place: NativePlace, caller: Caller, snapshot: Snapshot): Plan {
  const provider = chooseProvider(place, caller, snapshot);
  if (provider === undefined) {
    throw new AditError(
      "model_not_found",
      "this key is not allowed to use Bedrock's native API in this region",
    );
  }
  return {
    name: place.id,
    targets: [attributed({ provider, modelId: "", settings: undefined }, caller)],
    routing: DIRECT,
    passedOver: [],
  };
}

function chooseProvider(place: NativePlace, { native }: Caller, snapshot: Snapshot): Provider | undefined {
  if (native === undefined) return undefined;
  const { region } = chooseRegion(place, native);
  return native.regions.has(region) ? snapshot.providersByRegion.get(region) : undefined;
}

/** The account in the ARNs of this gateway's list of inference profiles. */
export const OWN_ACCOUNT = "000000000000";

const OWN_PROFILE = new RegExp(`^arn:[^:]+:bedrock:[^:]+:${OWN_ACCOUNT}:inference-profile/(.+)$`);
const FOUNDATION_MODEL = /^arn:[^:]+:bedrock:[^:]+::foundation-model\/(.+)$/;

/** The id in an ARN from this gateway's list. */
function unwrapped(id: string): string {
  return OWN_PROFILE.exec(id)?.[1] ?? id;
}

/** The name of the configured model for an id: a name, or an ARN in a region that serves the model. */
function configuredName(id: string, caller: Caller, snapshot: Snapshot): string | undefined {
  if (!id.startsWith("arn:")) return modelFor(id, caller, snapshot)?.name;
  const name = FOUNDATION_MODEL.exec(id)?.[1] ?? unwrapped(id);
  const model = modelFor(name, caller, snapshot);
  const region = regionOfArn(id);
  return model?.targets.some(({ provider }) => provider.region === region) ? model.name : undefined;
}

/** The region of an ARN; undefined for a plain id. */
function regionOfArn(id: string): string | undefined {
  return id.startsWith("arn:") ? id.split(":", 4)[3] ?? "" : undefined;
}

function notFound(name: string): AditError {
  // Sent by the caller, so its length is limited in logs and responses.
  const shown = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  return new AditError(
    "model_not_found",
    `the model ${JSON.stringify(shown)} does not exist or this key is not allowed to use it`,
    { requestedModel: shown },
  );
}
