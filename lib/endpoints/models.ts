/**
 * `GET /v1/models` and `/v1/models/{name}`: the caller's models, in a form for OpenAI's and Anthropic's clients and for
 * Codex.
 */

import { AditError, invalidField } from "../base/errors.ts";
import { modelFor, modelsFor } from "../snapshot/access.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import type { CallerEndpoint } from "../gateway/endpoint.ts";
import { jsonAnswer } from "../gateway/outcome.ts";
import { queryOf } from "../server/path.ts";
import { codexModel, isConversational } from "./codex_models.ts";

/** The list, or one model by name. */
export function modelsEndpoint(name?: string): CallerEndpoint {
  return {
    needs: "caller",
    about: { endpoint: "models", name },
    counts: undefined,
    read({ caller, snapshot, startedMs, target }) {
      const list = listModels(name, { caller, snapshot, createdMs: startedMs, query: queryOf(target) });
      return { kind: "answer", answer: jsonAnswer(list) };
    },
  };
}

export interface ListOptions {
  readonly caller: Caller;
  readonly snapshot: Snapshot;
  /** The creation time reported for every model. */
  readonly createdMs: number;
  /**
   * May contain `limit` and `after_id` or `before_id`, as sent by Anthropic's clients; by default the list is
   * complete.
   */
  readonly query: URLSearchParams;
}

/**
 * The list, or the one model. Throws `model_not_found`, or `invalid_request` for invalid paging.
 * https://docs.anthropic.com/en/api/models-list
 */
export function listModels(
  name: string | undefined,
  { caller, snapshot, createdMs, query }: ListOptions,
): unknown {
  if (name !== undefined) {
    if (modelFor(name, caller, snapshot) !== undefined) return modelEntry(name, createdMs);
    throw new AditError("model_not_found");
  }
  const models = new Map(modelsFor(caller, snapshot).map((model) => [model.name, model]));
  const { names, hasMore } = page([...models.keys()], query);
  return {
    object: "list",
    data: names.map((each) => modelEntry(each, createdMs)),
    // Codex's catalog, which other clients ignore.
    models: names.flatMap((each, index) => {
      const model = models.get(each);
      return model !== undefined && isConversational(model) ? [codexModel(model, index)] : [];
    }),
    first_id: names[0] ?? null,
    last_id: names.at(-1) ?? null,
    has_more: hasMore,
  };
}

interface Page {
  readonly names: readonly string[];
  /** Whether there are more in the direction of paging. */
  readonly hasMore: boolean;
}

function page(names: readonly string[], query: URLSearchParams): Page {
  const limit = readLimit(query.get("limit"));
  const before = query.get("before_id");
  if (before !== null) {
    const left = names.slice(0, indexOf(before, "before_id", names));
    return { names: left.slice(-limit), hasMore: left.length > limit };
  }
  const after = query.get("after_id");
  const left = after === null ? names : names.slice(indexOf(after, "after_id", names) + 1);
  return { names: left.slice(0, limit), hasMore: left.length > limit };
}

function readLimit(text: string | null): number {
  if (text === null) return Infinity;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 1000) return limit;
  throw invalidField("limit", "expected an integer from 1 to 1000");
}

function indexOf(id: string, param: string, names: readonly string[]): number {
  const index = names.indexOf(id);
  if (index === -1) throw invalidField(param, "must be the id of a model in the list");
  return index;
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
