/** Anthropic's `thinking` and `output_config.effort`, made to fit what a Claude model accepts. */

import { type JsonObject, member } from "../../../base/json.ts";
import { type Effort, EFFORTS, type ModelTraits } from "../../../facts/traits.ts";
import type { FieldsContext } from "../members.ts";

/** The thinking that a caller asks for. */
export interface RequestedThinking {
  /** The caller's `thinking`, whole. */
  readonly thinking: JsonObject | undefined;
  /** The caller's `output_config.effort`. */
  readonly effort: string | undefined;
  /** The limit on the answer, which includes thoughts; undefined if there is none. */
  readonly maxTokens: number | undefined;
}

export interface FittedThinking {
  readonly thinking?: JsonObject;
  readonly effort?: string;
}

/** The smallest `budget_tokens` that Anthropic accepts. */
const MIN_BUDGET_TOKENS = 1024;

/** The largest budget, in tokens, that is equivalent to each effort. */
const BUDGET_OF_EFFORT: readonly (readonly [effort: Effort, tokens: number])[] = [
  ["low", 4095],
  ["medium", 16_383],
  ["high", Infinity],
];

/** The effort of a model that chooses it itself. */
const DEFAULT_EFFORT: Effort = "high";

/**
 * The members to send. A type of thinking that the model does not accept becomes one that it does: a budget becomes an
 * effort, and an effort a budget. Changes and omissions are listed as ignored.
 */
export function fitThinking(
  requested: RequestedThinking,
  { traits, ignored }: FieldsContext,
): FittedThinking {
  const { thinking, effort } = requested;
  const fitted = thinking === undefined ? {} : fitType(thinking, requested, { traits, ignored });
  if (effort === undefined || fitted.effort !== undefined) return fitted;
  const taken = takenEffort(isOff(fitted.thinking) ? cappedEffort(effort, traits) : effort, traits);
  // An effort that became a budget has an effect.
  const isBudget = fitted.thinking !== undefined && fitted.thinking !== thinking &&
    fitted.thinking.type === "enabled";
  if (taken !== effort && !isBudget) ignored.add("output_config.effort");
  return taken === undefined ? fitted : { ...fitted, effort: taken };
}

function isOff(thinking: JsonObject | undefined): boolean {
  return thinking?.type === "disabled" || thinking?.type === "between_tools";
}

/** The effort, but not more than the model accepts with thinking switched off. */
function cappedEffort(effort: string, { maxEffortWithoutThinking: limit }: ModelTraits): string {
  return EFFORTS.findIndex((each) => each === effort) > EFFORTS.indexOf(limit) ? limit : effort;
}

function fitType(thinking: JsonObject, requested: RequestedThinking, context: FieldsContext): FittedThinking {
  const { traits: { thinkingTypes }, ignored } = context;
  const takes = (type: string) => [...thinkingTypes].some((each) => each === type);
  switch (thinking.type) {
    case "between_tools":
    case "disabled": {
      if (takes(thinking.type)) return { thinking };
      const other = thinking.type === "disabled" ? "between_tools" : "disabled";
      if (takes(other)) {
        ignored.add("thinking.type");
        return { thinking: { type: other } };
      }
      // A model that never thinks has nothing to switch off.
      if (thinkingTypes.size > 0) ignored.add("thinking");
      return {};
    }
    case "enabled":
      if (takes("enabled")) return { thinking: withinLimit(thinking, context) };
      return takes("adaptive") ? adaptive(thinking, requested, context) : leaveOut(ignored);
    default:
      if (takes("adaptive")) return { thinking };
      return takes("enabled") ? budgeted(thinking, requested, context) : leaveOut(ignored);
  }
}

function leaveOut(ignored: FieldsContext["ignored"]): FittedThinking {
  ignored.add("thinking");
  return {};
}

/** A budget has to be below the model's longest answer, to which `max_tokens` is lowered. */
function withinLimit(
  thinking: JsonObject,
  { traits: { maxOutputTokens }, ignored }: FieldsContext,
): JsonObject {
  const { budget_tokens: budget } = thinking;
  if (maxOutputTokens === undefined || typeof budget !== "number" || budget < maxOutputTokens) {
    return thinking;
  }
  ignored.add("thinking.budget_tokens");
  return { ...thinking, budget_tokens: Math.floor(maxOutputTokens / 2) };
}

/** Thinking with a budget, for a model that chooses how much it thinks. */
function adaptive(
  { type: _type, budget_tokens: budget, ...rest }: JsonObject,
  { effort }: RequestedThinking,
  { traits, ignored }: FieldsContext,
): FittedThinking {
  ignored.add("thinking.budget_tokens");
  const thinking = { type: "adaptive", ...rest };
  if (effort !== undefined || typeof budget !== "number") return { thinking };
  const [nearest = DEFAULT_EFFORT] = BUDGET_OF_EFFORT.find(([, tokens]) => budget <= tokens) ?? [];
  const taken = takenEffort(nearest, traits);
  return { thinking, ...(taken !== undefined && { effort: taken }) };
}

/** Adaptive thinking, for a model that needs a budget; none if the answer has no room for one. */
function budgeted(
  { type: _type, display: _display, ...rest }: JsonObject,
  { thinking, effort = DEFAULT_EFFORT, maxTokens = Infinity }: RequestedThinking,
  { traits, ignored }: FieldsContext,
): FittedThinking {
  const wanted = budgetOf(effort, traits) ?? MIN_BUDGET_TOKENS;
  // Thoughts count toward the limit, and must leave room for the answer itself.
  const budget = Math.min(wanted, Math.floor(maxTokens / 2));
  if (budget < MIN_BUDGET_TOKENS) return leaveOut(ignored);
  ignored.add("thinking.type");
  if (thinking?.display !== undefined) ignored.add("thinking.display");
  return { thinking: { type: "enabled", budget_tokens: budget, ...rest } };
}

/** The budget that `reasoning_effort` has for an effort, or for the next lower one. */
function budgetOf(effort: string, { reasoningEffort }: ModelTraits): number | undefined {
  const from = EFFORTS.findIndex((each) => each === effort);
  const known = EFFORTS.slice(0, from + 1).reverse().flatMap((each) => {
    const budget = member(reasoningEffort.get(each)?.thinking, "budget_tokens");
    return typeof budget === "number" ? [budget] : [];
  });
  return known[0];
}

/**
 * The effort itself, or a replacement: its equivalent in `reasoning_effort`, else the next lower one, else the lowest.
 */
function takenEffort(effort: string, { efforts, reasoningEffort }: ModelTraits): string | undefined {
  const rank = EFFORTS.findIndex((each) => each === effort);
  // An unknown effort is left for Bedrock to judge.
  if (efforts.length > 0 && rank === -1) return effort;
  if (efforts.some((each) => each === effort)) return effort;
  const mapped = member(reasoningEffort.get(effort)?.output_config, "effort");
  return efforts.find((each) => each === mapped) ??
    efforts.findLast((each) => EFFORTS.indexOf(each) < rank) ?? efforts[0];
}
