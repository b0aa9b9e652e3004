/** The callers' APIs that a configured model has, and how each is served. */

import type { JsonObject } from "../base/json.ts";
import { type ModelTarget, OWN_APIS, type OwnApi, type Snapshot } from "../snapshot/snapshot.ts";
import { isSignedByCaller } from "../providers/upstream.ts";
import { messagesApi } from "./model_api.ts";

/** The ways of the model's targets, without duplicates, by API. */
export type ModelApis = Readonly<Partial<Record<CallersApi, readonly Way[]>>>;

export type CallersApi = OwnApi | "embeddings" | "rerank" | "native";

/** Translated to that operation of Bedrock, or passed on to that endpoint (`runtime`, `mantle`); `native` is passed on. */
export type Way = "converse" | "invoke" | "runtime" | "mantle" | "unchanged";

/** As a JSON object; undefined if there is no such model. */
export function modelApisIn({ models }: Snapshot, name: string): JsonObject | undefined {
  const model = models.get(name);
  return model && { ...modelApis(model.targets) };
}

/** Every model has Bedrock's own API, `native`; any other that is missing is refused. */
export function modelApis(targets: readonly ModelTarget[]): ModelApis {
  const all: { [Api in CallersApi]?: Way[] } = {};
  for (const [api, way] of targets.flatMap(apisOf)) {
    const ways = all[api] ??= [];
    if (!ways.includes(way)) ways.push(way);
  }
  return all;
}

function apisOf(target: ModelTarget): readonly (readonly [CallersApi, Way])[] {
  const { ownApis, provider, traits } = target;
  const native = ["native", "unchanged"] as const;
  if (isSignedByCaller(provider)) return [native];
  for (const api of ["embeddings", "rerank"] as const) {
    if (traits[api] !== "none") return [[api, "invoke"], native];
  }
  const translated = { chat: "converse", responses: "converse", messages: messagesApi(target) } as const;
  return [...OWN_APIS.map((api) => [api, ownApis?.[api] ?? translated[api]] as const), native];
}
