/** Models that accept no token limit and no sampling parameters together with some of their own fields. */

import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";

/** Whether the model refuses limits together with these fields of `additionalModelRequestFields`. */
export function refusesLimits({ refusesLimitsWith }: ModelTraits, fields: JsonObject): boolean {
  return Object.keys(refusesLimitsWith).length > 0 && holds(fields, refusesLimitsWith);
}

/** Whether everything in `part` is also in `value`. */
function holds(value: JsonValue | undefined, part: JsonValue): boolean {
  if (!isJsonObject(part)) return JSON.stringify(value) === JSON.stringify(part);
  return isJsonObject(value) && Object.entries(part).every(([name, inner]) => holds(value[name], inner));
}
