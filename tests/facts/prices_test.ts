/** The table of prices: exact decimals, the most specific row, and the cost of requests. */

import assert from "node:assert/strict";
import { costOf, costParts, usdText } from "../../lib/facts/cost.ts";
import { litellmPrices } from "../../lib/facts/price_import/litellm_prices.ts";
import { guardrailPriceOf, priceOf, withGuardrails } from "../../lib/facts/price_book.ts";
import { builtInPrices, compilePrices, PriceBook, type PriceRow } from "../../lib/facts/price_table.ts";
import { priceOrigin } from "../../lib/facts/price_text.ts";
import { priceTableText } from "../../lib/facts/price_table_text.ts";
import { parse } from "yaml";
import { pricesFile } from "../../lib/config/schema/price_keys.ts";

const NOW = Date.parse("2026-11-27T00:00:00Z");
const book = new PriceBook([]);
const find = (id: string, region = "us-east-1") => book.find({ id, region }, NOW);
const NOTHING = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

function row(id: string, region?: string): PriceRow {
  const found = find(id, region);
  assert.ok(found !== undefined, id);
  return found;
}

Deno.test("a row of several profiles is named after the requested one", () => {
  const opus = "anthropic.claude-opus-4-8";
  for (const id of [`us.${opus}`, `eu.${opus}`, `apac.${opus}`]) {
    assert.equal(row(id).id, `built-in ${id}`);
    assert.deepEqual([row(id).ids[0], row(id).ids.length], [id, row(`apac.${opus}`).ids.length]);
    assert.equal(priceOrigin(row(id)), `row ${id}, LiteLLM 1.110.2 of 2026-11-27`);
  }
  const [written] = compilePrices(
    [{ match: ["m*", "model", "mod*"], regions: ["eu-*"], usd_per_million: { input: "1" } }],
    "prices_file",
  );
  assert.ok(written);
  const named = (id: string) => new PriceBook([written]).find({ id, region: "eu-west-1" }, NOW)?.id;
  assert.deepEqual(["model", "models", "mx"].map(named), [
    "file model (eu-*)",
    "file mod* (eu-*)",
    "file m* (eu-*)",
  ]);
});

Deno.test("geographic and global profiles have separate prices", () => {
  const sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
  assert.deepEqual([row(`us.${sonnet}`).tokens.input, row(`us.${sonnet}`).tokens.output], [
    3_300_000,
    16_500_000,
  ]);
  assert.deepEqual([row(`global.${sonnet}`).tokens.input, row(`global.${sonnet}`).tokens.output], [
    3_000_000,
    15_000_000,
  ]);
  assert.equal(
    row(`arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.${sonnet}`),
    row(`us.${sonnet}`),
  );
  assert.equal(row(`arn:aws:bedrock:us-east-1::foundation-model/${sonnet}:200k`), row(sonnet));
});

Deno.test("a row for the region overrides one for all regions", () => {
  const id = "meta.llama3-8b-instruct-v1:0";
  assert.notEqual(row(id, "ap-south-1").tokens.input, row(id, "us-east-1").tokens.input);
});

Deno.test("the price of an id without a row is unknown, not zero", () => {
  assert.equal(find("vendor.model-of-tomorrow-v1:0"), undefined);
  const rules = { rows: [], assume: "us.amazon.nova-lite-v1:0" };
  const found = priceOf({ id: "vendor.model-of-tomorrow-v1:0", region: "us-east-1" }, rules, NOW);
  assert.equal(found?.isAssumed, true);
  assert.deepEqual(found?.row, row("us.amazon.nova-lite-v1:0"));
});

Deno.test("an application inference profile has the price of its base model", () => {
  const arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
  assert.equal(find(arn), undefined);
  const base = "us.amazon.nova-lite-v1:0";
  assert.equal(book.find({ id: arn, baseModel: base, region: "us-east-1" }, NOW), row(base));
});

