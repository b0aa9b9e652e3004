/** Converts the prices of Bedrock's models in LiteLLM's price file to rows of the table of prices. */

import { guardrailPart } from "../../base/usage.ts";
import { GUARDRAILS } from "../price_table.ts";
import { type ImportedPrices, type Place, type Priced, RowGroups } from "./row_groups.ts";

type Prices = Record<string, string>;
type Entry = Readonly<Record<string, unknown>>;

/** LiteLLM's key for each part, in US dollars per token. */
const TOKEN_KEYS = {
  input: "input_cost_per_token",
  output: "output_cost_per_token",
  cache_read: "cache_read_input_token_cost",
  cache_write: "cache_creation_input_token_cost",
  cache_write_1h: "cache_creation_input_token_cost_above_1hr",
} as const;

/** LiteLLM's keys for each unit; the first one in an entry counts. */
const UNIT_KEYS = {
  image: ["output_cost_per_image", "input_cost_per_image"],
  query: ["input_cost_per_query"],
} as const;

/** Suffix of the keys of each tier. */
const TIER_SUFFIXES = { flex: "_flex", priority: "_priority", batch: "_batches" } as const;

const STEPS = [100, 128, 200, 256, 272] as const;

/** Keys of prices for usage that this gateway does not count. */
const UNCOUNTED = /audio|video|_per_second|search_context|ultrafast|_image_token/;
/** The entry with the prices of guardrails, by their names in the usage of Bedrock's answers. */
const GUARDRAIL_ENTRY = "bedrock/guardrails";

/** The entries whose `litellm_provider` is Bedrock; entries with equal prices share a row. */
export function litellmPrices(file: Readonly<Record<string, unknown>>): ImportedPrices {
  const unmapped: string[] = [];
  const rows = new RowGroups();
  for (const [key, value] of Object.entries(file)) {
    if (!isEntry(value) || !/^bedrock(?:_converse)?$/.test(String(value["litellm_provider"]))) continue;
    if (key === GUARDRAIL_ENTRY) {
      rows.add({ id: GUARDRAILS, region: undefined }, { usd_per_unit: guardrailUnitsOf(value) });
      continue;
    }
    const place = placeOf(key);
    if (typeof place === "string") {
      unmapped.push(`${key}: ${place}`);
      continue;
    }
    for (const name of uncountedIn(value)) unmapped.push(`${key}: ${name} is not counted by the gateway`);
    const row = rowOf(value);
    if (row === undefined) unmapped.push(`${key}: no price for tokens, images or searches`);
    else if (!rows.add(place, row)) unmapped.push(`${key}: an earlier entry has a different price`);
  }
  return { rows: rows.rows(), unmapped };
}

const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/;

/** Model id and region of a key such as `bedrock/eu-west-1/meta.llama3-8b-instruct-v1:0`, or the reason it has none. */
function placeOf(key: string): Place | string {
  const parts = key.split("/").filter((part) =>
    !["bedrock", "bedrock_converse", "invoke", "converse"].includes(part)
  );
  if (parts.some((part) => part.endsWith("-commitment"))) {
    return "provisioned throughput is billed by the hour";
  }
  if (parts.some((part) => /-steps$/.test(part))) return "the price depends on the size of the image";
  const [first = "", second] = parts;
  const [region, id] = REGION.test(first) && second !== undefined ? [first, second] : [undefined, first];
  if (parts.length > (region === undefined ? 1 : 2)) return "unknown form of the key";
  if (!/^[a-z0-9-]+\.[A-Za-z0-9.:-]+$/.test(id)) return "not a model id";
  return { id, region };
}

function rowOf(entry: Entry): Priced | undefined {
  const tokens = tokensOf(entry, "");
  const units = unitsOf(entry);
  if (Object.keys(tokens).length + Object.keys(units).length === 0) return undefined;
  const over = STEPS.flatMap((step) => {
    const prices = tokensOf(entry, `_above_${step}k_tokens`);
    return Object.keys(prices).length === 0 ? [] : [{ input_tokens: step * 1000, usd_per_million: prices }];
  });
  const tiers = Object.entries(TIER_SUFFIXES).flatMap(([tier, suffix]) => {
    const factor = factorOf(tokens, tokensOf(entry, suffix));
    return factor === undefined ? [] : [[tier, factor]];
  });
  return {
    ...(Object.keys(tokens).length === 0 ? {} : { usd_per_million: tokens }),
    ...(over.length === 0 ? {} : { over }),
    ...(tiers.length === 0 ? {} : { tiers: Object.fromEntries(tiers) }),
    ...(Object.keys(units).length === 0 ? {} : { usd_per_unit: units }),
  };
}

/** Prices with a suffix. A model that is billed by other units has token prices of 0, which are correct. */
function tokensOf(entry: Entry, suffix: string): Prices {
  return Object.fromEntries(
    Object.entries(TOKEN_KEYS).flatMap(([part, key]) => {
      const price = entry[key + suffix];
      return typeof price === "number" && price >= 0 ? [[part, decimalText(price, 6)]] : [];
    }),
  );
}

function unitsOf(entry: Entry): Prices {
  return Object.fromEntries(
    Object.entries(UNIT_KEYS).flatMap(([unit, keys]) => {
      const price = keys.map((key) => entry[key]).find((value) => typeof value === "number");
      return typeof price === "number" && price > 0 ? [[unit, decimalText(price, 0)]] : [];
    }),
  );
}

function guardrailUnitsOf({ guardrail_cost_per_unit: prices }: Entry): Prices {
  return Object.fromEntries(
    Object.entries(isEntry(prices) ? prices : {}).flatMap(([name, price]) => {
      const part = guardrailPart(name);
      return part !== "other" && typeof price === "number" && price >= 0
        ? [[part, decimalText(price, 0)]]
        : [];
    }),
  );
}

/** The factor of all parts of a tier; undefined if the tier has no prices or its parts differ. */
function factorOf(plain: Prices, tier: Prices): string | undefined {
  const factors = Object.entries(tier).flatMap(([part, price]) => {
    const base = Number(plain[part]);
    return base > 0 ? [Math.round(Number(price) / base * 1e6) / 1e6] : [];
  });
  const [first] = factors;
  return first !== undefined && factors.every((factor) => factor === first) ? `x${first}` : undefined;
}

/** A number times ten to the power of `shift` as a decimal, with as many digits as the float is exact to. */
function decimalText(value: number, shift: number): string {
  const text = (value * 10 ** shift).toFixed(12 - shift);
  return text.replace(/\.?0+$/, "");
}

function uncountedIn(entry: Entry): readonly string[] {
  return Object.entries(entry).filter(([key, value]) => UNCOUNTED.test(key) && typeof value === "number")
    .map(([key]) => key);
}

function isEntry(value: unknown): value is Entry {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
