/** Rows for the ledger's thread, packed for cheap sending: numbers in a shared buffer, and each set of names once. */

import type { LedgerRow } from "./row.ts";

/** The members of a row with few different values, in their order in a packed set of names. */
export const NAMES = [
  "modelId",
  "model",
  "target",
  "error",
  "api",
  "team",
  "region",
  "price",
  "tier",
  "tags",
  "caller",
] as const satisfies readonly (keyof LedgerRow)[];

/** The members that are numbers, in their order in a packed row; the index of its set of names follows them. */
export const NUMBERS = [
  "atMs",
  "status",
  "attempts",
  "ms",
  "firstMs",
  "input",
  "output",
  "cacheRead",
  "cacheWrite",
  "cacheWrite1h",
  "reasoning",
  "images",
  "costNano",
  "isEstimated",
] as const satisfies readonly (keyof LedgerRow)[];

/** Number of numbers in a packed row. */
export const ROW_NUMBERS = NUMBERS.length + 1;

/** Plain data. */
export interface PackedRows {
  readonly count: number;
  /** `ROW_NUMBERS` of each row, as 64-bit floats; NaN for null. The buffer may be longer. */
  readonly numbers: SharedArrayBuffer;
  /** The ids, each followed by a space. */
  readonly requestIds: string;
  /** The `NAMES` of each set, one after another. */
  readonly names: readonly string[];
  /** The `detail` of rows that have one, with the row's index. */
  readonly details: readonly (readonly [index: number, detail: string])[];
}

export const NO_ROWS: PackedRows = {
  count: 0,
  numbers: new SharedArrayBuffer(0),
  requestIds: "",
  names: [],
  details: [],
};

/** A set of names, given by one of the rows that have it. */
interface NameSet {
  readonly row: LedgerRow;
  readonly index: number;
}

/** Packs rows as they arrive, up to a maximum number. */
export class RowPacker {
  readonly #maxRows: number;
  #numbers: Float64Array<SharedArrayBuffer>;
  /** A buffer for reuse, whose rows have been written. */
  #spare: SharedArrayBuffer | undefined;
  #count = 0;
  #requestIds = "";
  #names: string[] = [];
  #details: [number, string][] = [];
  /** The sets so far, by caller. */
  #sets = new Map<string, NameSet[]>();
  #setCount = 0;

  constructor(maxRows: number) {
    this.#maxRows = maxRows;
    this.#numbers = this.#emptyNumbers();
  }

  #emptyNumbers(): Float64Array<SharedArrayBuffer> {
    const { BYTES_PER_ELEMENT } = Float64Array;
    const buffer = this.#spare ?? new SharedArrayBuffer(this.#maxRows * ROW_NUMBERS * BYTES_PER_ELEMENT);
    this.#spare = undefined;
    return new Float64Array(buffer);
  }

  get count(): number {
    return this.#count;
  }

  add(row: LedgerRow): void {
    const numbers = this.#numbers;
    let at = this.#count * ROW_NUMBERS;
    numbers[at++] = row.atMs;
    numbers[at++] = row.status;
    numbers[at++] = row.attempts;
    numbers[at++] = row.ms;
    numbers[at++] = row.firstMs ?? NaN;
    numbers[at++] = row.input;
    numbers[at++] = row.output;
    numbers[at++] = row.cacheRead;
    numbers[at++] = row.cacheWrite;
    numbers[at++] = row.cacheWrite1h;
    numbers[at++] = row.reasoning;
    numbers[at++] = row.images;
    numbers[at++] = row.costNano ?? NaN;
    numbers[at++] = row.isEstimated ? 1 : 0;
    numbers[at] = this.#namesOf(row);
    if (row.detail !== "") this.#details.push([this.#count, row.detail]);
    this.#requestIds += `${row.requestId} `;
    this.#count++;
  }

  /** Takes out the rows packed so far. */
  take(): PackedRows {
    const taken = {
      count: this.#count,
      numbers: this.#numbers.buffer,
      requestIds: this.#requestIds,
      names: this.#names,
      details: this.#details,
    };
    this.#numbers = this.#emptyNumbers();
    this.#count = 0;
    this.#requestIds = "";
    this.#names = [];
    this.#details = [];
    this.#sets.clear();
    this.#setCount = 0;
    return taken;
  }

  /** Takes back the memory of rows that have been written, for reuse. */
  reuse({ numbers }: PackedRows): void {
    if (numbers !== NO_ROWS.numbers) this.#spare = numbers;
  }

  #namesOf(row: LedgerRow): number {
    const sets = this.#sets.get(row.caller);
    if (sets !== undefined) {
      for (const set of sets) if (hasSameNames(set.row, row)) return set.index;
    }
    const index = this.#setCount++;
    const set = { row, index };
    if (sets === undefined) this.#sets.set(row.caller, [set]);
    else sets.push(set);
    for (const name of NAMES) this.#names.push(row[name]);
    return index;
  }
}

/** For rows of the same caller; written out, as it runs for every request. */
function hasSameNames(one: LedgerRow, other: LedgerRow): boolean {
  return one.modelId === other.modelId && one.model === other.model && one.target === other.target &&
    one.error === other.error && one.api === other.api && one.team === other.team &&
    one.region === other.region && one.price === other.price && one.tier === other.tier &&
    one.tags === other.tags;
}

/** Rows that wait to be written, in batches. */
export class RowQueue {
  readonly #batchRows: number;
  readonly #packer: RowPacker;
  #full: PackedRows[] = [];

  constructor(batchRows: number) {
    this.#batchRows = batchRows;
    this.#packer = new RowPacker(batchRows);
  }

  get length(): number {
    return this.#full.length * this.#batchRows + this.#packer.count;
  }

  add(row: LedgerRow): void {
    this.#packer.add(row);
    if (this.#packer.count === this.#batchRows) this.#full.push(this.#packer.take());
  }

  /** Takes out the oldest batch, which may be incomplete or empty. */
  take(): PackedRows {
    return this.#full.shift() ?? (this.#packer.count === 0 ? NO_ROWS : this.#packer.take());
  }

  /** Takes back the memory of a batch that has been written. */
  reuse(written: PackedRows): void {
    this.#packer.reuse(written);
  }
}
