/** Models, and the routes to them. */

import { leavesResidency } from "../../facts/geography.ts";
import { foundationModelId } from "../../facts/model_id.ts";
import { checkGeographies } from "./caller_access.ts";
import { formatPath, type Path, quote } from "../../base/problems.ts";
import type { LinkContext } from "./context.ts";
import type { ModelConfig } from "../schema/config_file.ts";
import { type LinkedTarget, linkTargets, type TargetSources } from "./targets.ts";
import { type Model, type ModelTarget, OWN_APIS, type Route, type Routing } from "../../snapshot/snapshot.ts";

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

/** Other paths of the gateway, which a configured route replaces; a test compares them, too. */
export const YIELDING_PATHS: ReadonlySet<string> = new Set([
  "/openai/v1/chat/completions",
  "/openai/v1/embeddings",
  "/openai/v1/models",
  "/openai/v1/responses",
  "/openai/v1/responses/input_tokens",
  "/rerank",
  "/v2/embed",
  "/v2/rerank",
]);

/** All models with their targets resolved; a model without a valid target is dropped. */
export function linkModels(
  entries: ReadonlyMap<string, ModelConfig>,
  sources: TargetSources,
): ReadonlyMap<string, Model> {
  const own = new Map([...entries].map(([name, entry]) => [name, linkTargets(name, entry, sources)]));
  const expander = new Expander(own, sources.context);
  const models = new Map<string, Model>();
  for (const [name, entry] of entries) {
    checkMetadata(["models", name], entry, sources.context);
    const [first, ...others] = expander.targetsOf(name);
    if (first === undefined) continue;
    const targets: Model["targets"] = [first, ...others];
    checkTargets(["models", name], targets, sources.context);
    checkResidency(["models", name], entry.data_residency, targets, sources.context);
    models.set(name, { name, targets, routing: routingOf(entry, targets.length) });
  }
  return models;
}

function checkMetadata(path: Path, { metadata }: ModelConfig, context: LinkContext): void {
  const entries = Object.keys(metadata).length;
  if (entries > MAX_METADATA) {
    context.fail([...path, "metadata"], `expected at most ${MAX_METADATA} entries, found ${entries}`);
  }
}

/** Maximum number of targets of a model, including those of other models. */
const MAX_TARGETS = 64;

/** Replaces references to other models with their targets. */
class Expander {
  readonly #own: ReadonlyMap<string, readonly LinkedTarget[]>;
  readonly #context: LinkContext;
  readonly #known = new Map<string, readonly ModelTarget[]>();
  /** Position in the file, by name. */
  readonly #positions: ReadonlyMap<string, number>;

  constructor(own: ReadonlyMap<string, readonly LinkedTarget[]>, context: LinkContext) {
    this.#own = own;
    this.#context = context;
    this.#positions = new Map([...own.keys()].map((name, index) => [name, index]));
  }

  /** The targets of a model; `trail` is the chain of models that led to it. */
  targetsOf(name: string, trail: readonly string[] = []): readonly ModelTarget[] {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const ranked = (this.#own.get(name) ?? []).flatMap((target) => this.#ranked(target, [...trail, name]));
    if (ranked.length > MAX_TARGETS) {
      this.#context.fail(
        ["models", name],
        `a model may have at most ${MAX_TARGETS} targets, including those of other models`,
      );
    }
    // Priorities inside a referenced model only order its own targets.
    const ranks = [...new Set(ranked.map(({ rank }) => String(rank)))]
      .sort((a, b) => compareRanks(a.split(",").map(Number), b.split(",").map(Number)));
    const targets = ranked.slice(0, MAX_TARGETS)
      .map(({ target, rank }) => ({ ...target, priority: ranks.indexOf(String(rank)) }));
    this.#known.set(name, targets);
    return targets;
  }

  #ranked(linked: LinkedTarget, trail: readonly string[]): readonly Ranked[] {
    if (!("other" in linked)) return [{ target: linked, rank: [linked.priority, 0] }];
    const { other, path, entry: { priority, weight }, guardrail } = linked;
    if (trail.includes(other)) {
      this.#reportLoop([...path, "model"], [...trail.slice(trail.indexOf(other)), other]);
      return [];
    }
    if (
      this.#context.find([...path, "model"], other, { section: "models", entries: this.#own }) === undefined
    ) {
      return [];
    }
    return this.targetsOf(other, trail).map((inner) => {
      const mantle = OWN_APIS.find((api) => inner.ownApis?.[api] === "mantle");
      if (guardrail !== undefined && mantle !== undefined) {
        this.#context.fail(
          [...path, "model"],
          `${
            quote(other)
          } has ${mantle}: mantle, an endpoint without guardrails, and this model has a guardrail`,
        );
      }
      const target = {
        ...inner,
        name: `${other}/${inner.name}`,
        weight: inner.weight * weight,
        guardrail: inner.guardrail ?? guardrail,
      };
      return { target, rank: [priority, inner.priority] };
    });
  }

  /** Reports a loop once: where it leads back to the one of its models that comes first in the file. */
  #reportLoop(path: Path, loop: readonly string[]): void {
    const position = (name: string | undefined) => this.#positions.get(name ?? "") ?? 0;
    if (loop.every((name) => position(name) >= position(loop[0]))) {
      this.#context.fail(path, `loop: ${loop.join(" -> ")}`);
    }
  }
}

