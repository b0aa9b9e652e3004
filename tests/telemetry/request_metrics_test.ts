/** Metrics of requests: every number is that of the library for the same records, in its text. */

import { deepEqual, equal } from "node:assert/strict";
import { Counter, Histogram, Registry } from "prom-client";
import type { RequestRecord } from "../../lib/snapshot/record.ts";
import { RequestMetrics } from "../../lib/telemetry/request_metrics.ts";
import { CounterFamily, HistogramFamily } from "../../lib/telemetry/series.ts";
import { record } from "./record.ts";

const NOTHING = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
const USAGE = { ...NOTHING, inputTokens: 7, outputTokens: 3, cacheReadTokens: 5, reasoningTokens: 2 };

/** The values of one metric, by its labels. */
function valuesOf(records: readonly RequestRecord[], metric: string): Readonly<Record<string, number>> {
  const metrics = new RequestMetrics({
    isModel: (name) => name === "haiku",
    teamOf: (caller) => caller === "search" ? "web" : undefined,
  });
  for (const each of records) metrics.add(each);
  const lines = [...metrics.text().matchAll(new RegExp(`^${metric}\\{(.*)\\} (.*)$`, "gm"))];
  return Object.fromEntries(lines.map(([, labels = "", value]) => [labels, Number(value)]));
}

Deno.test("the text of counters and histograms is the library's, with every character that needs an escape", async () => {
  const registry = new Registry();
  const labels = ["model", "caller"] as const;
  const limits = [0.05, 1, 10];
  const about = { name: "some_total", help: "Counts.", labels };
  const times = { name: "some_seconds", help: "Times.", labels };
  const theirs = new Counter({
    name: about.name,
    help: about.help,
    labelNames: labels,
    registers: [registry],
  });
  const theirTimes = new Histogram({
    name: times.name,
    help: times.help,
    labelNames: labels,
    buckets: limits,
    registers: [registry],
  });
  const ours = new CounterFamily(about);
  const ourTimes = new HistogramFamily(times, limits);
  for (const [model, caller] of [["a", "b"], ["a", 'say "hi"\\\n'], ["", "b"]] as const) {
    for (const value of [0.01, 0.05, 0.5, 10, 11]) {
      theirs.inc({ model, caller }, value);
      theirTimes.observe({ model, caller }, value);
      ours.of(model, caller).value += value;
      ourTimes.of(model, caller).observe(value);
    }
  }
  equal(`${ours.text()}\n${ourTimes.text()}`, await registry.metrics());
});

Deno.test("a metric without a series still has its HELP and TYPE", () => {
  equal(
    new CounterFamily({ name: "some_total", help: "Counts.", labels: ["a"] }).text(),
    "# HELP some_total Counts.\n# TYPE some_total counter\n",
  );
});

Deno.test("requests are counted by all of their labels", () => {
  const refused = record({
    status: 429,
    caller: undefined,
    error: {
      kind: "rate_limited",
      reason: undefined,
      param: undefined,
      upstream: undefined,
      cause: undefined,
    },
  });
  deepEqual(valuesOf([record(), refused, record()], "adit_requests_total"), {
    'api="chat",model="haiku",caller="search",status="200",error=""': 2,
    'api="chat",model="haiku",caller="(unknown)",status="429",error="rate_limit_exceeded"': 1,
  });
});

Deno.test("names that are not in the configuration share one series", () => {
  const records = [
    record({ model: "made-up-1" }),
    record({ model: "made-up-2" }),
    record({ model: undefined }),
    record({ model: undefined, requestedModel: "made-up-3" }),
  ];
  deepEqual(valuesOf(records, "adit_requests_total"), {
    'api="chat",model="(native)",caller="search",status="200",error=""': 2,
    'api="chat",model="(none)",caller="search",status="200",error=""': 1,
    'api="chat",model="(unknown)",caller="search",status="200",error=""': 1,
  });
});

