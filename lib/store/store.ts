/** Counters for everything that has limits, by stable names, so that a reload resets nothing. */

/**
 * The counters of a process. They are read and written without waiting for a message, as threads share them in one
 * buffer.
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
  /** Gives up everything with this name. Its values may be lost once no thread uses it. */
  forget(name: string): void;
}

/** One integer below 2^53, changed in one step. */
export interface Cell {
  load(): number;
  /** Replaces the value if it is still the expected one. Returns whether it was. */
  swap(expected: number, next: number): boolean;
}

/** A sum of amounts that are taken and given back; what a thread has taken is given back when it dies. */
export interface Tally {
  readonly total: number;
  /** Takes an amount unless the total would exceed `max`; default: no maximum. Returns whether it was taken. */
  take(amount: number, max?: number): boolean;
  /** Gives back what the same thread has taken. */
  give(amount: number): void;
}

/** Numbers that change together. */
export interface Numbers {
  /**
   * Runs `work` while no other thread reads or changes the numbers. It must neither wait nor call `run` again. To avoid
   * a closure for every request, `work` can be a constant function that gets what it needs as `input`.
   */
  run<Result>(work: (numbers: Float64Array) => Result): Result;
  run<Input, Result>(work: (numbers: Float64Array, input: Input) => Result, input: Input): Result;
}

/** Numbers with several names that change together, in one thread at a time. */
export interface Section {
  /**
   * Begins a change of less than a microsecond. `leave` must follow; until then, the thread must neither wait nor enter
   * a section again.
   */
  enter(): void;
  leave(): void;
  /**
   * The numbers with this name, for use between `enter` and `leave`; new ones are 0. A name always has the same length.
   */
  numbers(name: string, length: number): Float64Array;
  /** The tally with this name, for use between `enter` and `leave`; a new one is 0. */
  tally(name: string): Tally;
}

/** Adds to a counter. */
export function addTo(cell: Cell, amount: number): void {
  for (let known = cell.load(); !cell.swap(known, known + amount);) known = cell.load();
}

/** Runs a change within a section; for code that can afford a closure. */
export function within<Result>(section: Section, change: () => Result): Result {
  section.enter();
  try {
    return change();
  } finally {
    section.leave();
  }
}
