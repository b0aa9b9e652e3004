/** The traits of a model's target for `adit explain`: each with its value and where that comes from. */

import { originOf } from "../../config/effective.ts";
import type { SourceMap } from "../../config/file/source_map.ts";
import { type LessonName, lessonTraits } from "../../facts/optional_members.ts";
import { type ModelTable, type TraitRow, traitRows } from "../../facts/model_table.ts";
import { type ModelTraits, TRAIT_PROPERTIES } from "../../facts/traits.ts";
import { formatPath } from "../../base/problems.ts";
import { REDACTED } from "../../base/secret.ts";
import type { ModelTarget } from "../../snapshot/snapshot.ts";
import type { Fact } from "./fact.ts";

export interface TraitFactsOptions {
  readonly table: ModelTable;
  readonly sourceMap: SourceMap;
  /** What the running gateway has learned about the model. */
  readonly lessons: readonly LessonName[];
}

interface Line {
  readonly name: string;
  readonly value: string;
  readonly origin: string;
}

/** One line for each trait, and one for each effort: name, value and origin in columns. */
export function traitFacts(
  target: ModelTarget,
  { table, sourceMap, lessons }: TraitFactsOptions,
): readonly Fact[] {
  const learned = lessonTraits(lessons, target.traits);
  const rows = traitRows(target.baseModel ?? target.id, table);
  const written = Object.entries(TRAIT_PROPERTIES);
  const lines = written.flatMap(([name, property]): readonly Line[] => {
    const path = [...target.path, "traits", name];
    const origin = property in learned
      ? "learned by the running gateway"
      : sourceMap.placeOf(path) === undefined
      ? rowOrigin(rows.get(property))
      : `${formatPath(path.slice(0, -1))} (${originOf(path, sourceMap)})`;
    const values = sourceMap.readsSecretAt(path)
      ? [{ name, value: REDACTED }]
      : linesOf(name, { ...target.traits, ...learned }[property]);
    return values.map((line) => ({ ...line, origin }));
  });
  const nameWidth = Math.max(...lines.map(({ name }) => name.length));
  const valueWidth = Math.min(VALUE_WIDTH, Math.max(...lines.map(({ value }) => value.length)));
  return lines.map(({ name, value, origin }, index) => ({
    topic: index === 0 ? "traits" : "",
    text: `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${origin}`,
  }));
}

/** Values longer than this push their origin to the right. */
const VALUE_WIDTH = 32;

function rowOrigin(row: TraitRow | undefined): string {
  if (row === undefined) return "default";
  switch (row.source) {
    case "built_in":
      return `row ${row.pattern}`;
    case "data_file":
      return `row ${row.pattern} of data.models`;
  }
}

function linesOf(name: string, value: ModelTraits[keyof ModelTraits]): readonly Omit<Line, "origin">[] {
  if (value === undefined) return [{ name, value: "unknown" }];
  if (value instanceof Map) {
    if (value.size === 0) return [{ name, value: "{}" }];
    return [...value].map(([key, fields]) => ({ name: `${name}.${key}`, value: JSON.stringify(fields) }));
  }
  if (value instanceof Set || Array.isArray(value)) return [{ name, value: `[${[...value].join(", ")}]` }];
  return [{ name, value: typeof value === "object" || value === "" ? JSON.stringify(value) : String(value) }];
}
