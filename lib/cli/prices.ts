/** `adit prices`: shows the prices of models, or converts another table of prices to rows for `prices.file`. */

import { existsSync } from "node:fs";

import { matchesGlob } from "../base/glob.ts";
import { findConfig } from "./config_path.ts";
import { readLargeFile, readText } from "../config/file/files.ts";
import { awsPrices } from "../facts/price_import/aws_prices.ts";
import { litellmPrices } from "../facts/price_import/litellm_prices.ts";
import type { ImportedPrices } from "../facts/price_import/row_groups.ts";
import { priceTableText } from "../facts/price_table_text.ts";
import { builtInPrices, namedBy, type PriceRow } from "../facts/price_table.ts";
import type { CliIo } from "./io.ts";
import { loadOrReport } from "./loaded.ts";
import { parseOptions, wrongUsage } from "./options.ts";
import { priceOrigin, priceText } from "../facts/price_text.ts";
import { counted } from "./text_table.ts";

/** Runs `adit prices`; returns the exit code: 0, 1 if there is no price or a file cannot be read, 2 for wrong usage. */
export async function prices(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("prices", args, io);
  if (typeof options === "number") return options;
  const [pattern] = options.positionals;
  const { litellm, aws } = options;
  if (litellm !== undefined || aws !== undefined) {
    if (litellm !== undefined && aws !== undefined) {
      return wrongUsage("prices", "Cannot combine --litellm with --aws", io);
    }
    if (pattern !== undefined) {
      return wrongUsage("prices", "Cannot combine MODEL with --litellm or --aws", io);
    }
    return litellm === undefined
      ? await importPrices(aws ?? "", AWS, io)
      : await importPrices(litellm, LITELLM, io);
  }
  const rows = await rowsOf(options, io);
  if (rows === undefined) return 1;
  const shown = rows.flatMap((row) => {
    const id = pattern === undefined ? row.ids[0] : row.ids.find((each) => isMeant(each, pattern));
    return id === undefined ? [] : [{ row, origin: priceOrigin(namedBy(row, id)) }];
  });
  for (const { row, origin } of shown) io.out(`${row.ids.join(", ")}\n  ${priceText(row)}\n  ${origin}\n`);
  if (shown.length > 0) return 0;
  io.err(`No price for ${JSON.stringify(pattern ?? "")}\n`);
  return 1;
}

/** The built-in rows, after those of the configuration; without one at the default paths, only the built-in rows. */
async function rowsOf(
  { config }: { readonly config?: string },
  io: CliIo,
): Promise<readonly PriceRow[] | undefined> {
  const isOptional = config === undefined && (io.env["ADIT_CONFIG"] ?? "") === "";
  if (isOptional && !existsSync(findConfig(undefined, io.env))) return builtInPrices();
  const loaded = await loadOrReport(config, io);
  return loaded === undefined ? undefined : [...loaded.tables.prices, ...builtInPrices()];
}

/** Without a wildcard, the pattern may be any part of the id. */
function isMeant(id: string, pattern: string): boolean {
  return matchesGlob(pattern.includes("*") ? pattern : `*${pattern}*`, id) || matchesGlob(id, pattern);
}

/** A foreign format of prices. */
interface PriceFormat {
  /** Completes "expected …". */
  readonly expected: string;
  readonly convert: (file: Readonly<Record<string, unknown>>) => ImportedPrices;
}

const LITELLM: PriceFormat = { expected: "LiteLLM's price file, a JSON object", convert: litellmPrices };

const AWS: PriceFormat = {
  expected: "an offer index file of AWS's price list, a JSON object with products and terms",
  convert: (file) =>
    awsPrices(file, {
      knownIds: builtInPrices().flatMap(({ ids }) => ids),
      longContextOf: (id) =>
        builtInPrices().find(({ ids, over }) => over.length > 0 && ids.includes(id))?.over.at(-1)
          ?.inputTokens,
    }),
};

async function importPrices(path: string, { expected, convert }: PriceFormat, io: CliIo): Promise<number> {
  const text = await readText(path, readLargeFile);
  if (!text.ok) {
    io.err(`Cannot read ${JSON.stringify(path)}: ${text.reason}\n`);
    return 1;
  }
  const file = parsedObject(text.text);
  if (file === undefined) {
    io.err(`Cannot import ${JSON.stringify(path)}: expected ${expected}\n`);
    return 1;
  }
  const { rows, unmapped } = convert(file);
  for (const each of unmapped) io.err(`${each} (not imported)\n`);
  io.out(priceTableText(rows));
  io.err(`${counted(rows.length, "row")}; ${counted(unmapped.length, "price")} could not be imported\n`);
  return rows.length === 0 ? 1 : 0;
}

function parsedObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
