/** What is known about one target, in memory that all threads share. */

import { ERROR_KINDS, type ErrorKind } from "../../base/errors.ts";
import type { Numbers, Store, Tally } from "../../store/store.ts";

/** State of one target. Times are from the monotonic clock, in milliseconds. */
export interface HealthState {
  failuresInRow: number;
  /** Streams in a row that broke after their first content. */
  breaksInRow: number;
  /** Rests until this time. */
  restsUntil: number;
  /** When its last rest began. */
  restsSince: number;
  /** How many times in a row it has rested. */
  rests: number;
  /** Whether it has rested and no request has succeeded since. */
  onProbation: boolean;
  misfit: boolean;
  latencyMs: number | undefined;
  latencyAt: number;
  /** The last two half windows of outcomes. */
  halves: readonly [Half, Half];
  /** Kind of the last failure. */
  lastError: ErrorKind | undefined;
}

/** Outcomes of half a window. */
export interface Half {
  readonly startMs: number;
  total: number;
  failed: number;
}

/** Numbers of a state, the last of which says whether there is one. */
const LENGTH = 17;
const USED = 16;

/** The state of one target, which threads change one after another. */
export class SharedState {
  readonly #store: Store;
  readonly #name: string;
  readonly #numbers: Numbers;
  /** Requests in flight. */
  readonly #inFlight: Tally;

  constructor(store: Store, place: string) {
    this.#store = store;
    this.#name = `target ${place}`;
    this.#numbers = store.numbers(this.#name, LENGTH);
    this.#inFlight = store.tally(this.#name);
  }

  /** Whether a request has been sent to the target. */
  get isUsed(): boolean {
    return this.#inFlight.total > 0 || this.#numbers.run((numbers) => numbers[USED] === 1);
  }

  read<Result>(view: (state: HealthState, inFlight: number) => Result): Result {
    return view(this.#numbers.run(read), this.#inFlight.total);
  }

  /** Streams in a row that broke after their first content. */
  get breaksInRow(): number {
    return this.#numbers.run((numbers) => numbers[1] ?? 0);
  }

  change<Result>(work: (state: HealthState) => Result): Result {
    return this.#numbers.run((numbers) => {
      const state = read(numbers);
      const result = work(state);
      write(numbers, state);
      return result;
    });
  }

  /** Counts a request; the returned function is called when it has ended. */
  begin(): () => void {
    this.#inFlight.take(1);
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      this.#inFlight.give(1);
    };
  }

  /** Forgets everything, unless a request is in flight. Returns whether it did. */
  forget(): boolean {
    if (this.#inFlight.total > 0) return false;
    this.#numbers.run((numbers) => numbers.fill(0));
    this.#store.forget(this.#name);
    return true;
  }
}

function read(numbers: Float64Array): HealthState {
  const at = (index: number) => numbers[index] ?? 0;
  return {
    failuresInRow: at(0),
    breaksInRow: at(1),
    restsUntil: at(2),
    restsSince: at(3),
    rests: at(4),
    onProbation: at(5) === 1,
    misfit: at(6) === 1,
    // One more than the latency or the position, since 0 is none.
    latencyMs: at(7) === 0 ? undefined : at(7) - 1,
    latencyAt: at(8),
    halves: [
      { startMs: at(9), total: at(10), failed: at(11) },
      { startMs: at(12), total: at(13), failed: at(14) },
    ],
    lastError: ERROR_KINDS[at(15) - 1],
  };
}

function write(numbers: Float64Array, state: HealthState): void {
  const { latencyMs, halves: [first, second], lastError } = state;
  numbers[0] = state.failuresInRow;
  numbers[1] = state.breaksInRow;
  numbers[2] = state.restsUntil;
  numbers[3] = state.restsSince;
  numbers[4] = state.rests;
  numbers[5] = Number(state.onProbation);
  numbers[6] = Number(state.misfit);
  numbers[7] = latencyMs === undefined ? 0 : latencyMs + 1;
  numbers[8] = state.latencyAt;
  numbers[9] = first.startMs;
  numbers[10] = first.total;
  numbers[11] = first.failed;
  numbers[12] = second.startMs;
  numbers[13] = second.total;
  numbers[14] = second.failed;
  numbers[USED] = 1;
  numbers[15] = lastError === undefined ? 0 : ERROR_KINDS.indexOf(lastError) + 1;
}
