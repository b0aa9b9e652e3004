/** Reads the data files that the configuration names, checks them, and merges them over the built-in tables. */

import { dirname, isAbsolute, join } from "node:path";
import type { z } from "zod";

import { type BetaTable, builtInBetaTable, compileBetaTable } from "../../facts/beta_table.ts";
import { builtInModelTable, compileModelTable, type ModelTable } from "../../facts/model_table.ts";
import { betaTable } from "../schema/beta_keys.ts";
import { checkValues } from "../schema/check_values.ts";
import { ConfigDocument } from "../file/document.ts";
import { compilePrices, type PriceRow, type WrittenPrice } from "../../facts/price_table.ts";
import { pricesFile } from "../schema/price_keys.ts";
import type { Outside } from "../file/interpolate.ts";
import type { SourceMap } from "../file/source_map.ts";
import { type Path, type Problem, quotePath } from "../../base/problems.ts";
import { resolveValues } from "../file/plain_values.ts";
import type { Config } from "../schema/config_file.ts";
import { modelRows } from "../schema/trait_keys.ts";

/** The built-in tables with the files merged over them. */
export interface DataTables {
  readonly models: ModelTable;
  readonly betaFlags: BetaTable;
  /** The rows of the price file, which override the built-in ones. */
  readonly prices: readonly PriceRow[];
}

export interface LoadedData {
  /** Without the entries that have problems. */
  readonly tables: DataTables;
  readonly problems: readonly Problem[];
}

export interface DataOptions {
  /** The configuration that names the files. */
  readonly sourceMap: SourceMap;
  readonly outside: Outside;
}

/** Loads the tables; a file adds to the built-in table and overrides it. */
export async function loadData({ data, prices }: Config, options: DataOptions): Promise<LoadedData> {
  const problems: Problem[] = [];
  const read = <Schema extends z.ZodType>(key: keyof Config["data"], schema: Schema) =>
    readTable(["data", key], data[key], { ...options, schema, problems });
  const rows = await read("models", modelRows);
  const betas = await read("beta_flags", betaTable);
  const models = [...builtInModelTable(), ...compileModelTable(rows ?? [], "data_file")];
  const betaFlags = betas === undefined ? builtInBetaTable() : compileBetaTable(betas, builtInBetaTable());
  const priced = await readTable(["prices", "file"], prices.file, {
    ...options,
    schema: pricesFile,
    problems,
  });
  const written: readonly WrittenPrice[] = priced === undefined || "length" in priced
    ? priced ?? []
    : priced.rows;
  return { tables: { models, betaFlags, prices: compilePrices(written, "prices_file") }, problems };
}

interface TableOptions<Schema extends z.ZodType> extends DataOptions {
  readonly schema: Schema;
  /** Receives the problems in the file or with reading it. */
  readonly problems: Problem[];
}

/** The valid part of the file that the key at the path names, if it is set. */
async function readTable<Schema extends z.ZodType>(
  key: Path,
  path: string | undefined,
  { sourceMap, outside, schema, problems }: TableOptions<Schema>,
): Promise<z.output<Schema> | undefined> {
  if (path === undefined) return undefined;
  // The value of a reference is not shown.
  const reference = sourceMap.referenceAt(key);
  const read = await outside.readText(path);
  if (!read.ok) {
    const file = reference === undefined ? `file ${quotePath(path)}` : `the file named by ${reference}`;
    problems.push(sourceMap.problem(key, `cannot read ${file}: ${read.reason}`));
    return undefined;
  }
  const shownPath = isAbsolute(path) ? path : join(dirname(sourceMap.file), path);
  const table = new ConfigDocument(reference ?? shownPath, read.text);
  problems.push(...table.syntaxProblems);
  if (table.syntaxProblems.length > 0) return undefined;
  const resolved = await resolveValues(table, outside);
  const checked = checkValues(resolved.value, { schema, sourceMap: table });
  problems.push(...resolved.problems, ...checked.problems);
  return checked.sound;
}
