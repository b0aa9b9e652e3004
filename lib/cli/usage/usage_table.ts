/** `adit usage`: usage and cost from the ledger's file; and `adit usage reprice`. */

import { AditError, messageOf } from "../../base/errors.ts";
import { readLedger } from "../../ledger/file.ts";
import { parseUsageQuery } from "../../ledger/period.ts";
import { queryUsage, type UsageQuery, type UsageResult } from "../../ledger/queries.ts";
import { csvLines, sumMembers, usageRows, usageView } from "../../ledger/views.ts";
import type { CliIo } from "../io.ts";
import { loadOrReport } from "../loaded.ts";
import { parseOptions, wrongUsage } from "../options.ts";
import { textTable } from "../text_table.ts";
import { repriceUsage } from "./usage_reprice.ts";

/** Runs `adit usage`; returns the exit code: 0, 1 if the ledger cannot be read, 2 for wrong usage. */
export async function usage(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("usage", args, io);
  if (typeof options === "number") return options;
  const isReprice = options.positionals[0] === "reprice";
  if (isReprice && options.by !== undefined) {
    return wrongUsage("usage", "--by has no effect with reprice", io);
  }
  const isDryRun = options["dry-run"] === true;
  if (!isReprice && isDryRun) return wrongUsage("usage", "--dry-run has no effect without reprice", io);
  const { by = "caller,model", from, to, tz, caller, team, model } = options;
  const filters = { "filter.caller": caller, "filter.team": team, "filter.model": model };
  const given: Readonly<Record<string, string | undefined>> = { group_by: by, from, to, tz, ...filters };
  let query: UsageQuery;
  try {
    query = parseUsageQuery((name) => given[name], io.clock.now());
  } catch (error) {
    if (!(error instanceof AditError)) throw error;
    // The message begins with the name of the parameter.
    const optionOf = (name: string) => `--${name === "group_by" ? "by" : name}`;
    return wrongUsage("usage", error.message.replace(/^\w+(?=:)/, optionOf), io);
  }
  const loaded = await loadOrReport(options.config, io);
  if (loaded === undefined) return 1;
  const { state } = loaded.snapshot;
  if (state === undefined) {
    io.err(`Cannot ${isReprice ? "reprice" : "show"} usage: the configuration has no state.path\n`);
    return 1;
  }
  try {
    if (isReprice) {
      const { format } = options;
      const { snapshot } = loaded;
      io.out(await repriceUsage({ path: state.path, query, snapshot, isDryRun, format, clock: io.clock }));
      return 0;
    }
    const database = readLedger(state.path);
    try {
      io.out(formatted(queryUsage(database, query), query, options.format));
    } finally {
      database.close();
    }
    return 0;
  } catch (error) {
    io.err(`${messageOf(error)}\n`);
    return 1;
  }
}

function formatted(result: UsageResult, query: UsageQuery, format: string | undefined): string {
  switch (format) {
    case "json":
      return `${JSON.stringify(usageView(result, query), null, 2)}\n`;
    case "csv":
      return csvLines(usageRows(result), { withHeader: true });
    default:
      return table(result, query);
  }
}

/** The columns of the table after those of the groups. */
const COLUMNS = {
  requests: "requests",
  errors: "errors",
  input_tokens: "input",
  output_tokens: "output",
  cache_read_tokens: "cache read",
  cache_write_tokens: "cache write",
  cost_usd: "cost USD",
  unpriced_requests: "unpriced",
  estimated_requests: "estimated",
} as const;

function table(result: UsageResult, { groupBy }: UsageQuery): string {
  const columns = Object.keys(COLUMNS);
  const lines = [
    [...groupBy, ...Object.values(COLUMNS)],
    ...usageRows(result).map((row) => [...groupBy, ...columns].map((name) => shown(row[name]))),
    [
      ...groupBy.map((_, index) => index === 0 ? "total" : ""),
      ...columns.map((name) => shown(sumMembers(result.total)[name])),
    ],
  ];
  return textTable(lines, { names: groupBy.length });
}

function shown(value: string | number | boolean | null | undefined): string {
  return value === "" || value === undefined || value === null ? "-" : String(value);
}
