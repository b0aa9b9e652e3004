/** The embedding models. */

import { COHERE } from "./cohere.ts";
import type { Embedder } from "./embedder.ts";
import { MARENGO } from "./marengo.ts";
import { NOVA } from "./nova.ts";
import { TITAN } from "./titan.ts";

export const EMBEDDERS: readonly Embedder[] = [...TITAN, ...NOVA, ...COHERE, ...MARENGO];

/** The embedding model with that id, as a foundation model or in a profile of any geography. */
export function findEmbedder(modelId: string): Embedder | undefined {
  const id = /^arn:[^/]*:(?:foundation-model|inference-profile)\/(.+)$/.exec(modelId)?.[1] ?? modelId;
  return EMBEDDERS.find((embedder) => id === embedder.id || id.replace(/^[a-z-]+\./, "") === embedder.id);
}
