/**
 * Room for requests whose sender is not proven yet: a signature covers the body, so it can only be verified after the
 * body has been received. Whoever knows an access key id could otherwise fill the memory and all slots.
 */

import { AditError } from "../base/errors.ts";
import type { Caller, Limits } from "../snapshot/snapshot.ts";

/** Share of `limits.concurrent` for all unproven requests, and for those that claim to be of one caller. */
const SHARE = 1 / 8;
const CALLER_SHARE = 1 / 2;
/** Total size, in bodies of the maximum size. */
const MAX_BODIES = 4;
/** Such a body has to arrive faster than others. */
export const UNPROVEN_IDLE_MS = 10_000;
export const UNPROVEN_TOTAL_MS = 120_000;

/** The room that one request takes until it is released. */
export interface UnprovenRoom {
  /** Takes room for more bytes. Throws `busy`. */
  take(bytes: number): void;
  release(): void;
}

/** What all such requests have taken; one per process. */
export class Unproven {
  #requests = 0;
  #bytes = 0;
  /** Requests by the name of the caller they claim to be of. */
  readonly #claims = new Map<string, number>();

  /** Takes room for a request that claims to be of the caller. Throws `busy`. */
  enter({ name }: Caller, { concurrent, bodyBytes }: Pick<Limits, "concurrent" | "bodyBytes">): UnprovenRoom {
    const most = Math.max(2, Math.floor(concurrent * SHARE));
    const claims = this.#claims.get(name) ?? 0;
    if (this.#requests >= most || claims >= most * CALLER_SHARE) throw new AditError("busy");
    this.#requests++;
    this.#claims.set(name, claims + 1);
    let taken = 0;
    return {
      take: (bytes) => {
        if (this.#bytes + bytes > bodyBytes * MAX_BODIES) throw new AditError("busy");
        this.#bytes += bytes;
        taken += bytes;
      },
      release: () => {
        this.#requests--;
        this.#bytes -= taken;
        const left = (this.#claims.get(name) ?? 0) - 1;
        if (left > 0) this.#claims.set(name, left);
        else this.#claims.delete(name);
      },
    };
  }
}
