/** AWS's price list files become rows of the table of prices; other prices are listed with the reason. */

import { deepEqual, equal } from "node:assert/strict";
import { awsPrices } from "../../lib/facts/price_import/aws_prices.ts";
import { ModelNames } from "../../lib/facts/price_import/model_names.ts";
import { compilePrices } from "../../lib/facts/price_table.ts";

const IDS = [
  "anthropic.claude-sonnet-4-5-20250929-v1:0",
  "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  "anthropic.claude-3-5-sonnet-20240620-v1:0",
  "anthropic.claude-3-5-sonnet-20241022-v2:0",
  "amazon.nova-lite-v1:0",
  "amazon.nova-lite-v1:0:24k",
  "meta.llama3-1-8b-instruct-v1:0",
  "mistral.mistral-large-2402-v1:0",
  "cohere.rerank-v3-5:0",
  "openai.gpt-oss-120b-1:0",
  "arn:aws:bedrock:us-east-1::foundation-model/x",
  "amazon.*",
];

interface Product {
  readonly attributes: Readonly<Record<string, string>>;
  readonly usd?: string;
  readonly unit?: string;
  readonly description?: string;
}

/** A file with these products and their on-demand prices. */
function offer(...products: readonly Product[]): Readonly<Record<string, unknown>> {
  const skus = products.map((product, index) => [`SKU${index}`, product] as const);
  return {
    formatVersion: "v1.0",
    products: Object.fromEntries(skus.map(([sku, { attributes }]) => [sku, { sku, attributes }])),
    terms: {
      OnDemand: Object.fromEntries(skus.flatMap(([sku, { usd, unit = "1M tokens", description = "" }]) => {
        const dimension = { unit, description, pricePerUnit: { USD: usd } };
        return usd === undefined ? [] : [[sku, { term: { priceDimensions: { dimension } } }]];
      })),
    },
  };
}

function marketplace(meter: string, usd: string, { region = "us-east-1", prefix = "USE1" } = {}): Product {
  const servicename = "Claude Sonnet 4.5 (Amazon Bedrock Edition)";
  const usagetype = `${prefix}-MP:${prefix}_${meter}-Units`;
  return { attributes: { servicename, usagetype, regionCode: region }, usd };
}

function own(
  inferenceType: string,
  usagetype: string,
  usd: string,
  more: Record<string, string> = {},
): Product {
  const attributes = { model: "Nova Lite", regionCode: "eu-west-1", inferenceType, usagetype, ...more };
  return { attributes, usd, unit: "1K tokens" };
}

function converted(...products: readonly Product[]) {
  const imported = awsPrices(offer(...products), {
    knownIds: IDS,
    longContextOf: (id) => id.includes("sonnet-4-5") ? 200_000 : undefined,
  });
  // Every row is valid in a price file.
  compilePrices(imported.rows, "prices_file");
  return imported;
}

const SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0";

Deno.test("meters of the marketplace, in both spellings: parts, tiers, global profiles, long prompts", () => {
  const { rows, unmapped } = converted(
    marketplace("InputTokenCount", "3.3000000000"),
    marketplace("OutputTokenCount", "16.5000000000"),
    marketplace("CacheReadInputTokenCount", "0.3300000000"),
    marketplace("CacheWriteInputTokenCount", "4.1250000000"),
    marketplace("CacheWrite1hInputTokenCount", "6.6000000000"),
    marketplace("InputTokenCount_Batch", "1.6500000000"),
    marketplace("OutputTokenCount_Batch", "8.2500000000"),
    marketplace("input_tokens_long_ctx_standard", "6.6000000000"),
    marketplace("output_tokens_long_ctx_standard", "24.7500000000"),
    marketplace("input_tokens_global_standard", "3.0000000000"),
    marketplace("output_tokens_global_standard", "15.0000000000"),
    marketplace("cache_write_tokens_1h_global_standard", "6.0000000000"),
  );
  deepEqual(unmapped, []);
  deepEqual(rows, [
    {
      match: [SONNET, `us.${SONNET}`],
      regions: ["us-east-1"],
      usd_per_million: {
        input: "3.3",
        output: "16.5",
        cache_read: "0.33",
        cache_write: "4.125",
        cache_write_1h: "6.6",
      },
      over: [{ input_tokens: 200_000, usd_per_million: { input: "6.6", output: "24.75" } }],
      tiers: { batch: "x0.5" },
    },
    {
      match: `global.${SONNET}`,
      regions: ["us-east-1"],
      usd_per_million: { input: "3", output: "15", cache_write_1h: "6" },
    },
  ]);
});

Deno.test("Amazon's own offer: prices per thousand tokens, and regions with equal prices share a row", () => {
  const second = { regionCode: "eu-west-3" };
  const { rows, unmapped } = converted(
    own("Input tokens", "EUW1-NovaLite-input-tokens", "0.0000780000"),
    own("Output tokens", "EUW1-NovaLite-output-tokens", "0.0003120000"),
    own("Prompt cache read input tokens", "EUW1-NovaLite-cache-read-input-token-count", "0.0000195000"),
    own("Output tokens flex", "EUW1-NovaLite-output-tokens-flex", "0.0001560000"),
    own("Output tokens priority", "EUW1-NovaLite-output-tokens-priority", "0.0005460000"),
    own("Input tokens", "EUW3-NovaLite-input-tokens", "0.0000780000", second),
    own("Output tokens", "EUW3-NovaLite-output-tokens", "0.0003120000", second),
    own(
      "Prompt cache read input tokens",
      "EUW3-NovaLite-cache-read-input-token-count",
      "0.0000195000",
      second,
    ),
    own("Output tokens flex", "EUW3-NovaLite-output-tokens-flex", "0.0001560000", second),
    own("Output tokens priority", "EUW3-NovaLite-output-tokens-priority", "0.0005460000", second),
  );
  deepEqual(unmapped, []);
  deepEqual(rows, [{
    match: [
      "amazon.nova-lite-v1:0",
      "eu.amazon.nova-lite-v1:0",
      "amazon.nova-lite-v1:0:24k",
      "eu.amazon.nova-lite-v1:0:24k",
    ],
    regions: ["eu-west-1", "eu-west-3"],
    usd_per_million: { input: "0.078", output: "0.312", cache_read: "0.0195" },
    tiers: { flex: "x0.5", priority: "x1.75" },
  }]);
});

