/** The rate limit of one model for all callers, which other gateways keep in the model itself. */

import { isDeepStrictEqual } from "node:util";
import { sha256Hex } from "../../base/hash.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { NAME } from "../schema/values.ts";

/** The section of the rules. */
export const RULES = "rate_limits";

/** The name of a model's rule. Characters that are not allowed in names of rules are replaced. */
export function ruleName(model: string): string {
  const plain = `model-${model}`;
  if (NAME.test(plain)) return plain;
  const safe = plain.replaceAll(/[^A-Za-z0-9._-]/g, "-").slice(0, 48);
  return `${safe}-${sha256Hex(model).slice(0, 12)}`;
}

/** The model's rule in a file; `foreign` if the rule with that name limits something else. */
export function modelRule(sections: JsonObject, model: string): JsonObject | "foreign" | undefined {
  const rules = sections[RULES];
  const name = ruleName(model);
  const rule = isJsonObject(rules) && Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (rule === undefined) return undefined;
  const isOwn = isJsonObject(rule) && rule["each"] === "none" &&
    isDeepStrictEqual(rule["for"], { models: [model] });
  return isOwn ? rule : "foreign";
}

/** A rule with these limits for the model, in the order in which it is written. */
export function ruleFor(model: string, limits: JsonObject): JsonObject {
  return { for: { models: [model] }, each: "none", ...limits };
}
