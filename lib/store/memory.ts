/** Counters in the memory of one thread. */

import type { CallSet, Cell, Store } from "./store.ts";

/** Counters of one process without further threads. */
export class MemoryStore implements Store {
  readonly #cells = new Map<string, Cell>();
  readonly #calls = new Map<string, CallSet>();

  cell(name: string): Cell {
    return entry(this.#cells, name, () => new MemoryCell());
  }

  calls(name: string): CallSet {
    return entry(this.#calls, name, () => new MemoryCalls());
  }

  forget(name: string): void {
    this.#cells.delete(name);
    this.#calls.delete(name);
  }
}

class MemoryCell implements Cell {
  #value = 0;

  load(): number {
    return this.#value;
  }

  swap(expected: number, next: number): boolean {
    if (this.#value !== expected) return false;
    this.#value = next;
    return true;
  }
}

class MemoryCalls implements CallSet {
  readonly #ids = new Set<string>();

  get size(): number {
    return this.#ids.size;
  }

  add(id: string, max: number): boolean {
    if (this.#ids.size >= max) return false;
    this.#ids.add(id);
    return true;
  }

  delete(id: string): void {
    this.#ids.delete(id);
  }
}

function entry<Value>(map: Map<string, Value>, name: string, make: () => Value): Value {
  let value = map.get(name);
  if (value === undefined) {
    value = make();
    map.set(name, value);
  }
  return value;
}
