/** Tries the targets of a plan in order: the only place that decides whether a request is retried. */

import { errorRow, toAditError } from "../base/errors.ts";
import type { Target } from "../snapshot/plan.ts";
import type { Call } from "./call.ts";
import type { Attempt, ModelRequest } from "./endpoint.ts";

/** The first successful attempt, or the one whose refusal is returned to the caller. */
export async function attemptInOrder(request: ModelRequest, call: Call): Promise<Attempt> {
  const [first, ...others] = request.plan.targets;
  let attempt = await attemptAt(first, request, call);
  for (const target of others) {
    if (!mayTryNext(attempt)) break;
    attempt = await attemptAt(target, request, call);
  }
  return attempt;
}

/** Whether another target may be tried: the refusal only concerns this target. */
function mayTryNext({ refused }: Attempt): boolean {
  return refused !== undefined && errorRow(refused.kind).retry === "elsewhere";
}

async function attemptAt(target: Target, request: ModelRequest, call: Call): Promise<Attempt> {
  try {
    return await request.attempt(target, call);
  } catch (cause) {
    return { refused: toAditError(cause), ignored: [] };
  }
}
