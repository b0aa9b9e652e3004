/** What a request costs: its usage times a row of prices, in integers and rounded once. */

import { GUARDRAIL_PARTS, type Usage } from "../base/usage.ts";
import type { PriceRow, TokenPart, TokenPrices, UnitPart } from "./price_table.ts";

/** Leaves room for the rounding. */
const MAX_EXACT = Number.MAX_SAFE_INTEGER - 1000;

/** A thousand picodollars. */
const PICO_IN_NANO = 1000n;

/** The factor of a tier without one of its own, in millionths; `default` is the price itself. */
const PLAIN = 1_000_000;

/**
 * Nanodollars for a request, rounded half up from the exact sum; undefined if a part that was used has no known price.
 * `tier` is Bedrock's service tier, `batch` or `optimized`.
 */
export function costOf(usage: Usage, price: PriceRow, tier = "default"): number | undefined {
  const factor = factorOf(price, tier);
  if (factor === undefined) return undefined;
  const prices = tokenPrices(usage, price);
  let sum = 0;
  for (const part of TOKEN_PARTS) {
    const count = countOf(part, usage);
    const each = prices[part];
    if (count > 0 && each === undefined) return undefined;
    sum += count * (each ?? 0);
  }
  const hasUnits = (usage.images ?? 0) + (usage.queries ?? 0) > 0 || usage.guardrail !== undefined;
  // Below this, every step is an exact integer of a float, which is several times as fast.
  if (sum <= MAX_EXACT && factor === PLAIN && !hasUnits) return Math.floor((sum + 500) / 1000);
  return exactCostOf(usage, price, factor);
}

/** The same where a float is not exact; every price is known. */
function exactCostOf(usage: Usage, price: PriceRow, factor: number): number | undefined {
  const prices = tokenPrices(usage, price);
  const units = unitsOf(usage, price);
  if (units === undefined) return undefined;
  let tokens = 0n;
  for (const part of TOKEN_PARTS) tokens += BigInt(countOf(part, usage)) * BigInt(prices[part] ?? 0);
  // Millionths of picodollars, so that a tier's factor needs no rounding of its own.
  const exact = tokens * BigInt(factor) + units * BigInt(PLAIN);
  const divisor = PICO_IN_NANO * BigInt(PLAIN);
  return Number((exact + divisor / 2n) / divisor);
}

/** One part of a cost: so many tokens or units at a price each, in picodollars. */
export interface CostPart {
  readonly what: TokenPart | UnitPart;
  readonly count: number;
  readonly each: number;
}

/** What a cost consists of, for people: its parts, and the factor of the service tier for those that are tokens. */
export function costParts(
  usage: Usage,
  price: PriceRow,
): { readonly parts: readonly CostPart[]; readonly factor: number } {
  const prices = tokenPrices(usage, price);
  const tokens = TOKEN_PARTS.map((what) => ({ what, count: countOf(what, usage), each: prices[what] }));
  const units = unitsIn(usage)
    .flatMap(([what, count]) => what === "other" ? [] : [{ what, count, each: price.units[what] }]);
  return {
    parts: [...tokens, ...units].flatMap(({ what, count, each }) =>
      count === 0 || each === undefined ? [] : [{ what, count, each }]
    ),
    factor: (factorOf(price, usage.tier ?? "default") ?? PLAIN) / PLAIN,
  };
}

/** Tokens that reserved capacity serves have been paid with its fee. */
function factorOf({ tiers }: PriceRow, tier: string): number | undefined {
  if (tier === "default") return PLAIN;
  return tiers[tier] ?? (tier === "reserved" ? 0 : undefined);
}

/** The prices for the size of the prompt, which includes what the cache held. */
function tokenPrices(
  { inputTokens, cacheReadTokens, cacheWriteTokens }: Usage,
  price: PriceRow,
): TokenPrices {
  const prompt = inputTokens + cacheReadTokens + cacheWriteTokens;
  for (const step of price.over) if (prompt > step.inputTokens) return step.tokens;
  return price.tokens;
}

const TOKEN_PARTS = [
  "input",
  "output",
  "cache_read",
  "cache_write",
  "cache_write_1h",
] as const satisfies readonly TokenPart[];

/** Disjoint counts: what was written to the cache for an hour is not part of what was written for five minutes. */
function countOf(part: TokenPart, usage: Usage): number {
  switch (part) {
    case "input":
      return usage.inputTokens;
    case "output":
      return usage.outputTokens;
    case "cache_read":
      return usage.cacheReadTokens;
    case "cache_write":
      return usage.cacheWriteTokens - countOf("cache_write_1h", usage);
    case "cache_write_1h":
      return Math.min(usage.cacheWrite1hTokens ?? 0, usage.cacheWriteTokens);
  }
}

/** What is billed by the piece, as far as anything was used; the price of `other` is not known. */
function unitsIn(
  { images = 0, queries = 0, guardrail = {} }: Usage,
): readonly (readonly [UnitPart | "other", number])[] {
  const units: [UnitPart | "other", number][] = [["image", images], ["query", queries]];
  for (const part of GUARDRAIL_PARTS) units.push([part, guardrail[part] ?? 0]);
  return units.filter(([, count]) => count > 0);
}

/** Picodollars for what is billed by the piece; undefined where a price is unknown. */
function unitsOf(usage: Usage, { units }: PriceRow): bigint | undefined {
  let sum = 0n;
  for (const [part, count] of unitsIn(usage)) {
    const each = part === "other" ? undefined : units[part];
    if (each === undefined) return undefined;
    sum += BigInt(count) * BigInt(each);
  }
  return sum;
}

/** Nanodollars as US dollars: `0.000123456`, without trailing zeros beyond the cent. */
export function usdText(nano: bigint | number): string {
  const digits = String(nano < 0 ? -nano : nano).padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0{1,7}$/, "");
  return `${nano < 0 ? "-" : ""}${digits.slice(0, -9)}.${fraction}`;
}
