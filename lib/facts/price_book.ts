/** The prices of a configuration, with its rule for unknown ones. */

import { type Billed, PriceBook, type PriceRow } from "./price_table.ts";

export interface PriceRules {
  readonly rows: readonly PriceRow[];
  readonly assume: string | undefined;
}

/** One for each list of rows, so that a reload of other settings keeps the cached prices. */
const books = new WeakMap<readonly PriceRow[], PriceBook>();

/** A price, and whether it is that of another model. */
export interface FoundPrice {
  readonly row: PriceRow;
  readonly isAssumed: boolean;
}

/** A row of a model with the prices of guardrails in a region, as far as they are known. */
export function withGuardrails(row: PriceRow, guardrails: PriceRow | undefined): PriceRow {
  return guardrails === undefined ? row : { ...row, units: { ...row.units, ...guardrails.units } };
}

/** The prices of guardrails in a region; undefined if there are none. */
export function guardrailPriceOf(region: string, { rows }: PriceRules, nowMs: number): PriceRow | undefined {
  return bookOf(rows).findGuardrails(region, nowMs);
}

function bookOf(rows: readonly PriceRow[]): PriceBook {
  let book = books.get(rows);
  if (book === undefined) {
    book = new PriceBook(rows);
    books.set(rows, book);
  }
  return book;
}

/** The price of a model in a region; undefined if it is unknown and none is assumed. */
export function priceOf(billed: Billed, { rows, assume }: PriceRules, nowMs: number): FoundPrice | undefined {
  const book = bookOf(rows);
  const own = book.find(billed, nowMs);
  if (own !== undefined) return { row: own, isAssumed: false };
  const row = assume === undefined ? undefined : book.find({ id: assume, region: billed.region }, nowMs);
  return row === undefined ? undefined : { row, isAssumed: true };
}
