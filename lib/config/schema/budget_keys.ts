/** The keys of budgets. */

import { z } from "zod";

import { BUDGET_EACH, RESERVES, WINDOWS } from "../../snapshot/budget.ts";
import { decimal, either, flag, list, mapping, parsed, percentage, text } from "./fields.ts";
import { scope } from "./limit_keys.ts";
import { COUNT, parseCount, parseWebhook } from "./values.ts";

const MAX_COUNT = 1_000_000_000_000_000;

/** A positive integer, bare or with a suffix. */
function count(what: string) {
  const source = either(`a number of ${what} such as 5000, 10k or 50M`, [
    z.string().regex(COUNT),
    z.int().min(1).max(MAX_COUNT),
  ]);
  return source.transform((value, context) => {
    const number = typeof value === "number" ? value : parseCount(value);
    if (number !== undefined && number >= 1 && number <= MAX_COUNT) return number;
    context.addIssue({ code: "custom" });
    return z.NEVER;
  });
}

const budgetKeys = () => ({
  usd: decimal({ min: 0.000001, max: 9_000_000 }).optional().describe("Maximum cost in US dollars."),
  tokens: count("tokens").optional().describe("Maximum number of tokens of all kinds."),
  requests: count("requests").optional().describe("Maximum number of requests."),
  window: z.enum(WINDOWS).prefault("month").describe(
    "When the budget starts again: each day, week or month, or never (total).",
  ),
  time_zone: text({ expected: "the name of a time zone, such as Europe/Berlin", maxLength: 64 }).prefault(
    "UTC",
  )
    .describe("Time zone in which windows begin; weeks begin on Monday."),
  warn: list(percentage({ min: 1, max: 100 }), { min: 0, max: 8 }).prefault(["80%", "100%"])
    .describe("Shares of the budget at which a warning is logged."),
  webhook: parsed({
    expected: "an http or https URL without user info and fragment",
    parse: parseWebhook,
    sensitive: true,
  }).optional().describe("URL to which warnings are also sent, as JSON; it can contain a token."),
  when_spent: either("refuse, warn, or use: and the name of a model", [
    z.enum(["refuse", "warn"]),
    mapping(() => ({
      use: text({ expected: "the name of a model", maxLength: 128 })
        .describe("Name of the model that requests are sent to instead."),
    })),
  ]).prefault("refuse").describe(
    "What happens once the budget is spent: refuse requests, only warn, or send them to another model.",
  ),
  reserve: z.enum(RESERVES).prefault("typical").describe(
    "Amount to reserve for a request until it ends: one that it will seldom exceed, or the maximum that it can use.",
  ),
  cut_streams: flag().prefault(false).describe(
    "Whether a running stream is ended, with an error, once it has used the rest of the budget.",
  ),
});

/** The budget of one caller. */
export const callerBudget = mapping(budgetKeys);

/** A budget for any number of callers and models. */
export const budget = mapping(() => ({
  for: scope.prefault({}).describe("Requests that the budget applies to; default: all."),
  each: z.enum(BUDGET_EACH).prefault("none")
    .describe(
      "What the budget applies to: each caller, team or model separately, or all of them together (none).",
    ),
  ...budgetKeys(),
}));

export type BudgetConfig = z.output<typeof budget>;
export type CallerBudgetConfig = z.output<typeof callerBudget>;
