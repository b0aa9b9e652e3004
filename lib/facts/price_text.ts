/** A row of prices as text. */

import { BUILT_IN_PRICES, type PriceRow, type TokenPrices } from "./price_table.ts";

/** The prices of a row: `input 3.3, output 16.5 USD per million tokens; above 200000 input tokens …`. */
export function priceText({ tokens, over, tiers, units }: PriceRow): string {
  const parts = [
    ...(Object.keys(tokens).length === 0 ? [] : [`${tokenText(tokens)} USD per million tokens`]),
    ...Object.entries(units).map(([unit, pico]) => `${unit} ${shortest(pico / 1e12)} USD`),
    ...over.toReversed().map((step) => `above ${step.inputTokens} input tokens ${tokenText(step.tokens)}`),
    ...Object.entries(tiers).map(([tier, factor]) => `${tier} x${factor / 1e6}`),
  ];
  return parts.join("; ");
}

/** The origin of a row. */
export function priceOrigin({ source, ids, regions }: PriceRow): string {
  const where = regions.length === 0 ? "" : ` in ${regions.join(", ")}`;
  const row = `row ${ids[0] ?? ""}${where}`;
  return source === "prices_file"
    ? `${row} of prices.file`
    : `${row}, ${BUILT_IN_PRICES.source} of ${BUILT_IN_PRICES.date}`;
}

function tokenText(tokens: TokenPrices): string {
  return Object.entries(tokens)
    .map(([part, pico]) => `${part.replaceAll("_", " ")} ${shortest(pico / 1e6)}`).join(", ");
}

/** Never in exponential notation. */
function shortest(value: number): string {
  return value.toFixed(12).replace(/\.?0+$/, "");
}
