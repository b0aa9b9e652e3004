/** Imported prices as rows of the table: equal prices of one model share a row. */

import { foundationModelId } from "../model_id.ts";
import type { WrittenPrice } from "../price_table.ts";

/** The rows, and the prices that could not be converted. */
export interface ImportedPrices {
  readonly rows: readonly WrittenPrice[];
  /** Prices that could not be converted, each with the reason. */
  readonly unmapped: readonly string[];
}

/** A row without its `match`. */
export type Priced = Omit<WrittenPrice, "match">;

/** Rows of one model with equal prices become one: the geographies of a profile, or the regions of an id. */
export class RowGroups {
  readonly #groups = new Map<
    string,
    { readonly ids: Set<string>; readonly regions: Set<string>; row: Priced }
  >();

  /** Prices by id and region. */
  readonly #known = new Map<string, string>();

  /** False if the id has another price in the region already. */
  add({ id, region }: Place, row: Priced): boolean {
    const place = `${id} ${region ?? ""}`;
    const prices = JSON.stringify(row);
    if ((this.#known.get(place) ?? prices) !== prices) return false;
    this.#known.set(place, prices);
    const key = JSON.stringify([
      region === undefined ? foundationModelId(id) : id,
      region === undefined,
      row,
    ]);
    const group = this.#groups.get(key) ?? { ids: new Set(), regions: new Set(), row };
    group.ids.add(id);
    if (region !== undefined) group.regions.add(region);
    this.#groups.set(key, group);
    return true;
  }

  rows(): readonly WrittenPrice[] {
    return [...this.#groups.values()]
      .map(({ ids, regions, row }) => {
        const [first = "", ...others] = [...ids].sort();
        return {
          match: others.length === 0 ? first : [first, ...others],
          ...(regions.size === 0 ? {} : { regions: [...regions].sort() }),
          ...row,
        };
      })
      .sort((one, other) => compare(sortKey(one), sortKey(other)));
  }
}

function sortKey({ match, regions = [] }: WrittenPrice): string {
  const [first = ""] = [match].flat();
  return `${foundationModelId(first)} ${regions.join(" ")} ${first}`;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The model id and the region of a price. */
export interface Place {
  readonly id: string;
  /** Undefined for all regions. */
  readonly region: string | undefined;
}