Deno.test("tokens are those of the response, or of the estimate where it broke off", () => {
  const broken = record({ spent: { usage: { ...NOTHING, inputTokens: 4 }, estimated: true } });
  const records = [record({ usage: USAGE }), record({ usage: USAGE }), broken];
  deepEqual(valuesOf(records, "adit_tokens_total"), {
    'model="haiku",caller="search",type="input"': 18,
    'model="haiku",caller="search",type="output"': 6,
    'model="haiku",caller="search",type="cache_read"': 10,
    'model="haiku",caller="search",type="reasoning"': 4,
  });
  deepEqual(valuesOf(records, "adit_estimated_requests_total"), { 'model="haiku",caller="search"': 1 });
});

Deno.test("tokens of an attempt that broke off before the one that answered are counted, too", () => {
  const spent = { usage: { ...USAGE, inputTokens: USAGE.inputTokens + 4 }, estimated: true };
  deepEqual(
    valuesOf(
      [record({ usage: USAGE, spent })],
      "adit_tokens_total",
    )['model="haiku",caller="search",type="input"'],
    USAGE.inputTokens + 4,
  );
});

Deno.test("costs add up exactly, and an unknown price is no cost", () => {
  const cheap = record({ cost: { nano: 100, price: "p" } });
  const records = [
    ...Array.from({ length: 30 }, () => cheap),
    record({ cost: { nano: undefined, price: undefined } }),
  ];
  deepEqual(valuesOf(records, "adit_cost_usd_total"), { 'model="haiku",caller="search"': 0.000003 });
  deepEqual(valuesOf(records, "adit_unpriced_requests_total"), { 'model="haiku",caller="search"': 1 });
});

Deno.test("every attempt is counted at its own target", () => {
  const at = (target: string, error: "timeout" | undefined) => ({
    target,
    provider: target,
    region: "us-east-1",
    modelId: "m",
    startMs: 0,
    error,
    ms: 1,
    upstreamRequestId: undefined,
  });
  const moved = record({ attempts: [at("west", "timeout"), at("east", undefined)] });
  const failed = record({ attempts: [at("east", "timeout")] });
  deepEqual(valuesOf([moved, moved, failed], "adit_attempts_total"), {
    'model="haiku",target="west",result="timeout"': 2,
    'model="haiku",target="east",result="ok"': 2,
    'model="haiku",target="east",result="timeout"': 1,
  });
});

Deno.test("the team of a caller is known by its name", () => {
  deepEqual(valuesOf([record(), record({ caller: "batch" })], "adit_caller_info"), {
    'caller="search",team="web"': 1,
    'caller="batch",team="(none)"': 1,
  });
});

Deno.test("each caller may have a rule of its own, and those after the first thousand share one series", () => {
  const refused = Array.from({ length: 1_010 }, (_, index) => {
    const limit = { rule: `callers.${index}`, what: "requests" };
    return record({ status: 429, limit, shadowLimits: [limit] });
  });
  for (const name of ["adit_limit_refusals_total", "adit_limit_shadow_refusals_total"]) {
    const series = valuesOf(refused, name);
    equal(Object.keys(series).length, 1_001);
    equal(series['rule="(others)",kind="requests"'], 10);
  }
});

Deno.test("a request that a rule refuses is counted for the rule, although it has no cost", () => {
  const refused = record({ status: 429, limit: { rule: "team", what: "tokens" } });
  deepEqual(valuesOf([refused], "adit_limit_refusals_total"), { 'rule="team",kind="tokens"': 1 });
});

Deno.test("times of streams are observed where they are known", () => {
  const stream = record({
    stream: true,
    firstByteMs: 100,
    durationMs: 300,
    usage: { ...USAGE, outputTokens: 21 },
  });
  const single = record({
    stream: true,
    firstByteMs: 100,
    durationMs: 300,
    usage: { ...USAGE, outputTokens: 1 },
  });
  const records = [record(), stream, single];
  const labels = 'model="haiku",target="east"';
  deepEqual(valuesOf(records, "adit_first_token_seconds_count"), { [labels]: 2 });
  deepEqual(valuesOf(records, "adit_output_token_seconds_sum"), { [labels]: 0.01 });
  deepEqual(valuesOf(records, "adit_overhead_seconds_sum"), { [labels]: 0.003 });
});
