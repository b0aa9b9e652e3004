/** The unsettled calls: those with a waiting client, and those whose client has left. */

import type { AditError } from "../base/errors.ts";
import { LinkedList } from "../base/linked_list.ts";
import type { InFlight, InFlightRequest } from "../snapshot/in_flight.ts";
import type { Store, Tally } from "../store/store.ts";
import type { Call, CallKeeper } from "./call.ts";

/** Maximum number of responses that are read to the end after their clients have left. */
const MAX_DRAINING = 64;

/** The calls of this thread, and their number in all threads. */
export class CallsInFlight implements CallKeeper {
  readonly #calls = new LinkedList<Call>();
  /** Calls whose clients have left, while their responses are read to the end. */
  readonly #leftBehind = new LinkedList<Call>();
  readonly #all: Tally;
  readonly #allLeftBehind: Tally;
  #noneLeft: PromiseWithResolvers<void> | undefined;

  constructor(store: Store) {
    this.#all = store.tally("requests in flight");
    this.#allLeftBehind = store.tally("requests left behind");
  }

  /** Calls in all threads. */
  get total(): number {
    return this.waiting + this.#allLeftBehind.total;
  }

  /** Calls in all threads whose clients have not left. */
  get waiting(): number {
    return this.#all.total;
  }

  /** The calls that have been in flight longest. */
  oldest(count: number): InFlight {
    const requests: InFlightRequest[] = [];
    for (const call of this.#calls) {
      if (requests.length === count) break;
      requests.push(call.progress);
    }
    return { total: this.#calls.size, requests };
  }

  add(call: Call): void {
    this.#calls.add(call);
    this.#all.take(1);
  }

  mayDrain(call: Call): boolean {
    if (!this.#allLeftBehind.take(1, MAX_DRAINING)) return false;
    this.#calls.delete(call);
    this.#all.give(1);
    this.#leftBehind.add(call);
    return true;
  }

  settled(call: Call): void {
    if (!call.isLeft) {
      this.#calls.delete(call);
      this.#all.give(1);
      return;
    }
    this.#leftBehind.delete(call);
    this.#allLeftBehind.give(1);
    if (this.#leftBehind.size > 0) return;
    this.#noneLeft?.resolve();
    this.#noneLeft = undefined;
  }

  /** Resolves when no response of a client that has left is being read. */
  noneLeftBehind(): Promise<void> {
    if (this.#leftBehind.size === 0) return Promise.resolve();
    this.#noneLeft ??= Promise.withResolvers();
    return this.#noneLeft.promise;
  }

  /** Aborts every call: streams with an error event, others with an error response. */
  abortAll(error: AditError): void {
    for (const call of [...this.#calls, ...this.#leftBehind]) call.end(error);
  }
}
