/** Where the settings of a model's target are written. */

import type { Path } from "../base/problems.ts";
import type { ModelTarget } from "../snapshot/snapshot.ts";

/** The places of a setting, the decisive one first: the target's entry, then that of its model if it has several. */
export function settingPaths({ path }: Pick<ModelTarget, "path">, ...keys: Path): readonly Path[] {
  const [section = "models", model = "", ...inList] = path;
  return inList.length === 0 ? [[...path, ...keys]] : [[...path, ...keys], [section, model, ...keys]];
}
