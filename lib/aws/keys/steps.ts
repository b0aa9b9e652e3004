/** A search in several steps, which reports each step that had no result and why. */

import { reasonOf } from "./key_pair.ts";

export interface Step<Found> {
  /** Such as `environment`. */
  readonly name: string;
  /** Rejects if the step has no result. */
  readonly search: () => Promise<Found>;
}

/** For each step, so that the last one is reported as well. */
const MAX_REASON_LENGTH = 160;

/** Why a step was not tried. */
export class NotSetUp extends Error {
  override readonly name = "NotSetUp";
}

/**
 * The result of the first step that has one. A step that is set up and fails ends the search, unless its error has
 * AWS's `tryNextLink`. Rejects with the reasons of all steps tried, in order.
 */
export async function firstOf<Found>(steps: readonly Step<Found>[]): Promise<Found> {
  const failed: string[] = [];
  for (const { name, search } of steps) {
    try {
      return await search();
    } catch (error) {
      failed.push(`${name}: ${shortReason(error)}`);
      if (!allowsNextStep(error)) break;
    }
  }
  throw new Error(failed.join("; "));
}

/** The result of a step; its error begins with the step's name. */
export function named<Found>(name: string, search: () => Promise<Found>): Promise<Found> {
  return firstOf([{ name, search }]);
}

function shortReason(error: unknown): string {
  return reasonOf(error).replace(/^Error: /, "").replace(/[.:]$/, "").slice(0, MAX_REASON_LENGTH);
}

function allowsNextStep(error: unknown): boolean {
  return error instanceof NotSetUp ||
    (error instanceof Error && "tryNextLink" in error && error.tryNextLink === true);
}