interface Ranked {
  readonly target: ModelTarget;
  readonly rank: readonly [priority: number, within: number];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  return (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0);
}

/** Reports targets with the same name, and targets that are never used. */
function checkTargets(path: Path, targets: Model["targets"], context: LinkContext): void {
  const [first] = targets;
  for (const [index, target] of targets.entries()) {
    const earlier = targets.slice(0, index);
    const place = target.path.length > 2 && target.path[1] === path[1] ? target.path : path;
    // Targets of another model with the same name are reported for that model.
    const isInherited = place === path;
    if (!isInherited && earlier.some(({ name }) => name === target.name)) {
      context.fail(place, `duplicate target name ${quote(target.name)}; set name on one of the targets`);
    }
    for (const api of OWN_APIS) {
      if ((first.ownApis?.[api] === undefined) === (target.ownApis?.[api] === undefined)) continue;
      context.fail([...place, api], "requests must be passed on to all targets of a model, or to none");
    }
    const same = earlier.find(({ provider, id }) => provider === target.provider && id === target.id);
    if (same !== undefined && !(isInherited && sameModel(same, target))) {
      context.warn(place, `never used: target ${quote(same.name)} has the same provider and id`);
    }
    if (first.traits.embeddings !== "none" && foundationOf(target) !== foundationOf(first)) {
      context.warn(
        place,
        `target ${quote(target.name)} is never used for embeddings: ${quote(first.name)} is another model`,
      );
    }
    if (targets.length > 1 && isSignedByCaller(target)) {
      context.warn(
        place,
        "requests that callers sign for AWS never fail over; use a separate model for this provider",
      );
    }
  }
}

/** Reports targets, also those of other models, that may leave the model's geographies. */
function checkResidency(
  path: Path,
  allowed: readonly string[] | undefined,
  targets: Model["targets"],
  context: LinkContext,
): void {
  checkGeographies([...path, "data_residency"], allowed ?? [], context);
  for (const { path: place, id, provider: { region } } of allowed === undefined ? [] : targets) {
    const reason = leavesResidency(allowed ?? [], { id, region });
    if (reason === undefined) continue;
    const isOwn = path.every((step, index) => step === place[index]);
    if (isOwn) context.fail([...place, "id"], `refused by data_residency: ${reason}`);
    else {
      const target = formatPath(place);
      context.fail([...path, "data_residency"], `refused by data_residency: for ${target}, ${reason}`);
    }
  }
}

/** The id of a target's foundation model, without the geography of a profile. */
function foundationOf({ id, baseModel }: ModelTarget): string {
  return foundationModelId(baseModel ?? id);
}

/** Whether both are targets of one other model. */
function sameModel(a: ModelTarget, b: ModelTarget): boolean {
  return a.path[1] === b.path[1];
}

function isSignedByCaller({ provider }: ModelTarget): boolean {
  return provider.kind === "bedrock" && provider.credentials.kind === "caller";
}

function routingOf(entry: ModelConfig, targets: number): Routing {
  const { retry, health } = entry;
  return {
    pick: entry.pick,
    affinity: entry.affinity?.by ?? [],
    retry: {
      attempts: retry.attempts ?? (targets > 1 ? 3 : 1),
      share: retry.budget,
      backoffMs: retry.backoff,
      backoffMaxMs: retry.backoff_max,
      retryAfterMaxMs: retry.retry_after_max,
    },
    health: { failures: health.failures, coolMs: health.cool, coolMaxMs: health.cool_max },
    firstTokenMs: entry.first_token,
    commitWithinMs: entry.commit_within,
    afterClientLeft: entry.after_client_left,
  };
}

/** The model of a configured path; undefined if invalid. The gateway's own paths are refused. */
export function linkRoute(
  path: string,
  modelName: string,
  { context, models }: { readonly context: LinkContext; readonly models: ReadonlyMap<string, Model> },
): Route | undefined {
  const [, segment = ""] = path.split("/");
  // `/bedrock` itself is free: only the paths below it are the gateway's.
  if (OWN_SEGMENTS.has(segment) || /^\/bedrock\/./.test(path)) {
    context.failName(["routes", path], "this path is reserved for the gateway");
  }
  if (YIELDING_PATHS.has(path)) {
    context.warn(["routes", path], "this route replaces the gateway's own API at this path");
  }
  const model = context.find(["routes", path, "model"], modelName, { section: "models", entries: models });
  return model && { path, model };
}
