/** The keys of prices: those of the configuration, and those of the rows in a price file. */

import { z } from "zod";
import { PRICED_TIERS } from "../../facts/price_table.ts";
import { about, either, integer, list, mapping, text } from "./fields.ts";
import { parseDay } from "./values.ts";

const GLOB = { expected: "a glob over model ids, such as us.anthropic.claude-*", maxLength: 2048 };

/** `prices`. */
export const prices = mapping(() => ({
  file: text({ expected: "the path of a YAML file" }).optional()
    .describe("Rows of prices that override the built-in ones, in the format of config/data/prices.yaml."),
  unknown: either("allow, refuse, or assume: and the id of a model whose price is known", [
    z.enum(["allow", "refuse"]),
    mapping(() => ({
      assume: text({ expected: "the id of a model whose price is known" })
        .describe("Id of the model whose price is used instead."),
    })),
  ]).prefault("allow").describe(
    "What happens to a request whose price is unknown: its cost stays unknown; or callers with a budget in USD are " +
      "refused; or the price of another model is assumed.",
  ),
}));

const usd = () =>
  text({
    expected: 'an amount of US dollars as a string, such as "3.30"',
    pattern: /^\d{1,9}(?:\.\d{1,6})?$/,
    hint: "quote it, so that no digit is lost",
  });
const usdOfUnit = () =>
  text({
    expected: 'an amount of US dollars as a string, such as "0.04"',
    pattern: /^\d{1,9}(?:\.\d{1,12})?$/,
    hint: "quote it, so that no digit is lost",
  });

const perMillion = mapping(() => ({
  input: usd().optional(),
  output: usd().optional(),
  cache_read: usd().optional(),
  cache_write: usd().optional(),
  cache_write_1h: usd().optional(),
}));

const pattern = () => text(GLOB);

const row = mapping(() => ({
  match: either("a glob over model ids, or a list of 1 to 256 of them", [
    pattern(),
    list(pattern(), { min: 1, max: 256 }),
  ]),
  regions: list(text({ expected: "a region, or a glob such as us-*", maxLength: 64 }), { min: 1, max: 64 })
    .optional(),
  usd_per_million: perMillion.optional(),
  over: list(
    mapping(() => ({ input_tokens: integer({ min: 1, max: 100_000_000 }), usd_per_million: perMillion })),
    { min: 0, max: 4 },
  ).optional(),
  tiers: z.partialRecord(
    z.enum(PRICED_TIERS),
    text({ expected: "a factor such as x0.5", pattern: /^x\d{1,3}(?:\.\d{1,6})?$/ }),
  ).register(about, { expected: `a mapping from ${PRICED_TIERS.join(", ")} to factors` }).optional(),
  usd_per_unit: mapping(() => ({
    image: usdOfUnit().optional(),
    query: usdOfUnit().optional(),
    second: usdOfUnit().optional(),
    topic_policy: usdOfUnit().optional(),
    content_policy: usdOfUnit().optional(),
    content_policy_image: usdOfUnit().optional(),
    word_policy: usdOfUnit().optional(),
    sensitive_information_policy: usdOfUnit().optional(),
    sensitive_information_policy_free: usdOfUnit().optional(),
    contextual_grounding_policy: usdOfUnit().optional(),
    automated_reasoning_policy: usdOfUnit().optional(),
  })).optional(),
  from: text({ expected: "a date such as 2027-01-31" }).refine((day) => parseDay(day) !== undefined)
    .optional(),
}))
  // A row overrides the built-in one, so without prices it would make them unknown.
  .refine((row) => row.usd_per_million !== undefined || row.usd_per_unit !== undefined)
  .register(about, { expected: "a row with match, and with usd_per_million or usd_per_unit" });

/** The content of `prices.file`: rows, or a mapping with rows, like the built-in table. */
export const pricesFile = either("a list of rows, or a mapping with rows", [
  list(row, { min: 0, max: 5000 }),
  mapping(() => ({
    source: text({ expected: "where the prices come from" }).optional(),
    date: text({ expected: "a date such as 2027-01-31" }).optional(),
    rows: list(row, { min: 0, max: 5000 }),
  })),
]);