Deno.test("rows of the file override built-in ones, the more specific pattern and the later date win", () => {
  const rows = compilePrices([
    { match: "us.amazon.*", usd_per_million: { input: "9", output: "9" } },
    { match: "us.amazon.nova-*", usd_per_million: { input: "8", output: "8" } },
    { match: "us.amazon.nova-*", usd_per_million: { input: "7", output: "7" }, from: "2026-12-01" },
  ], "prices_file");
  const own = new PriceBook(rows);
  const at = (nowMs: number) =>
    own.find({ id: "us.amazon.nova-lite-v1:0", region: "us-east-1" }, nowMs)?.tokens.input;
  assert.equal(at(NOW), 8_000_000);
  assert.equal(at(Date.parse("2026-12-01T00:00:00Z")), 7_000_000);
});

Deno.test("each part of the prompt has its own price, and the sum is rounded once", () => {
  const price = row("us.anthropic.claude-sonnet-4-5-20250929-v1:0");
  const usage = {
    inputTokens: 3,
    outputTokens: 5,
    cacheReadTokens: 7,
    cacheWriteTokens: 24,
    cacheWrite1hTokens: 13,
  };
  // 3 x 3.30 + 5 x 16.50 + 7 x 0.33 + 11 x 4.125 + 13 x 6.60 USD per million.
  assert.equal(costOf(usage, price), 225_885);
  assert.equal(costOf({ ...NOTHING, inputTokens: 1 }, row("us.amazon.nova-micro-v1:0")), 35);
  assert.equal(costOf({ ...NOTHING, cacheReadTokens: 1 }, row("us.amazon.nova-micro-v1:0")), 9);
});

Deno.test("a prompt beyond the step is charged at the higher price from its first token", () => {
  const price = row("us.anthropic.claude-sonnet-4-5-20250929-v1:0");
  assert.equal(costOf({ ...NOTHING, inputTokens: 200_000 }, price), 200_000 * 3300);
  assert.equal(costOf({ ...NOTHING, inputTokens: 1, cacheReadTokens: 200_000 }, price), 6600 + 200_000 * 660);
});

Deno.test("tiers have factors; a tier without one is unknown, reserved capacity is paid already", () => {
  const price = row("openai.gpt-oss-120b-1:0");
  const usage = { ...NOTHING, inputTokens: 1000, outputTokens: 1000 };
  assert.equal(costOf(usage, price), 750_000);
  assert.equal(costOf(usage, price, "flex"), 375_000);
  assert.equal(costOf(usage, price, "priority"), 1_312_500);
  assert.equal(costOf(usage, price, "reserved"), 0);
  assert.equal(costOf(usage, price, "optimized"), undefined);
});

Deno.test("a part without a price makes the cost unknown only if it was used", () => {
  const price = row("openai.gpt-oss-120b-1:0");
  assert.equal(costOf({ ...NOTHING, inputTokens: 1, cacheReadTokens: 1 }, price), undefined);
  assert.equal(costOf({ ...NOTHING, images: 2 }, row("amazon.nova-canvas-v1:0")), 120_000_000);
  assert.equal(costOf({ ...NOTHING, queries: 3 }, row("cohere.rerank-v3-5:0")), 6_000_000);
  assert.equal(costOf({ ...NOTHING, images: 1 }, price), undefined);
});

Deno.test("guardrails are billed per unit, in addition to tokens and in every tier", () => {
  const guardrails = guardrailPriceOf("us-east-1", { rows: [], assume: undefined }, 0);
  const price = withGuardrails(row("openai.gpt-oss-120b-1:0"), guardrails);
  const usage = { ...NOTHING, inputTokens: 1000, outputTokens: 1000 };
  const guardrail = {
    content_policy: 3,
    sensitive_information_policy: 1,
    word_policy: 9,
    content_policy_image: 2,
  };
  // 3 x 0.15 + 1 x 0.10 USD per 1,000 units, and 2 images at 0.00075 USD.
  assert.equal(costOf({ ...usage, guardrail }, price), 750_000 + 450_000 + 100_000 + 1_500_000);
  assert.equal(costOf({ ...usage, guardrail: { topic_policy: 1 } }, price, "flex"), 375_000 + 150_000);
  assert.equal(costOf({ ...usage, guardrail: { other: 1 } }, price), undefined);
  assert.equal(costOf({ ...usage, guardrail }, row("openai.gpt-oss-120b-1:0")), undefined);
  assert.deepEqual(costParts({ ...NOTHING, guardrail: { topic_policy: 2, other: 1 } }, price).parts, [
    { what: "topic_policy", count: 2, each: 150_000_000 },
  ]);
});

