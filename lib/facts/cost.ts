/** What a request costs: its usage times a row of prices, in integers and rounded once. */

import type { Usage } from "../base/usage.ts";
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
  const parts = partsOf(usage);
  let sum = 0;
  for (const [part, count] of parts) {
    const each = prices[part];
    if (count > 0 && each === undefined) return undefined;
    sum += count * (each ?? 0);
  }
  const hasUnits = (usage.images ?? 0) + (usage.queries ?? 0) > 0;
  // Below this, every step is an exact integer of a float, which is several times as fast.
  if (sum <= MAX_EXACT && factor === PLAIN && !hasUnits) return Math.floor((sum + 500) / 1000);
  const tokens = parts.reduce((all, [part, count]) => all + BigInt(count) * BigInt(prices[part] ?? 0), 0n);
  const units = unitsOf(usage, price);
  if (units === undefined) return undefined;
  // Millionths of picodollars, so that a tier's factor needs no rounding of its own.
  const exact = tokens * BigInt(factor) + units * BigInt(PLAIN);
  const divisor = PICO_IN_NANO * BigInt(PLAIN);
  return Number((exact + divisor / 2n) / divisor);
}

/** One part of a cost: so many tokens, images or searches at a price each, in picodollars. */
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
  const tokens = partsOf(usage).map(([what, count]) => ({ what, count, each: prices[what] }));
  const units = ([["image", usage.images], ["query", usage.queries]] as const)
    .map(([what, count = 0]) => ({ what, count, each: price.units[what] }));
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
  return price.over.find((step) => prompt > step.inputTokens)?.tokens ?? price.tokens;
}

/** Disjoint counts: what was written to the cache for an hour is not part of what was written for five minutes. */
function partsOf(usage: Usage): readonly (readonly [TokenPart, number])[] {
  const hour = Math.min(usage.cacheWrite1hTokens ?? 0, usage.cacheWriteTokens);
  return [
    ["input", usage.inputTokens],
    ["output", usage.outputTokens],
    ["cache_read", usage.cacheReadTokens],
    ["cache_write", usage.cacheWriteTokens - hour],
    ["cache_write_1h", hour],
  ];
}

/** Picodollars for images and searches; undefined where their price is unknown. */
function unitsOf({ images = 0, queries = 0 }: Usage, { units }: PriceRow): bigint | undefined {
  let sum = 0n;
  for (const [count, each] of [[images, units.image], [queries, units.query]] as const) {
    if (count === 0) continue;
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
