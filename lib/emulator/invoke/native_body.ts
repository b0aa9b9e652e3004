/** The shape of a row in the table of native bodies. */

import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Answer } from "../model/answer.ts";
import type { ConverseRequest } from "../converse/request.ts";

/** What a family of models reads and writes in InvokeModel where it says the same as a request of Converse. */
export interface NativeBody {
  toConverse(body: JsonValue | undefined): ConverseRequest;
  message(answer: Answer): JsonObject;
  /** The objects of the stream, in their order. */
  events(answer: Answer): Iterable<JsonObject>;
}
