/** A request in one of Bedrock's own OpenAI and Anthropic APIs. */

import type { JsonObject } from "../../base/json.ts";
import type { ModelState } from "../model/answer.ts";
import type { Model } from "../model/catalog.ts";

/** A request that has passed the checks that all APIs share. */
export interface OwnCall {
  readonly body: JsonObject;
  readonly model: Model;
  readonly isMantle: boolean;
  readonly headers: Headers;
  readonly state: ModelState;
}