Deno.test("rows of a file for guardrails override the built-in one; rows for all models do not apply to them", () => {
  const rows = compilePrices([
    { match: "*", usd_per_million: { input: "1", output: "1" }, usd_per_unit: { image: "1" } },
    { match: "guardrails", regions: ["eu-*"], usd_per_unit: { content_policy: "0.0002" } },
  ], "prices_file");
  const priceOfContent = (region: string) =>
    guardrailPriceOf(region, { rows, assume: undefined }, 0)?.units.content_policy;
  assert.equal(priceOfContent("eu-west-1"), 200_000_000);
  assert.equal(priceOfContent("us-east-1"), 150_000_000);
});

Deno.test("amounts beyond the exact integers of a float are summed exactly", () => {
  const [price] = compilePrices(
    [{ match: "x", usd_per_million: { input: "99999.999999", output: "1" } }],
    "prices_file",
  );
  assert.ok(price !== undefined);
  assert.equal(costOf({ ...NOTHING, inputTokens: 9_000_000 }, price), 899_999_999_991_000);
});

Deno.test("amounts in nanodollars are shown as decimals", () => {
  assert.deepEqual([0n, 1n, 123_456_789n, 1_500_000_000n, -10_000_000n, 12_000_000_000n].map(usdText), [
    "0.00",
    "0.000000001",
    "0.123456789",
    "1.50",
    "-0.01",
    "12.00",
  ]);
});

Deno.test("LiteLLM's entries become rows, and prices that cannot be converted are listed", () => {
  const { rows, unmapped } = litellmPrices({
    "us.anthropic.claude-x-v1:0": {
      litellm_provider: "bedrock_converse",
      input_cost_per_token: 3.3e-6,
      output_cost_per_token: 1.65e-5,
      cache_read_input_token_cost: 3.3e-7,
      input_cost_per_token_above_200k_tokens: 6.6e-6,
      input_cost_per_token_batches: 1.65e-6,
      output_cost_per_token_batches: 8.25e-6,
    },
    "eu.anthropic.claude-x-v1:0": {
      litellm_provider: "bedrock_converse",
      input_cost_per_token: 3.3e-6,
      output_cost_per_token: 1.65e-5,
      cache_read_input_token_cost: 3.3e-7,
      input_cost_per_token_above_200k_tokens: 6.6e-6,
      input_cost_per_token_batches: 1.65e-6,
      output_cost_per_token_batches: 8.25e-6,
    },
    "bedrock/eu-west-1/amazon.titan-text-lite-v1": {
      litellm_provider: "bedrock",
      input_cost_per_token: 1.5e-7,
    },
    "bedrock/us-east-1/1-month-commitment/cohere.x-v1": {
      litellm_provider: "bedrock",
      input_cost_per_second: 0.01,
    },
    "gpt-4o": { litellm_provider: "openai", input_cost_per_token: 1 },
  });
  assert.deepEqual(rows, [
    {
      match: "amazon.titan-text-lite-v1",
      regions: ["eu-west-1"],
      usd_per_million: { input: "0.15" },
    },
    {
      match: ["eu.anthropic.claude-x-v1:0", "us.anthropic.claude-x-v1:0"],
      usd_per_million: { input: "3.3", output: "16.5", cache_read: "0.33" },
      over: [{ input_tokens: 200_000, usd_per_million: { input: "6.6" } }],
      tiers: { batch: "x0.5" },
    },
  ]);
  assert.deepEqual(unmapped, [
    "bedrock/us-east-1/1-month-commitment/cohere.x-v1: provisioned throughput is billed by the hour",
  ]);
  assert.deepEqual(pricesFile.parse(parse(priceTableText(rows))), rows);
});

Deno.test("every built-in row has a price, and no two rows claim one id and region", () => {
  const seen = new Set<string>();
  for (const { ids, regions, tokens, units, id: name } of builtInPrices()) {
    assert.ok(Object.keys(tokens).length + Object.keys(units).length > 0, name);
    for (
      const key of ids.flatMap((id) => (regions.length === 0 ? [""] : regions).map((each) => `${id} ${each}`))
    ) {
      assert.ok(!seen.has(key), key);
      seen.add(key);
    }
  }
});
