/** `GET /v1/models` and `/v1/models/{name}`: the caller's models, in OpenAI's and Anthropic's members at once. */

import { AditError } from "../base/errors.ts";
import type { Caller } from "../config/snapshot.ts";

/** The list, or the one model. Throws `model_not_found`. */
export function listModels(name: string | undefined, caller: Caller, createdMs: number): unknown {
  if (name !== undefined) {
    if (caller.models.has(name)) return modelEntry(name, createdMs);
    throw new AditError("model_not_found");
  }
  const data = [...caller.models].map((model) => modelEntry(model, createdMs));
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: false,
  };
}

function modelEntry(name: string, createdMs: number) {
  return {
    id: name,
    object: "model",
    created: Math.floor(createdMs / 1000),
    owned_by: "adit",
    type: "model",
    display_name: name,
    created_at: new Date(createdMs).toISOString(),
  };
}
