/** The keys of rate limits and quotas. */

import { z } from "zod";

import { EACH, MODES } from "../../snapshot/limits.ts";
import { about, decimal, duration, either, integer, list, mapping, parsed, text } from "./fields.ts";
import { COUNT, parseCount, parseRate, RATE } from "./values.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const names = (expected: string) =>
  list(
    text({ expected, pattern: /^[A-Za-z0-9._:@\/*-]+$/, maxLength: 128, hint: "* is the only wildcard" }),
    {
      min: 1,
      max: 256,
    },
  ).optional();

const tagValues = () => text({ expected: "the value of a tag, or a glob", pattern: /^[\x20-\x7e]{1,128}$/ });

/** The requests that a limit applies to. */
export const scope = mapping(() => ({
  callers: names("the name of a caller, or a glob such as search-*")
    .describe("Names of callers, or globs over them; default: all."),
  teams: names("the name of a team, or a glob such as search-*")
    .describe("Names of teams, or globs over them; default: all callers, with or without a team."),
  models: names("the name of a model, or a glob such as nova-*")
    .describe("Names of models, or globs over them; default: all."),
  tags: z.record(z.string(), list(tagValues(), { min: 1, max: 64 }))
    .register(about, { expected: "a mapping from tags to lists of values" }).prefault({})
    .describe("Tags, each with the values, or globs over them, of which a caller must have one."),
}));

const rate = (what: string) =>
  parsed({ expected: `a rate of ${what} such as 60/m, 10/s, 5k/h or 2M/d`, pattern: RATE, parse: parseRate });

/** One rate, or several with different periods. */
const rates = (what: string) => {
  const expected = `a rate of ${what} such as 60/m, 10/s, 5k/h or 2M/d, or a list of them`;
  return either(expected, [rate(what), list(rate(what), { min: 1, max: 4 })]);
};

/** Not a daily rate: AWS's only daily quota is that of tokens, which has its own key. */
const quotaRate = (what: string) =>
  parsed({
    expected: `a rate of ${what} for each second, minute or hour, such as 60/m or 1M/m`,
    pattern: QUOTA_RATE,
    parse: parseRate,
  });

const QUOTA_RATE = /\/[smh]$/;

const weight = (byDefault: number) => decimal({ min: 0, max: 100 }).prefault(byDefault);

const weights = mapping(() => ({
  input: weight(1).describe("Tokens that one input token counts as."),
  output: weight(1).describe("Tokens that one output token counts as."),
  cache_write: weight(1).describe("Tokens that one token written to the prompt cache counts as."),
  cache_read: weight(0).describe("Tokens that one token read from the prompt cache counts as."),
}));

const limitKeys = () => ({
  requests: rates("requests").optional()
    .describe("Maximum rate of requests, or a list of rates with different periods."),
  tokens: rates("tokens").optional()
    .describe("Maximum rate of tokens, or a list of rates with different periods."),
  concurrent: integer({ min: 1, max: 60_000 }).optional().describe("Maximum number of in-flight requests."),
  burst: duration({ min: SECOND, max: 24 * HOUR }).optional()
    .describe(
      "Maximum burst, as a duration of the rate, or of the shortest rate in a list; default: the rate's own period.",
    ),
  mode: z.enum(MODES).prefault("enforce")
    .describe("enforce refuses requests over the limit; shadow only counts and reports them."),
  wait: duration({ min: 0, max: MINUTE }).prefault("0s")
    .describe("How long a request waits for its turn before it is refused; 0s refuses immediately."),
  count: weights.prefault({}).describe("How much each kind of token counts."),
  reserve_output: integer({ min: 1, max: 10_000_000 }).prefault(4096)
    .describe("Maximum number of output tokens reserved for a request until it is answered."),
});

/** The limits of one caller. */
export const callerLimits = mapping(limitKeys);

/** A rule for any number of callers and models. */
export const rateLimit = mapping(() => ({
  for: scope.prefault({}).describe("Requests that the rule applies to; default: all."),
  each: z.enum(EACH).prefault("caller").describe(
    "What the limit applies to: each caller, team, model, or pair of caller and model separately, or all of them together (none).",
  ),
  ...limitKeys(),
}));

/** The quota of a provider's account for the model ids that match. */
export const quota = mapping(() => ({
  match: text({
    expected: "a glob over model ids, such as *claude-sonnet-4*",
    pattern: /^[A-Za-z0-9._:\/*-]+$/,
    maxLength: 2048,
    hint: "* is the only wildcard",
  }).describe("Glob over model ids; the quota applies to each id separately."),
  requests: quotaRate("requests").optional().describe("Quota of requests, as a rate."),
  tokens: quotaRate("tokens").optional().describe("Quota of tokens, as a rate, as Bedrock counts them."),
  tokens_per_day: parsed({
    expected: "a number of tokens such as 500M",
    pattern: COUNT,
    parse: parseCount,
  }).optional().describe("Quota of tokens per day (UTC)."),
  burndown: integer({ min: 1, max: 100 }).prefault(1)
    .describe("Number of tokens that an output token uses of the quota, which AWS lists for the model."),
  burst: duration({ min: SECOND, max: MINUTE }).prefault("10s")
    .describe("Maximum burst, as a duration of the rates."),
  when_short: z.enum(["ask", "refuse"]).prefault("ask")
    .describe(
      "If the quotas of all targets are used up: send the request to Bedrock anyway (ask), or refuse it.",
    ),
}));

export type RateLimitConfig = z.output<typeof rateLimit>;
export type CallerLimitsConfig = z.output<typeof callerLimits>;
export type QuotaConfig = z.output<typeof quota>;
