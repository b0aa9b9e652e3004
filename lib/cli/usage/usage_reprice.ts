/** `adit usage reprice`: recomputes the cost of requests in the ledger's file with the current prices. */

import { setTimeout } from "node:timers/promises";
import type { Clock } from "../../base/clock.ts";
import { usdText } from "../../facts/cost.ts";
import { correctLedger, readLedger } from "../../ledger/file.ts";
import type { UsageQuery } from "../../ledger/queries.ts";
import {
  type KeptHours,
  LEFT_REASONS,
  type LeftReason,
  queryKeptHours,
  type Repriced,
  type RepriceResult,
  Repricing,
  targetKey,
} from "../../ledger/reprice.ts";
import { csvLines, type Shown } from "../../ledger/views.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";
import { counted, textTable } from "../text_table.ts";

export interface RepriceArguments {
  /** Folder of the ledger. */
  readonly path: string;
  readonly query: UsageQuery;
  readonly snapshot: Snapshot;
  readonly isDryRun: boolean;
  readonly format: string | undefined;
  readonly clock: Clock;
}

/** Reprices the requests of the query; returns the output. Throws a `LedgerError` if the file cannot be used. */
export async function repriceUsage(given: RepriceArguments): Promise<string> {
  const { path, query, snapshot, isDryRun, clock } = given;
  const database = isDryRun ? readLedger(path) : correctLedger(path);
  try {
    const baseModels = baseModelsOf(snapshot);
    const repricing = new Repricing({ database, query, prices: snapshot.prices, baseModels, isDryRun });
    for (;;) {
      const startedMs = clock.monotonic();
      if (!repricing.step()) break;
      // A pause as long as the step, so that a running gateway can write to the file at least half of the time.
      if (!isDryRun) await setTimeout(clock.monotonic() - startedMs);
    }
    return formatted(repricing.result(), queryKeptHours(database, { query }), given);
  } finally {
    database.close();
  }
}

/** Base models by target and id; the id that a team has for a target is an id of the target's model. */
function baseModelsOf({ models }: Snapshot): ReadonlyMap<string, string | undefined> {
  const known = new Map<string, string | undefined>();
  for (const { targets } of models.values()) {
    for (const { name, id, baseModel, teamIds } of targets) {
      known.set(targetKey(name, id), baseModel);
      for (const own of Object.values(teamIds)) known.set(targetKey(name, own), baseModel ?? id);
    }
  }
  return known;
}

function formatted(result: RepriceResult, kept: KeptHours, given: RepriceArguments): string {
  switch (given.format) {
    case "json":
      return `${JSON.stringify(view(result, kept, given), null, 2)}\n`;
    case "csv":
      return csvLines(modelRows(result), { withHeader: true });
    default:
      return text(result, kept, given);
  }
}

function view(result: RepriceResult, kept: KeptHours, { query, isDryRun }: RepriceArguments): object {
  return {
    from: new Date(query.fromMs).toISOString(),
    to: new Date(query.toMs).toISOString(),
    tz: query.timeZone,
    dry_run: isDryRun,
    requests: result.requests,
    unpriced_requests: result.unpriced,
    left: result.left,
    hours_left: kept.hours,
    hours_left_requests: kept.requests,
    rows: modelRows(result),
    total: members(result.total),
  };
}

function members({ changed, before, after }: Repriced): Shown {
  return { changed_requests: changed, cost_usd_before: usdText(before), cost_usd_after: usdText(after) };
}

function modelRows({ models }: RepriceResult): readonly Shown[] {
  return [...models].map(([model, repriced]) => ({ model, ...members(repriced) }));
}

function text(result: RepriceResult, kept: KeptHours, { isDryRun }: RepriceArguments): string {
  const line = (name: string, { changed, before, after }: Repriced) => [
    name,
    String(changed),
    usdText(before),
    usdText(after),
  ];
  const table = textTable([
    ["model", "changed", "before USD", "after USD"],
    ...[...result.models].map(([model, repriced]) => line(model === "" ? "-" : model, repriced)),
    line("all requests", result.total),
  ], { names: 1 });
  const notes = [
    `${counted(result.requests, "request")} read; ${result.unpriced} without a known cost`,
    ...LEFT_REASONS.filter((reason) => result.left[reason] > 0).map((reason) =>
      `${counted(result.left[reason], "request")} left unchanged: ${REASONS[reason]}`
    ),
    ...(kept.hours === 0 ? [] : [
      `${counted(kept.hours, "hour")} with ${counted(kept.requests, "request")} left unchanged: ` +
      "only the hourly sums of these requests are still kept",
    ]),
    isDryRun ? "Dry run: nothing was changed" : "Budgets were not changed",
  ];
  return `${table}\n${notes.map((note) => `${note}\n`).join("")}`;
}

const REASONS: Readonly<Record<LeftReason, string>> = {
  unknown_price: "no price is known",
  price_gone: "no price is known any more, so the cost is kept",
  unreported_usage: "Bedrock did not report their usage",
  searches_not_kept: "billed per search, and the ledger does not keep the number of searches",
  unknown_model: "the configuration no longer says which model their id belongs to",
};
