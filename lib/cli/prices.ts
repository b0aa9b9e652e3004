/** `adit prices`: shows what models cost, or converts another table of prices to rows for `prices.file`. */

import { matchesGlob } from "../base/glob.ts";
import { findConfig } from "./config_path.ts";
import { readText } from "../config/file/files.ts";
import { litellmPrices } from "../facts/litellm_prices.ts";
import { priceTableText } from "../facts/price_table_text.ts";
import { builtInPrices, type PriceRow } from "../facts/price_table.ts";
import type { CliIo } from "./io.ts";
import { loadOrReport } from "./loaded.ts";
import { parseOptions } from "./options.ts";
import { priceOrigin, priceText } from "../facts/price_text.ts";

/** Runs `adit prices`; returns the exit code: 0, 1 if nothing was found or could be read, 2 for wrong usage. */
export async function prices(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("prices", args, io);
  if (typeof options === "number") return options;
  if (options.litellm !== undefined) return await importLitellmPrices(options.litellm, io);
  const rows = await rowsOf(options, io);
  if (rows === undefined) return 1;
  const [pattern] = options.positionals;
  const shown = rows.filter(({ ids }) => pattern === undefined || ids.some((id) => isMeant(id, pattern)));
  for (const row of shown) io.out(`${row.ids.join(", ")}\n  ${priceText(row)}\n  ${priceOrigin(row)}\n`);
  if (shown.length > 0) return 0;
  io.err(`No price for ${JSON.stringify(pattern ?? "")}\n`);
  return 1;
}

/** The built-in rows, after those of the configuration if there is one. */
async function rowsOf(
  { config }: { readonly config?: string },
  io: CliIo,
): Promise<readonly PriceRow[] | undefined> {
  if (config === undefined && !(await readText(findConfig(undefined, io.env))).ok) return builtInPrices();
  const loaded = await loadOrReport(config, io);
  return loaded === undefined ? undefined : [...loaded.tables.prices, ...builtInPrices()];
}

/** A pattern without a wildcard matches anywhere in an id. */
function isMeant(id: string, pattern: string): boolean {
  return matchesGlob(pattern.includes("*") ? pattern : `*${pattern}*`, id) || matchesGlob(id, pattern);
}

async function importLitellmPrices(path: string, io: CliIo): Promise<number> {
  const text = await readText(path);
  if (!text.ok) {
    io.err(`Cannot read ${JSON.stringify(path)}: ${text.reason}\n`);
    return 1;
  }
  let file: unknown;
  try {
    file = JSON.parse(text.text);
  } catch {
    file = undefined;
  }
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    io.err(`Cannot import ${JSON.stringify(path)}: expected LiteLLM's price file, a JSON object\n`);
    return 1;
  }
  const { rows, unmapped } = litellmPrices({ ...file });
  for (const each of unmapped) io.err(`${each} (not imported)\n`);
  io.out(priceTableText(rows));
  io.err(`${rows.length} rows; ${unmapped.length} prices could not be imported\n`);
  return rows.length === 0 ? 1 : 0;
}
