/** The traits of a model's target, each with its value and origin. */

import { formatPath } from "../base/problems.ts";
import { REDACTED } from "../base/secret.ts";
import { type ModelTable, type TraitRow, traitRows } from "../facts/model_table.ts";
import { type LessonName, lessonTraits } from "../facts/optional_members.ts";
import { type ModelTraits, TRAIT_PROPERTIES } from "../facts/traits.ts";
import type { ModelTarget } from "../snapshot/snapshot.ts";
import { originOf } from "./effective.ts";
import type { SourceMap } from "./file/source_map.ts";
import { settingPaths } from "./setting_paths.ts";

export interface TraitOriginOptions {
  readonly table: ModelTable;
  readonly sourceMap: SourceMap;
  /** Lessons of the running gateway about the model. */
  readonly lessons: readonly LessonName[];
}

/** A trait, or one part of a trait that has several. */
export interface TraitLine {
  readonly name: string;
  readonly value: string;
  /** Such as `row anthropic.claude-*`, `models.fast.traits (adit.yaml:12)` or `default`. */
  readonly origin: string;
}

/** One line for each trait, and one for each effort. */
export function traitLines(
  target: ModelTarget,
  { table, sourceMap, lessons }: TraitOriginOptions,
): readonly TraitLine[] {
  const learned = lessonTraits(lessons, target.traits);
  const rows = traitRows(target.baseModel ?? target.id, table);
  return Object.entries(TRAIT_PROPERTIES).flatMap(([name, property]) => {
    const path = settingPaths(target, "traits", name)
      .find((each) => sourceMap.placeOf(each) !== undefined);
    const origin = property in learned
      ? "learned by the running gateway"
      : path === undefined
      ? rowOrigin(rows.get(property))
      : `${formatPath(path.slice(0, -1))} (${originOf(path, sourceMap)})`;
    const values = path !== undefined && sourceMap.readsSecretAt(path)
      ? [{ name, value: REDACTED }]
      : valuesOf(name, { ...target.traits, ...learned }[property]);
    return values.map((line) => ({ ...line, origin }));
  });
}

function rowOrigin(row: TraitRow | undefined): string {
  if (row === undefined) return "default";
  switch (row.source) {
    case "built_in":
      return `row ${row.pattern}`;
    case "data_file":
      return `row ${row.pattern} of data.models`;
  }
}

function valuesOf(name: string, value: ModelTraits[keyof ModelTraits]): readonly Omit<TraitLine, "origin">[] {
  if (value === undefined) return [{ name, value: "unknown" }];
  if (value instanceof Map) {
    if (value.size === 0) return [{ name, value: "{}" }];
    return [...value].map(([key, fields]) => ({ name: `${name}.${key}`, value: JSON.stringify(fields) }));
  }
  if (value instanceof Set || Array.isArray(value)) return [{ name, value: `[${[...value].join(", ")}]` }];
  return [{ name, value: typeof value === "object" || value === "" ? JSON.stringify(value) : String(value) }];
}
