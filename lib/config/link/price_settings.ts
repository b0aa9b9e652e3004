/** Links the prices: the rows of the configured file, and the price to use where none is known. */

import { PriceBook, type PriceRow } from "../../facts/price_table.ts";
import { quote } from "../../base/problems.ts";
import type { PriceSettings } from "../../snapshot/snapshot.ts";
import type { Config } from "../schema/config_file.ts";
import type { LinkContext } from "./context.ts";

/** The region in which the assumed price is checked; a request uses the price in its own region. */
const ANY_REGION = "us-east-1";

/** The settings; an assumed model without a price is a problem. */
export function linkPrices(
  { unknown }: Config["prices"],
  rows: readonly PriceRow[],
  context: LinkContext,
): PriceSettings {
  if (typeof unknown === "string") return { rows, unknown, assume: undefined };
  const { assume } = unknown;
  if (new PriceBook(rows).find({ id: assume, region: ANY_REGION }, Number.MAX_SAFE_INTEGER) === undefined) {
    context.fail(
      ["prices", "unknown", "assume"],
      `there is no price for ${quote(assume)}; see "adit prices"`,
    );
  }
  return { rows, unknown: "allow", assume };
}
