/**
 * Splits plain data into pieces for another thread. Each piece is received quickly, however large the data, so that the
 * receiver can do other work in between. Objects that occur more than once stay shared, and so does shared memory.
 */

import { setImmediate as turn } from "node:timers/promises";

type Primitive = string | number | boolean | bigint | null | undefined | SharedArrayBuffer;

/**
 * A part of the data; pieces are read in order. Memory is sent as buffers, never as views: in Deno 2.9.6, a worker
 * visits every index of a view that it receives, which takes half a second per megabyte.
 */
export interface Piece {
  /** 32-bit codes of records: a kind, its arguments, and a reference for each member. */
  readonly codes: ArrayBuffer;
  /** The primitive members, in order of the records. */
  readonly values: readonly Primitive[];
}

/** Kinds of records. All except `fill`, `shape` and `root` create an object; objects are numbered in this order. */
const KINDS = {
  object: 0,
  array: 1,
  map: 2,
  set: 3,
  fill: 4,
  shape: 5,
  root: 6,
  bytes: 7,
  numbers: 8,
} as const;

/** A reference to a primitive member. Any other reference is the number of an object plus one. */
const PRIMITIVE = 0;

/** Maximum number of entries in one record; larger collections are created empty and filled later. */
const MAX_ENTRIES = 256;

/** Codes per piece, which take the receiver about a millisecond. */
const PIECE_CODES = 8192;

/** Splits plain data into pieces. Throws a `TypeError` if the value contains anything else, such as a function. */
export function toPieces(value: object): readonly Piece[] {
  const writer = new PieceWriter();
  writer.finish(value);
  return writer.pieces;
}

/** The same for a thread that serves requests: large collections are written over several turns of the event loop. */
export async function toPiecesInTurns(value: object): Promise<readonly Piece[]> {
  const writer = new PieceWriter();
  for (const member of Object.values(value)) {
    let written = 0;
    for (const entry of entriesOf(member)) {
      writer.include(entry);
      if (++written % MAX_ENTRIES === 0) await turn();
    }
  }
  writer.finish(value);
  return writer.pieces;
}

/** The entries of a collection, without the keys of a map. */
function entriesOf(value: unknown): Iterable<unknown> {
  return value instanceof Map ? value.values() : Array.isArray(value) || value instanceof Set ? value : [];
}

class PieceWriter {
  readonly pieces: Piece[] = [];
  #codes: number[] = [];
  #values: Primitive[] = [];
  readonly #references = new Map<object, number>();
  readonly #shapes = new Map<string, number>();

  /** Writes a value that will be referred to later, if it is an object. */
  include(value: unknown): void {
    this.#referenceTo(value);
  }

  finish(root: object): void {
    const reference = this.#referenceTo(root);
    this.#codes.push(KINDS.root, reference);
    this.#flush();
  }

