/** Links what models cost: the rows of the operator's file, and which price is used for an unknown one. */

import { PriceBook, type PriceRow } from "../../facts/price_table.ts";
import { quote } from "../../base/problems.ts";
import type { PriceSettings } from "../../snapshot/snapshot.ts";
import type { Config } from "../schema/config_file.ts";
import type { LinkContext } from "./context.ts";

/** A region that every row without regions applies to; the row to assume is looked up in each request's own. */
const ANY_REGION = "us-east-1";

/** The settings; a model to assume whose own price is unknown is a problem. */
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
