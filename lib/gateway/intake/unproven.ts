/**
 * Limits for requests whose sender is not proven yet: a signature covers the body, so it can only be verified after the
 * body has been received. Otherwise anybody who knows an access key id could use up the memory and all slots.
 */

import { AditError } from "../../base/errors.ts";
import type { Caller, Limits } from "../../snapshot/snapshot.ts";
import type { Store, Tally } from "../../store/store.ts";

/** Share of `limits.concurrent` for all unproven requests, and the share of that for those of one claimed caller. */
const SHARE = 1 / 8;
const CALLER_SHARE = 1 / 2;
/** Maximum total size, as a number of bodies of the maximum size. */
const MAX_BODIES = 4;
/** The bodies have to arrive faster than others. */
export const UNPROVEN_IDLE_MS = 10_000;
export const UNPROVEN_TOTAL_MS = 120_000;

/** The room that one request takes until it is released. */
export interface UnprovenRoom {
  /** Takes room for more bytes. Throws `busy`. */
  take(bytes: number): void;
  release(): void;
}

/** The room that all such requests of the process have taken. */
export class Unproven {
  readonly #store: Store;
  readonly #requests: Tally;
  readonly #bytes: Tally;
  /** Numbers of requests by the name of the claimed caller. */
  readonly #claims = new Map<string, Tally>();

  constructor(store: Store) {
    this.#store = store;
    this.#requests = store.tally("unproven requests");
    this.#bytes = store.tally("unproven bytes");
  }

  /** Takes room for a request that claims to come from the caller. Throws `busy`. */
  enter({ name }: Caller, { concurrent, bodyBytes }: Pick<Limits, "concurrent" | "bodyBytes">): UnprovenRoom {
    const most = Math.max(2, Math.floor(concurrent * SHARE));
    const claims = this.#claimsOf(name);
    if (!this.#requests.take(1, most)) throw new AditError("busy");
    if (!claims.take(1, most * CALLER_SHARE)) {
      this.#requests.give(1);
      throw new AditError("busy");
    }
    let taken = 0;
    return {
      take: (bytes) => {
        if (!this.#bytes.take(bytes, bodyBytes * MAX_BODIES)) throw new AditError("busy");
        taken += bytes;
      },
      release: () => {
        this.#requests.give(1);
        this.#bytes.give(taken);
        claims.give(1);
      },
    };
  }

  #claimsOf(name: string): Tally {
    let claims = this.#claims.get(name);
    if (claims === undefined) this.#claims.set(name, claims = this.#store.tally(`unproven ${name}`));
    return claims;
  }
}