  /** The reference to a value; writes the object first if it is new. */
  #referenceTo(value: unknown): number {
    if (typeof value === "function" || typeof value === "symbol") {
      throw new TypeError(`Cannot send a ${typeof value} to another thread`);
    }
    if (typeof value !== "object" || value === null || value instanceof SharedArrayBuffer) return PRIMITIVE;
    return this.#references.get(value) ?? this.#write(value);
  }

  #write(value: object): number {
    if (Array.isArray(value)) return this.#writeEntries(value, KINDS.array, value);
    if (value instanceof Set) return this.#writeEntries(value, KINDS.set, [...value]);
    if (value instanceof Map) return this.#writeEntries(value, KINDS.map, [...value].flat());
    if (isSharedView(value)) return this.#writeView(value);
    if (Object.getPrototypeOf(value) !== Object.prototype) {
      throw new TypeError("Cannot send an object of a class to another thread");
    }
    const keys = Object.keys(value);
    const members: readonly unknown[] = Object.values(value);
    const references = members.map((member) => this.#referenceTo(member));
    const shape = this.#shapeOf(keys);
    this.#codes.push(KINDS.object, shape);
    return this.#complete(value, members, references);
  }

  #writeEntries(value: object, kind: number, entries: readonly unknown[]): number {
    if (entries.length <= MAX_ENTRIES) {
      const references = entries.map((entry) => this.#referenceTo(entry));
      this.#codes.push(kind, entries.length);
      return this.#complete(value, entries, references);
    }
    this.#codes.push(kind, 0);
    const reference = this.#complete(value, [], []);
    for (let start = 0; start < entries.length; start += MAX_ENTRIES) {
      const part = entries.slice(start, start + MAX_ENTRIES);
      const references = part.map((entry) => this.#referenceTo(entry));
      this.#codes.push(KINDS.fill, reference, part.length);
      this.#members(part, references);
    }
    return reference;
  }

  #writeView(view: SharedView): number {
    this.#codes.push(view instanceof Uint8Array ? KINDS.bytes : KINDS.numbers);
    return this.#complete(view, [view.buffer], [PRIMITIVE]);
  }

  #complete(value: object, members: readonly unknown[], references: readonly number[]): number {
    const reference = this.#references.size + 1;
    this.#references.set(value, reference);
    this.#members(members, references);
    return reference;
  }

  #members(members: readonly unknown[], references: readonly number[]): void {
    for (const [index, reference] of references.entries()) {
      this.#codes.push(reference);
      if (reference === PRIMITIVE) this.#values.push(members[index] as Primitive);
    }
    if (this.#codes.length >= PIECE_CODES) this.#flush();
  }

  /** The number of a list of keys, which many objects share. */
  #shapeOf(keys: readonly string[]): number {
    const joined = JSON.stringify(keys);
    let shape = this.#shapes.get(joined);
    if (shape === undefined) {
      if (keys.includes("__proto__")) throw new TypeError('Cannot send the key "__proto__"');
      shape = this.#shapes.size;
      this.#shapes.set(joined, shape);
      this.#codes.push(KINDS.shape, keys.length);
      this.#values.push(...keys);
    }
    return shape;
  }

  #flush(): void {
    this.pieces.push({ codes: new Uint32Array(this.#codes).buffer, values: this.#values });
    this.#codes = [];
    this.#values = [];
  }
}

type SharedView = Uint8Array<SharedArrayBuffer> | Uint32Array<SharedArrayBuffer>;

/** Whether the value is a view of a whole shared buffer. */
function isSharedView(value: object): value is SharedView {
  return (value instanceof Uint8Array || value instanceof Uint32Array) &&
    value.buffer instanceof SharedArrayBuffer && value.byteLength === value.buffer.byteLength;
}

/** Reassembles the data. */
export class PieceReader {
  readonly #objects: object[] = [];
  readonly #shapes: (readonly string[])[] = [];
  #root: object | undefined;
  #codes = new Uint32Array();
  #values: Piece["values"] = [];
  #nextCode = 0;
  #nextValue = 0;

  /** The data, once all its pieces have been added. */
  get value(): object | undefined {
    return this.#root;
  }

  /** Reads the next piece. */
  add({ codes, values }: Piece): void {
    this.#codes = new Uint32Array(codes);
    this.#values = values;
    this.#nextCode = this.#nextValue = 0;
    while (this.#nextCode < this.#codes.length) this.#readRecord(this.#code());
  }

  #readRecord(kind: number): void {
    if (kind === KINDS.object) this.#readObject(this.#shapes[this.#code()] ?? []);
    else if (kind === KINDS.shape) {
      const length = this.#code();
      this.#shapes.push(this.#values.slice(this.#nextValue, this.#nextValue += length).map(String));
    } else if (kind === KINDS.root) this.#root = this.#objects[this.#code() - 1];
    else if (kind === KINDS.fill) {
      const collection = this.#objects[this.#code() - 1];
      if (collection !== undefined) this.#fill(collection);
    } else if (kind === KINDS.bytes || kind === KINDS.numbers) this.#readView(kind);
    else {
      const collection = kind === KINDS.map ? new Map() : kind === KINDS.set ? new Set() : [];
      this.#objects.push(collection);
      this.#fill(collection);
    }
  }

  #readObject(keys: readonly string[]): void {
    const object: Record<string, unknown> = {};
    for (const key of keys) object[key] = this.#member();
    this.#objects.push(object);
  }

  #readView(kind: number): void {
    const buffer = this.#member() as SharedArrayBuffer;
    this.#objects.push(kind === KINDS.bytes ? new Uint8Array(buffer) : new Uint32Array(buffer));
  }

  #fill(collection: object): void {
    const end = this.#code();
    if (Array.isArray(collection)) { for (let at = 0; at < end; at++) collection.push(this.#member()); }
    else if (collection instanceof Set) { for (let at = 0; at < end; at++) collection.add(this.#member()); }
    else if (collection instanceof Map) {
      for (let at = 0; at < end; at += 2) {
        const key = this.#member();
        collection.set(key, this.#member());
      }
    }
  }

  #member(): unknown {
    const reference = this.#code();
    return reference === PRIMITIVE ? this.#values[this.#nextValue++] : this.#objects[reference - 1];
  }

  #code(): number {
    return this.#codes[this.#nextCode++] ?? 0;
  }
}
