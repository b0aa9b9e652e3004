/** The cost of a request: its usage times a row of prices, in integers, rounded once. */

import { GUARDRAIL_PARTS, type Usage } from "../base/usage.ts";
import type { PriceRow, TokenPrices, UnitPart } from "./price_table.ts";
import { TOKEN_PARTS, type TokenPart } from "./token_parts.ts";

/** Leaves room for the rounding. */
const MAX_EXACT = Number.MAX_SAFE_INTEGER - 1000;

/** A thousand picodollars. */
const PICO_IN_NANO = 1000n;

/** The factor of the tier `default`, in millionths: the price itself. */
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

/** The same where a float is not exact. Token prices are known; undefined if the price of a unit is not. */
function exactCostOf(usage: Usage, price: PriceRow, factor: number): number | undefined {
  const prices = tokenPrices(usage, price);
  const units = unitsOf(usage, price);
  if (units === undefined) return undefined;
  let tokens = 0n;
  for (const part of TOKEN_PARTS) tokens += BigInt(countOf(part, usage)) * BigInt(prices[part] ?? 0);
  // Millionths of picodollars, so that a tier's factor is exact.
  const exact = tokens * BigInt(factor) + units * BigInt(PLAIN);
  const divisor = PICO_IN_NANO * BigInt(PLAIN);
  return Number((exact + divisor / 2n) / divisor);
}

/** One part of a cost: a number of tokens or units, and the price of each in picodollars. */
export interface CostPart {
  readonly what: TokenPart | UnitPart;
  readonly count: number;
  readonly each: number;
}

/** The parts of a cost, to show them, and the service tier's factor for tokens. */
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

/** Tokens of reserved capacity cost nothing, because its fee pays for them. */
function factorOf({ tiers }: PriceRow, tier: string): number | undefined {
  if (tier === "default") return PLAIN;
  return tiers[tier] ?? (tier === "reserved" ? 0 : undefined);
}

/** The prices for the size of the prompt, including its cached tokens. */
function tokenPrices(
  { inputTokens, cacheReadTokens, cacheWriteTokens }: Usage,
  price: PriceRow,
): TokenPrices {
  const prompt = inputTokens + cacheReadTokens + cacheWriteTokens;
  for (const step of price.over) if (prompt > step.inputTokens) return step.tokens;
  return price.tokens;
}

/** Disjoint counts: tokens cached for an hour are not counted again as `cache_write`. */
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

/** Units that were used, such as images; `other` has no known price. */
function unitsIn(
  { images = 0, queries = 0, guardrail = {} }: Usage,
): readonly (readonly [UnitPart | "other", number])[] {
  const units: [UnitPart | "other", number][] = [["image", images], ["query", queries]];
  for (const part of GUARDRAIL_PARTS) units.push([part, guardrail[part] ?? 0]);
  return units.filter(([, count]) => count > 0);
}

/** Picodollars for units; undefined if a price is unknown. */
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
