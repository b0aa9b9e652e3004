/** The table of models in `config/data/models.yaml`, and the lookup of a model's traits by its id. */

import { matchesGlob } from "../base/glob.ts";
import tables from "./built_in.json" with { type: "json" };
import { foundationModelId } from "./model_id.ts";
import { BARE_TRAITS, compileTraits, type ModelTraits, type WrittenTraits } from "./traits.ts";

/** Rows in order; each row that matches a model sets some of its traits. */
export type ModelTable = readonly ModelRow[];

interface ModelRow {
  /** Globs over model ids; one match is enough. */
  readonly ids: readonly string[];
  readonly traits: Partial<ModelTraits>;
  readonly source: RowSource;
}

/** Whether a row is built in or from the file that `data.models` names. */
export type RowSource = "built_in" | "data_file";

/** The row that sets a trait of a model. */
export interface TraitRow {
  /** The pattern that matches the model. */
  readonly pattern: string;
  readonly source: RowSource;
}

/** A row in the form of its file. */
export interface WrittenRow extends WrittenTraits {
  /** Globs over model ids without their geography. */
  readonly match: string | readonly string[];
}

/** Compiled rows, in the same order. */
export function compileModelTable(rows: readonly WrittenRow[], source: RowSource): ModelTable {
  return rows.map(({ match, ...traits }) => ({
    ids: [match].flat(),
    traits: compileTraits(traits),
    source,
  }));
}

let builtIn: ModelTable | undefined;

/** The built-in table, compiled on first use. It is not checked at start, because a test does that. */
export function builtInModelTable(): ModelTable {
  return builtIn ??= compileModelTable(tables.models as readonly WrittenRow[], "built_in");
}

/**
 * The traits of a model by its id, the id of its inference profile, or an ARN that contains one of them. For an ARN that
 * does not (an application inference profile, provisioned throughput), pass the id of the underlying model.
 */
export function traitsOf(modelId: string, table: ModelTable): ModelTraits {
  const id = tableId(modelId);
  return table
    .filter((row) => row.ids.some((glob) => matchesGlob(glob, id)))
    .reduce<ModelTraits>((traits, row) => ({ ...traits, ...row.traits }), BARE_TRAITS);
}

/** The row that sets each of the model's traits; traits that no row sets are absent. */
export function traitRows(modelId: string, table: ModelTable): ReadonlyMap<string, TraitRow> {
  const id = tableId(modelId);
  const rows = new Map<string, TraitRow>();
  for (const { ids, traits, source } of table) {
    const pattern = ids.find((glob) => matchesGlob(glob, id));
    if (pattern === undefined) continue;
    for (const property of Object.keys(traits)) rows.set(property, { pattern, source });
  }
  return rows;
}

/** The id that rows match: without geography; the ARN of a custom model contains the id of its base model. */
export function tableId(modelId: string): string {
  return foundationModelId(/:custom-model\/([^/]+)\//.exec(modelId)?.[1] ?? modelId);
}
