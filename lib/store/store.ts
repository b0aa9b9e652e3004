/** Counters that everything with limits shares, by stable names, so that a reload resets nothing. */

/**
 * Where counters are. They are read and written without waiting for a message: threads share them in one buffer, and
 * processes that share limits take leases in advance.
 */
export interface Store {
  /** The counter with this name; a new one is 0. */
  cell(name: string): Cell;
  /** The tally with this name; a new one is 0. */
  tally(name: string): Tally;
  /** The numbers with this name; new ones are 0. A name always has the same length. */
  numbers(name: string, length: number): Numbers;
  /** The section with this name. */
  section(name: string): Section;
  /** Gives up everything with this name. Its values can be lost when no thread uses it, but need not be. */
  forget(name: string): void;
}

/** One integer below 2^53, changed in one step. */
export interface Cell {
  load(): number;
  /** Replaces the value if it is still the expected one. Returns whether it was. */
  swap(expected: number, next: number): boolean;
}

/** Integers that are taken and given back; what a thread has taken is given back when it dies. */
export interface Tally {
  readonly total: number;
  /** Takes an amount unless the total would exceed `max`; default: in any case. Returns whether it was taken. */
  take(amount: number, max?: number): boolean;
  /** Gives back what the same thread has taken. */
  give(amount: number): void;
}

/** Numbers that change together. */
export interface Numbers {
  /**
   * Runs `work`, which must neither wait nor call `run` again, while no other thread reads or changes the numbers. What
   * comes with every request is a function made once, and passes what it needs as `input`.
   */
  run<Result>(work: (numbers: Float64Array) => Result): Result;
  run<Input, Result>(work: (numbers: Float64Array, input: Input) => Result, input: Input): Result;
}

/** Numbers of many names that change together, in one thread at a time. */
export interface Section {
  /**
   * Begins a change, which takes less than a microsecond: until `leave`, which must follow, it neither waits nor enters
   * a section again.
   */
  enter(): void;
  leave(): void;
  /** The numbers with this name, for use between `enter` and `leave`; new ones are 0. A name always has the same length. */
  numbers(name: string, length: number): Float64Array;
  /** The tally with this name, for use between `enter` and `leave`; a new one is 0. */
  tally(name: string): Tally;
}

/** Adds to a counter. */
export function addTo(cell: Cell, amount: number): void {
  for (let known = cell.load(); !cell.swap(known, known + amount);) known = cell.load();
}

/** Runs a change within a section, where it may take a closure. */
export function within<Result>(section: Section, change: () => Result): Result {
  section.enter();
  try {
    return change();
  } finally {
    section.leave();
  }
}
