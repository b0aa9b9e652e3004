/** Parses the parameters of the ledger's views, from a query string or a command line. */

import { AditError } from "../base/errors.ts";
import { isTimeZone } from "../snapshot/budget.ts";
import {
  FILTERS,
  type Filters,
  type Group,
  GROUPS,
  REQUEST_FILTERS,
  type RequestFilters,
  type UsageQuery,
} from "./queries.ts";

const HOUR_MS = 3_600_000;
const DEFAULT_DAYS = 30;
/** The earliest time that a `Date` can have. */
const MIN_TIME_MS = -8.64e15;

/** Reads one parameter; undefined or null if it is missing. */
export type ReadParameter = (name: string) => string | undefined | null;

const filtersOf = (names: readonly string[]) => names.map((name) => `filter.${name}`);

/** The parameters of each view. */
export const PARAMETERS = {
  usage: ["from", "to", "group_by", "tz", ...filtersOf(FILTERS)],
  requests: ["from", "to", ...filtersOf(REQUEST_FILTERS)],
} as const satisfies Record<string, readonly string[]>;

/** Throws `invalid_request` for the first unknown parameter: a misspelled filter would have no effect. */
export function refuseUnknown(given: Iterable<string>, known: readonly string[]): void {
  for (const name of given) {
    if (known.includes(name)) continue;
    const expected = known.length === 0 ? "expected none" : `expected ${known.join(", ")}`;
    throw invalid(`unknown parameter ${JSON.stringify(name.slice(0, 64))}; ${expected}`);
  }
}

/** Parses a query for usage; throws `invalid_request` with the name of an invalid parameter. */
export function parseUsageQuery(read: ReadParameter, nowMs: number): UsageQuery {
  const timeZone = parseTimeZone(read("tz") ?? "UTC");
  return {
    ...parsePeriod(read, { nowMs, timeZone }),
    groupBy: parseGroups(read("group_by") ?? ""),
    timeZone,
    filter: parseFilters(read),
  };
}

export interface PeriodOptions {
  readonly nowMs: number;
  readonly timeZone: string;
}

/** Parses a period, widened to whole hours, by which usage is kept; default: the last 30 days until now. */
export function parsePeriod(
  read: ReadParameter,
  { nowMs, timeZone }: PeriodOptions,
): { readonly fromMs: number; readonly toMs: number } {
  const to = read("to");
  const toMs = to === undefined || to === null ? nowMs + 1 : parseTime("to", to, timeZone);
  const from = read("from");
  const fromMs = from === undefined || from === null
    ? Math.max(MIN_TIME_MS, toMs - DEFAULT_DAYS * 24 * HOUR_MS)
    : parseTime("from", from, timeZone);
  if (fromMs >= toMs) throw invalid("from: expected a time before to");
  return { fromMs: Math.floor(fromMs / HOUR_MS) * HOUR_MS, toMs: Math.ceil(toMs / HOUR_MS) * HOUR_MS };
}

/** Parses the name of a time zone that the runtime knows. */
export function parseTimeZone(text: string): string {
  if (isTimeZone(text)) return text;
  throw invalid(`tz: unknown time zone ${JSON.stringify(text)}; expected a name such as Europe/Berlin`);
}

/** Parses the exact names to which a view is limited. */
export function parseFilters(read: ReadParameter): Filters {
  return givenFilters(FILTERS, read);
}

/** Parses the filters for single requests. */
export function parseRequestFilters(read: ReadParameter): RequestFilters {
  return givenFilters(REQUEST_FILTERS, read);
}

function givenFilters<Name extends string>(
  names: readonly Name[],
  read: ReadParameter,
): Readonly<Partial<Record<Name, string>>> {
  const filters: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = read(`filter.${name}`);
    if (value !== undefined && value !== null && value !== "") filters[name] = value;
  }
  return filters;
}

function parseGroups(text: string): readonly Group[] {
  const groups = text.split(",").filter((part) => part !== "").map((part): Group => {
    const group = GROUPS.find((name) => name === part.trim());
    if (group === undefined) {
      throw invalid(`group_by: unknown group ${JSON.stringify(part)}; expected ${GROUPS.join(", ")}`);
    }
    return group;
  });
  const periods = groups.filter((group) => ["hour", "day", "month"].includes(group));
  if (periods.length > 1) throw invalid("group_by: expected at most one of hour, day and month");
  return [...new Set(groups)];
}

/** Parses a time, or a date as the beginning of that day in the time zone. */
function parseTime(name: string, text: string, timeZone: string): number {
  try {
    return /^\d{4}-\d{2}-\d{2}$/.test(text)
      ? Temporal.PlainDate.from(text).toZonedDateTime(timeZone).epochMilliseconds
      : Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    throw invalid(`${name}: expected a date such as 2027-01-31 or a time such as 2027-01-31T12:00:00Z`);
  }
}

function invalid(message: string): AditError {
  return new AditError("invalid_request", message);
}