Deno.test("searches are priced per search", () => {
  const { rows } = converted({
    attributes: {
      servicename: "Cohere Rerank 3.5 (Amazon Bedrock Edition)",
      usagetype: "USE1-MP:USE1_search_units-Units",
      regionCode: "us-east-1",
    },
    usd: "0.0020000000",
    unit: "Units",
  });
  deepEqual(rows.map(({ usd_per_unit: units }) => units), [{ query: "0.002" }]);
});

const UNMAPPED: readonly (readonly [what: string, product: Product, reason: string])[] = [
  [
    "capacity by the hour",
    marketplace("Reserved_1Month_InputTPM_Geo", "1"),
    "not billed by tokens on demand",
  ],
  ["a meter that is new", marketplace("InputTokenCount_Quantum", "1"), "unknown meter: quantum"],
  [
    "a model that is new",
    { ...own("Input tokens", "EUW1-NovaX-input-tokens", "1", { model: "Nova X" }) },
    'no model id is known for "Nova X"',
  ],
  [
    "an image",
    own("T2I 1024 Standard", "EUW1-NovaLite-T2I-1024-Standard", "0.04"),
    "the price depends on size and quality",
  ],
  [
    "a unit that is new",
    { ...marketplace("InputTokenCount", "1"), unit: "Fortnight" },
    'unknown unit "Fortnight"',
  ],
  ["no price", { attributes: marketplace("InputTokenCount", "1").attributes }, "no price on demand"],
  [
    "another currency",
    { ...marketplace("InputTokenCount", "1"), usd: "free" },
    "no price in US dollars",
  ],
  [
    "a customized model",
    own("Input tokens", "EUW1-NovaLite-input-tokens-custom-model", "1"),
    "not billed by tokens on demand",
  ],
];

for (const [what, product, reason] of UNMAPPED) {
  Deno.test(`${what} is not imported, and listed with the reason`, () => {
    const { rows, unmapped } = converted(product);
    deepEqual([rows, unmapped.map((each) => each.slice(each.indexOf(": ") + 2))], [[], [reason]]);
  });
}

Deno.test("two prices for the same thing are not both imported, and a tier must be one factor", () => {
  const { rows, unmapped } = converted(
    marketplace("InputTokenCount", "3"),
    marketplace("input_tokens_standard", "4"),
    marketplace("OutputTokenCount", "15"),
    marketplace("InputTokenCount_Batch", "1.5"),
    marketplace("OutputTokenCount_Batch", "8"),
  );
  deepEqual(rows[0]?.usd_per_million, { input: "3", output: "15" });
  equal(rows[0]?.tiers, undefined);
  deepEqual(unmapped, [
    "Claude Sonnet 4.5 (Amazon Bedrock Edition) input_tokens_standard-Units: another product has a different price for input",
    `${SONNET} in us-east-1: the prices of tier batch are not a multiple of the standard prices`,
  ]);
});

Deno.test("without the size of long prompts, no row is better than one that charges too little", () => {
  const product = (meter: string): Product => ({
    attributes: {
      servicename: "Claude 3.5 Sonnet v2 (Amazon Bedrock Edition)",
      usagetype: `USE1-MP:USE1_${meter}-Units`,
      regionCode: "us-east-1",
    },
    usd: "3",
  });
  const { rows, unmapped } = converted(
    product("input_tokens_standard"),
    product("input_tokens_long_ctx_standard"),
  );
  deepEqual([rows, unmapped.length], [[], 1]);
});

const NAMES: readonly (readonly [name: string, ids: readonly string[]])[] = [
  ["Claude Sonnet 4.5 (Amazon Bedrock Edition)", [SONNET]],
  ["Claude 4.5 Sonnet", [SONNET]],
  ["Claude 3.5 Sonnet", ["anthropic.claude-3-5-sonnet-20240620-v1:0"]],
  ["Claude 3.5 Sonnet v2", ["anthropic.claude-3-5-sonnet-20241022-v2:0"]],
  ["NovaLite", ["amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0:24k"]],
  ["Amazon Nova Lite", ["amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0:24k"]],
  ["Llama 3.1 8B Instruct", ["meta.llama3-1-8b-instruct-v1:0"]],
  ["Mistral Large (24.02)", ["mistral.mistral-large-2402-v1:0"]],
  ["Claude", []],
  ["", []],
];

for (const [name, ids] of NAMES) {
  Deno.test(`AWS's name ${JSON.stringify(name)} is ${ids.length === 0 ? "no model" : ids.join(" and ")}`, () => {
    deepEqual(new ModelNames(IDS).idsOf(name), ids);
  });
}

Deno.test("a file in another format has no rows", () => {
  for (const file of [{}, { products: 5 }, { products: { a: null }, terms: [] }]) {
    deepEqual(awsPrices(file, { knownIds: IDS, longContextOf: () => undefined }).rows, []);
  }
});
