/** The type of a row in the table of native bodies. */

import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Answer } from "../model/answer.ts";
import type { ConverseRequest } from "../converse/request.ts";
import type { Model } from "../model/catalog.ts";

/** A family's native bodies, for families whose body is equivalent to a Converse request. */
export interface NativeBody {
  toConverse(body: JsonValue | undefined): ConverseRequest;
  message(answer: Answer, model: Model): JsonObject;
  /** The objects of the stream, in order. */
  events(answer: Answer, model: Model): Iterable<JsonObject>;
}
