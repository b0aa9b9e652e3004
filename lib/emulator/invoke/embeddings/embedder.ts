/** The type of a row in the table of embedding models. */

import type { JsonObject, JsonValue } from "../../../base/json.ts";

export interface Embedded {
  readonly body: JsonObject;
  /** For the header; undefined for models without it. */
  readonly inputTokens: number | undefined;
}

/** An embedding model: it only supports InvokeModel, without streaming. */
export interface Embedder {
  readonly id: string;
  embed(body: JsonValue | undefined): Embedded;
}
