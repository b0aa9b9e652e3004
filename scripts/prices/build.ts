/**
 * Writes config/data/prices.yaml from LiteLLM's price file, which its wheel on PyPI contains:
 *
 *     pip download litellm --no-deps && unzip litellm-*.whl 'litellm/model_prices*'
 *     deno run -A scripts/prices/build.ts litellm/model_prices_and_context_window_backup.json VERSION DATE
 *
 * Run "deno task golden" afterwards, which writes the copy that the program carries.
 */

import { priceTableText } from "../../lib/facts/price_table_text.ts";
import { litellmPrices } from "../../lib/facts/price_import/litellm_prices.ts";

const [path, version, date] = Deno.args;
if (path === undefined || version === undefined || date === undefined) {
  throw new Error("Cannot write the prices: expected FILE VERSION DATE");
}
const { rows, unmapped } = litellmPrices(JSON.parse(Deno.readTextFileSync(path)));
const header = `# deno-fmt-ignore-file
# Prices of Bedrock's models in US dollars, without tax and without discounts of a contract. Data, not code: the rows of the
# file that the configuration names as prices.file come before these. docs/cost.md says what each key means.
#
# Source: model_prices_and_context_window.json of LiteLLM ${version} (MIT License, Copyright (c) 2023 Berri AI), read on ${date}.
# scripts/prices/build.ts writes this file; do not edit it. The program carries it in lib/facts/prices.json, which
# "make golden" writes.
#
# A row without regions applies to every region that has no row of its own.

source: LiteLLM ${version}
date: "${date}"
rows:
`;
Deno.writeTextFileSync(
  new URL("../../config/data/prices.yaml", import.meta.url),
  header + priceTableText(rows, "  "),
);
Deno.stderr.writeSync(new TextEncoder().encode(unmapped.map((each) => `${each}\n`).join("")));
