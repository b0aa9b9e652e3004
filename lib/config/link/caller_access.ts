/** Callers' lists of models and model ids: each is checked, and equal lists are stored once. */

import { globPrefix, isGlob, matchesGlob } from "../../base/glob.ts";
import type { Path } from "../../base/problems.ts";
import { GEOGRAPHIES, leavesResidency } from "../../facts/geography.ts";
import { modelAccess } from "../../snapshot/access.ts";
import type { Model, ModelAccess, NativeAccess } from "../../snapshot/snapshot.ts";
import { KNOWN_REGIONS } from "../schema/regions.ts";
import type { CallerConfig } from "../schema/config_file.ts";
import type { LinkContext } from "./context.ts";

export interface AccessTargets {
  readonly context: LinkContext;
  readonly models: ReadonlyMap<string, Model>;
  /** Regions that have a provider. */
  readonly regions: readonly string[];
}

/**
 * Links the lists of all callers. Many callers have the same few lists, so equal lists become one object, and each glob is
 * matched once. Otherwise, memory and time would grow with callers times models.
 */
export class AccessLinker {
  readonly #targets: AccessTargets;
  /** Sorted names of the models, including those with problems. */
  readonly #names: readonly string[];
  /** By glob: whether it matches a model. */
  readonly #matched = new Map<string, boolean>();
  readonly #models = new Map<string, ModelAccess>();
  readonly #native = new Map<string, NativeAccess>();

  constructor(targets: AccessTargets) {
    this.#targets = targets;
    this.#names = targets.context.namesIn("models").toSorted();
  }

  /** Access to configured models. An unknown name is a problem; a glob without matches is a warning. */
  models(path: Path, list: readonly string[]): ModelAccess {
    const { context, models } = this.#targets;
    for (const [index, each] of list.entries()) {
      const place = [...path, index];
      if (!isGlob(each)) context.find(place, each, { section: "models", entries: models });
      else if (!this.#matchesModel(each)) {
        context.warn(place, `the glob ${context.shown(place, each, [])} matches no model`);
      }
    }
    return shared(this.#models, list, () => modelAccess(list));
  }

  /** Access to model ids; a region without a provider is a problem. */
  native(path: Path, entry: CallerConfig["native"]): NativeAccess | undefined {
    if (entry === undefined) return undefined;
    const { context, regions: known } = this.#targets;
    const isList = Array.isArray(entry);
    const regions = isList ? entry : entry.regions;
    const ids = isList ? ["*"] : entry.ids;
    for (const [index, region] of regions.entries()) {
      const place = isList ? [...path, index] : [...path, "regions", index];
      // The region of a provider that was cut is unknown here.
      if (known.includes(region) || context.isCut(["providers"])) continue;
      context.fail(place, `no provider has region ${context.shown(place, region, known)}`);
    }
    return shared(this.#native, [regions, ids], () => ({ regions: new Set(regions), ids }));
  }

  /** Reports each model that is listed by name and has no target that stays within the geographies. */
  checkResidency(path: Path, list: readonly string[], allowed: readonly string[]): void {
    const { context, models } = this.#targets;
    for (const [index, each] of list.entries()) {
      const reasons = models.get(each)?.targets.map(({ id, provider: { region } }) =>
        leavesResidency(allowed, { id, region })
      );
      if (reasons === undefined || reasons.includes(undefined)) continue;
      context.fail([...path, index], `refused by data_residency: ${reasons[0]}`);
    }
  }

  /** Also true if there are no models, because then the glob is not the mistake. */
  #matchesModel(glob: string): boolean {
    let matches = this.#matched.get(glob);
    if (matches === undefined) {
      matches = this.#names.length === 0 || matchesAny(glob, this.#names);
      this.#matched.set(glob, matches);
    }
    return matches;
  }
}

/** Reports names that are neither a geography of inference profiles nor a known region. */
export function checkGeographies(path: Path, names: readonly string[], context: LinkContext): void {
  const known = [...GEOGRAPHIES, ...KNOWN_REGIONS];
  for (const [index, name] of names.entries()) {
    if (known.includes(name)) continue;
    context.fail([...path, index], `unknown geography ${context.shown([...path, index], name, known)}`);
  }
}

/** Whether the glob matches one of the sorted names; only names with its prefix are checked. */
function matchesAny(glob: string, sorted: readonly string[]): boolean {
  const prefix = globPrefix(glob);
  for (let at = firstFrom(prefix, sorted); at < sorted.length; at++) {
    const name = sorted[at] ?? "";
    if (!name.startsWith(prefix)) return false;
    if (matchesGlob(glob, name)) return true;
  }
  return false;
}

/** Index of the first text that does not sort before `text`. */
function firstFrom(text: string, sorted: readonly string[]): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] ?? "") < text) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The existing value for equal parts, or a new one. */
function shared<Value>(known: Map<string, Value>, parts: unknown, make: () => Value): Value {
  const key = JSON.stringify(parts);
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}
