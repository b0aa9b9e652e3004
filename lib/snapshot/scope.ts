/** Whether a rule's scope includes a request. */

import { matchesGlob } from "../base/glob.ts";
import { foundationModelId } from "../facts/model_id.ts";
import type { Scope } from "./limits.ts";
import type { Plan } from "./plan.ts";
import type { Caller, Model } from "./snapshot.ts";

/** Whether the scope includes the caller, for some model. */
export function includesCaller(
  { callers, teams, tags }: Scope,
  caller: Pick<Caller, "name" | "team" | "tags">,
): boolean {
  return matchesAny(callers, caller.name) &&
    (teams === undefined || (caller.team !== undefined && matchesAny(teams, caller.team))) &&
    Object.entries(tags).every(([tag, values]) => {
      const value = Object.hasOwn(caller.tags, tag) ? caller.tags[tag] : undefined;
      return value !== undefined && matchesAny(values, value);
    });
}

/** Whether the scope includes a model with one of the names, for some caller. */
export function includesModel({ models }: Scope, names: readonly string[]): boolean {
  return models === undefined || names.some((name) => matchesAny(models, name));
}

function matchesAny(globs: readonly string[] | undefined, text: string): boolean {
  return globs === undefined || globs.some((glob) => matchesGlob(glob, text));
}

/** The scope in words, such as `team search; models claude, nova-*`; empty if it includes all requests. */
export function scopeText({ callers, teams, models, tags }: Scope): string {
  const part = (noun: string, list: readonly string[] | undefined) =>
    list === undefined ? [] : [`${list.length === 1 ? noun : `${noun}s`} ${list.join(", ")}`];
  return [
    ...part("caller", callers),
    ...part("team", teams),
    ...part("model", models),
    ...Object.entries(tags).map(([tag, values]) => `${tag} ${values.join(", ")}`),
  ].join("; ");
}

/** The names by which rules know the model of a request. */
export interface ModelNames {
  /** A configured name; undefined for an id that no configured model has. */
  readonly subject: string | undefined;
  /** The names that globs of rules are matched against. */
  readonly names: readonly string[];
}

/** Finds the configured models with an id, so that nobody evades a rule for a model by using its id. */
export class ModelIndex {
  readonly #models: ReadonlyMap<string, Model>;
  /** Names by the id of the underlying model; built on demand. */
  #byId: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(models: ReadonlyMap<string, Model>) {
    this.#models = models;
  }

  /** The names of a plan's model. */
  namesOf({ name, targets: [{ settings, modelId }] }: Plan): ModelNames {
    return settings === undefined ? this.#namesOfId(modelId) : { subject: name, names: [name] };
  }

  /** The names of a model, given a configured name or the id that a client has sent. */
  namesOfText(text: string): ModelNames {
    return this.#models.has(text) ? { subject: text, names: [text] } : this.#namesOfId(text);
  }

  #namesOfId(modelId: string): ModelNames {
    this.#byId ??= namesById(this.#models);
    const configured = this.#byId.get(foundationModelId(modelId)) ?? [];
    return { subject: configured[0], names: [...configured, modelId] };
  }
}

function namesById(models: ReadonlyMap<string, Model>): ReadonlyMap<string, readonly string[]> {
  const byId = new Map<string, string[]>();
  for (const { name, targets } of models.values()) {
    for (const id of new Set(targets.map(({ baseModel, id }) => foundationModelId(baseModel ?? id)))) {
      const names = byId.get(id);
      if (names === undefined) byId.set(id, [name]);
      else names.push(name);
    }
  }
  return byId;
}
