/** Cache points that Claude's provider refuses. */

import type { Model } from "../model/catalog.ts";
import type { CachePoint, Part, Prompt, Tool } from "../model/prompt.ts";
import { ModelRefusal } from "../server/exception.ts";

const MAX_CACHE_POINTS = 4;

interface PlacedPoint extends CachePoint {
  /** Path of its block. */
  readonly path: string;
  readonly before: Part | Tool | undefined;
}

/** Throws `ModelRefusal` with the provider's message. */
export function checkCachePoints(prompt: Prompt, model: Model): void {
  const points = [
    ...placed(prompt.tools, (at) => `tools.${at}.custom`),
    ...placed(prompt.system, (at) => `system.${at}`),
    ...prompt.turns.flatMap(({ parts }, turn) => placed(parts, (at) => `messages.${turn}.content.${at}`)),
  ];
  if (points.length > MAX_CACHE_POINTS) {
    throw new ModelRefusal(
      `A maximum of ${MAX_CACHE_POINTS} blocks with cache_control may be provided. Found ${points.length}.`,
    );
  }
  const named = points.find(({ isTtlNamed }) => isTtlNamed);
  if (named !== undefined && !model.longCacheTtl) {
    throw new ModelRefusal(`${named.path}.cache_control.ephemeral.ttl: Extra inputs are not permitted`);
  }
  const late = points.find(({ ttl }, at) =>
    ttl === "1h" && points.slice(0, at).some(({ ttl }) => ttl === "5m")
  );
  if (late !== undefined) {
    throw new ModelRefusal(
      `${late.path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control ` +
        "block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.",
    );
  }
  const thought = points.find(({ before }) => before?.kind === "reasoning" || before?.kind === "redacted");
  if (thought !== undefined) {
    throw new ModelRefusal(`${thought.path}: thinking blocks cannot have cache_control`);
  }
}

function placed(parts: readonly (Part | Tool)[], pathOf: (at: number) => string): PlacedPoint[] {
  let at = -1;
  return parts.flatMap((part, index) => {
    if (part.kind === "cache_point") return [{ ...part, path: pathOf(at), before: parts[index - 1] }];
    at++;
    return [];
  });
}
