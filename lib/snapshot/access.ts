/** Which of the configured models a caller may use. */

import { isGlob, matchesGlob } from "../base/glob.ts";
import type { Caller, Model, ModelAccess, Snapshot } from "./snapshot.ts";

/** The access defined by a list of names and globs. */
export function modelAccess(list: readonly string[]): ModelAccess {
  return { names: new Set(list.filter((each) => !isGlob(each))), globs: list.filter(isGlob) };
}

/** The configured model with that name, if the caller may use it. */
export function modelFor(name: string, caller: Caller, { models }: Snapshot): Model | undefined {
  const model = models.get(name);
  return model !== undefined && mayUse(caller, name) ? model : undefined;
}

/** All configured models that the caller may use, in file order. */
export function modelsFor(caller: Caller, { models }: Snapshot): readonly Model[] {
  return [...models.values()].filter(({ name }) => mayUse(caller, name));
}

/** Whether a caller may use the model of that name. */
export function mayUse({ models: { names, globs } }: Caller, name: string): boolean {
  if (names.has(name)) return true;
  for (const glob of globs) if (matchesGlob(glob, name)) return true;
  return false;
}
