/** Converts LiteLLM's budgets. */

import { isMapping } from "../file/merge.ts";

/** A budget in the form of the configuration. */
export interface DraftBudget {
  readonly for?: { readonly models: readonly string[] };
  readonly usd: number;
  readonly window: "day" | "week" | "month" | "total";
}

/** A converted budget, or the reason there is none. */
export type ReadBudget =
  | { readonly budget: DraftBudget; readonly note: string | undefined }
  | { readonly budget?: undefined; readonly note: string };

/** LiteLLM's durations, and the calendar window for each. */
const WINDOWS: Readonly<Record<string, DraftBudget["window"]>> = {
  "1d": "day",
  "24h": "day",
  "7d": "week",
  "1w": "week",
  "1mo": "month",
  "28d": "month",
  "30d": "month",
  "31d": "month",
};

/** Durations that LiteLLM also resets at midnight UTC, at the start of a day, a week or a month. */
const EXACT: readonly string[] = ["1d", "24h", "7d", "1w", "1mo", "30d"];

const MIN_USD = 0.000001;
const MAX_USD = 9_000_000;

/** A budget of `max_budget` and `budget_duration`; undefined if there is none. */
export function readBudget(amount: unknown, duration: unknown): ReadBudget | undefined {
  if (amount === undefined || amount === null) return undefined;
  if (typeof amount !== "number" || !(amount >= MIN_USD && amount <= MAX_USD)) {
    return { note: `not converted: max_budget is not an amount from ${MIN_USD} to ${MAX_USD} US dollars` };
  }
  const usd = Math.round(amount * 1e9) / 1e9;
  if (duration === undefined || duration === null) {
    return { budget: { usd, window: "total" }, note: undefined };
  }
  const window = typeof duration === "string" && Object.hasOwn(WINDOWS, duration)
    ? WINDOWS[duration]
    : undefined;
  if (window === undefined) return { note: `not converted: max_budget for ${String(duration).slice(0, 20)}` };
  const note = EXACT.includes(String(duration)) ? undefined : `a calendar ${window} instead of ${duration}`;
  return { budget: { usd, window }, note };
}

/** The budget of the whole proxy, by its name. */
export function proxyBudgets(config: Readonly<Record<string, unknown>>): ReadonlyMap<string, ReadBudget> {
  const settings = config["litellm_settings"];
  const router = config["router_settings"];
  const providers = isMapping(router) ? router["provider_budget_config"] : undefined;
  const bedrock = isMapping(providers) ? providers["bedrock"] : undefined;
  const found = [
    [
      "proxy",
      isMapping(settings) ? readBudget(settings["max_budget"], settings["budget_duration"]) : undefined,
    ],
    ["bedrock", isMapping(bedrock) ? readBudget(bedrock["budget_limit"], bedrock["time_period"]) : undefined],
  ] as const;
  return new Map(found.flatMap(([name, read]) => read === undefined ? [] : [[name, read]]));
}

/** Keys of LiteLLM's sections that budgets are read from. */
export const BUDGET_KEYS: Readonly<Record<string, readonly string[]>> = {
  litellm_settings: ["max_budget", "budget_duration"],
  router_settings: ["provider_budget_config"],
};
