/** The health of one target, in memory that all threads share. */

import { ERROR_KINDS, type ErrorKind } from "../../base/errors.ts";
import type { Numbers, Store, Tally } from "../../store/store.ts";

/** State of one target. Times are from the monotonic clock, in milliseconds. */
export interface HealthState {
  failuresInRow: number;
  /** Streams in a row that broke after their first content. */
  breaksInRow: number;
  /** When its current rest ends. */
  restsUntil: number;
  /** When its last rest began. */
  restsSince: number;
  /** Number of rests in a row. */
  rests: number;
  /** Whether it has rested and no request has succeeded since. */
  onProbation: boolean;
  misfit: boolean;
  latencyMs: number | undefined;
  latencyAt: number;
  /** Outcomes in the current half of the window. */
  latest: Half;
  /** Outcomes in the half before it. */
  earlier: Half;
  /** The kind of the last failure. */
  lastError: ErrorKind | undefined;
}

/** Outcomes of half a window. */
export interface Half {
  readonly startMs: number;
  total: number;
  failed: number;
}

/** A change of a state, made by `stateChange`. */
export type StateChange<Input, Result> = (numbers: Float64Array, input: Input) => Result;

/** The change that `work` makes to a state. Changes that every request makes are created once. */
export function stateChange<Input, Result>(
  work: (state: HealthState, input: Input) => Result,
): StateChange<Input, Result> {
  return (numbers, input) => {
    const state = read(numbers);
    const result = work(state, input);
    write(numbers, state);
    return result;
  };
}

/** Length of a state in numbers; the last one is 1 once the state has been written. */
const LENGTH = 17;
const USED = 16;

/** The state of one target, which one thread changes at a time. */
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
    return this.#numbers.run(readBreaksInRow);
  }

  change<Input, Result>(change: StateChange<Input, Result>, input: Input): Result {
    return this.#numbers.run(change, input);
  }

  /** Counts a request in flight; the returned function ends it. */
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

function readBreaksInRow(numbers: Float64Array): number {
  return at(numbers, 1);
}

function at(numbers: Float64Array, index: number): number {
  return numbers[index] ?? 0;
}

function read(numbers: Float64Array): HealthState {
  const latency = at(numbers, 7);
  return {
    failuresInRow: at(numbers, 0),
    breaksInRow: at(numbers, 1),
    restsUntil: at(numbers, 2),
    restsSince: at(numbers, 3),
    rests: at(numbers, 4),
    onProbation: at(numbers, 5) === 1,
    misfit: at(numbers, 6) === 1,
    // Stored plus one, as 0 means none; so is the position of the last error.
    latencyMs: latency === 0 ? undefined : latency - 1,
    latencyAt: at(numbers, 8),
    earlier: { startMs: at(numbers, 9), total: at(numbers, 10), failed: at(numbers, 11) },
    latest: { startMs: at(numbers, 12), total: at(numbers, 13), failed: at(numbers, 14) },
    lastError: ERROR_KINDS[at(numbers, 15) - 1],
  };
}

function write(numbers: Float64Array, state: HealthState): void {
  const { latencyMs, earlier, latest, lastError } = state;
  numbers[0] = state.failuresInRow;
  numbers[1] = state.breaksInRow;
  numbers[2] = state.restsUntil;
  numbers[3] = state.restsSince;
  numbers[4] = state.rests;
  numbers[5] = Number(state.onProbation);
  numbers[6] = Number(state.misfit);
  numbers[7] = latencyMs === undefined ? 0 : latencyMs + 1;
  numbers[8] = state.latencyAt;
  numbers[9] = earlier.startMs;
  numbers[10] = earlier.total;
  numbers[11] = earlier.failed;
  numbers[12] = latest.startMs;
  numbers[13] = latest.total;
  numbers[14] = latest.failed;
  numbers[USED] = 1;
  numbers[15] = lastError === undefined ? 0 : ERROR_KINDS.indexOf(lastError) + 1;
}
