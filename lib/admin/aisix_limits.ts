/** Maps AISIX's rate limits to the limits of callers and rules, and back. */

import { AditError } from "../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json.ts";
import { parseRate } from "../config/schema/values.ts";

/** Members of AISIX's `rate_limit`, the key of an entry's `limits` for each, and the unit of its rates. */
const RATES: Readonly<Record<string, readonly [key: string, unit: string]>> = {
  rps: ["requests", "/s"],
  rpm: ["requests", "/m"],
  rph: ["requests", "/h"],
  rpd: ["requests", "/d"],
  tpm: ["tokens", "/m"],
  tpd: ["tokens", "/d"],
  concurrency: ["concurrent", ""],
};

/** The limits of a `rate_limit`; empty if it limits nothing. */
export function toLimits(limit: JsonValue): JsonObject {
  if (!isJsonObject(limit)) throw new AditError("invalid_request", "rate_limit: expected an object");
  const limits: Record<string, JsonValue> = {};
  for (const [member, [key, unit]] of Object.entries(RATES)) {
    const count = limit[member];
    if (typeof count !== "number") continue;
    const value = unit === "" ? count : `${count}${unit}`;
    const known = limits[key];
    limits[key] = known === undefined ? value : [known, value].flat();
  }
  return limits;
}

/** The limits after a change, with the current settings that AISIX does not have; undefined for none. */
export function mergeLimits(before: JsonValue | undefined, limits: JsonObject): JsonObject | undefined {
  if (Object.keys(limits).length === 0) return undefined;
  const settings = isJsonObject(before) ? Object.entries(before).filter(([key]) => !KEYS.includes(key)) : [];
  return { ...limits, ...Object.fromEntries(settings) };
}

/** How a model's `rate_limit` changes the limits of its rule. */
export function ruleLimits(
  limit: JsonValue | undefined,
): Record<"put" | "patch", (before: JsonObject | undefined) => JsonObject | undefined> {
  const given = limit === undefined || limit === null ? {} : toLimits(limit);
  const put = (before: JsonObject | undefined) => mergeLimits(before, given);
  return { put, patch: limit === undefined ? (before) => before : put };
}

const KEYS: readonly string[] = Object.values(RATES).map(([key]) => key);

/** Members of a `rate_limit` that are set but have no counterpart. */
export function unusedRates(limit: JsonValue | undefined): readonly string[] {
  if (!isJsonObject(limit)) return [];
  return Object.keys(limit).filter((member) =>
    limit[member] !== null && !(Object.hasOwn(RATES, member) && typeof limit[member] === "number")
  );
}

/** The inverse, for limits in AISIX's units. */
export function toRateLimit(limits: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(RATES).flatMap(([member, [key, unit]]) => {
      const value = limits[key];
      const found = unit === "" ? value : countOf(value, unit);
      return typeof found === "number" ? [[member, found] as const] : [];
    }),
  );
}

/** The number of the rate with this unit, such as 200000 of `200k/m`. */
function countOf(value: JsonValue | undefined, unit: string): number | undefined {
  const rate = [value ?? null].flat().find((each) => typeof each === "string" && each.endsWith(unit));
  return typeof rate === "string" ? parseRate(rate)?.limit : undefined;
}
