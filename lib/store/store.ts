/** Counters that everything with limits shares, by stable names, so that a reload resets nothing. */

/**
 * Where counters are. They are read and written without waiting: threads share them as 64-bit integers in one
 * buffer, and processes that share limits take leases in advance.
 */
export interface Store {
  /** The counter with this name; a new one is 0. */
  cell(name: string): Cell;
  /** The calls with this name; a new set is empty. */
  calls(name: string): CallSet;
  /** Forgets a counter and the calls with this name. */
  forget(name: string): void;
}

/** One integer below 2^53, changed in one step. */
export interface Cell {
  load(): number;
  /** Replaces the value if it is still the expected one. Returns whether it was. */
  swap(expected: number, next: number): boolean;
}

/** Ids of in-flight calls: unlike a count, it can neither be released twice nor drift. */
export interface CallSet {
  readonly size: number;
  /** Adds an id if there is room. Returns whether there was. */
  add(id: string, max: number): boolean;
  delete(id: string): void;
}
