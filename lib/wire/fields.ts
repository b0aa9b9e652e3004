/** Reads the fields of parsed JSON at the edge, with the path of any invalid one. */

import { invalidField } from "../base/errors.ts";
import type { AditError } from "../base/errors.ts";
import { describeJson, isJsonObject } from "../base/json.ts";
import type { JsonObject, JsonValue } from "../base/json.ts";

/** The items of an absent array; most are absent. */
const NONE: readonly never[] = Object.freeze([]);

/**
 * One object of a request. `null` counts as absent, because clients send it for options they do not set. Every reader
 * throws `invalid_request` with the field's path. The root tracks every object read from it, so unread fields are
 * reported at any depth.
 */
export class Fields {
  readonly #value: JsonObject;
  /**
   * Names of the fields that were read and have a value; undefined if there are none. May have duplicates: a Set would
   * dominate the cost of reading an object.
   */
  #read: string[] | undefined;
  /** The objects inside it that were read, in order; undefined if there are none. */
  #inner: Fields[] | undefined;
  /** Fields that are reported although they were read; undefined if there are none. */
  #ignored: string[] | undefined;
  /** Paths to report in place of the unread fields; undefined: the unread fields themselves. */
  #instead: readonly string[] | undefined;

  private constructor(value: JsonObject, readonly path: string) {
    this.#value = value;
  }

  /** The fields of a request's body. */
  static root(body: JsonObject): Fields {
    return new Fields(body, "");
  }

  pathOf(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  /** The value, unchecked; undefined for null. */
  any(name: string): JsonValue | undefined {
    const value = this.#value[name];
    // Most requested fields are absent, so the check for an own property comes last.
    if (value === undefined || value === null || !Object.hasOwn(this.#value, name)) return undefined;
    if (this.#read === undefined) this.#read = [name];
    else this.#read.push(name);
    return value;
  }

  optionalString(name: string): string | undefined {
    const value = this.any(name);
    if (value === undefined || typeof value === "string") return value;
    throw unexpected(this.pathOf(name), "a string", value);
  }

  string(name: string): string {
    return this.optionalString(name) ?? this.#missing(name, "a string");
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.any(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw unexpected(this.pathOf(name), "a boolean", value);
  }

  optionalNumber(name: string): number | undefined {
    const value = this.any(name);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw unexpected(this.pathOf(name), "a number", value);
  }

  /** An integer of at least 1. */
  optionalCount(name: string): number | undefined {
    const value = this.any(name);
    if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value) && value >= 1)) {
      return value;
    }
    throw unexpected(this.pathOf(name), "an integer of at least 1", value);
  }

  optionalOneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.any(name);
    if (value === undefined) return undefined;
    for (const each of allowed) if (each === value) return each;
    throw unexpected(this.pathOf(name), oneOf(allowed), value);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    return this.optionalOneOf(name, allowed) ?? this.#missing(name, oneOf(allowed));
  }

  optionalObject(name: string): Fields | undefined {
    const value = this.any(name);
    return value === undefined ? undefined : this.#enter(value, this.pathOf(name));
  }

  object(name: string): Fields {
    return this.optionalObject(name) ?? this.#missing(name, "an object");
  }

  optionalArray(name: string): readonly JsonValue[] | undefined {
    const value = this.any(name);
    if (value === undefined || Array.isArray(value)) return value as readonly JsonValue[] | undefined;
    throw unexpected(this.pathOf(name), "an array", value);
  }

  /** The objects of an array; empty if absent. */
  items(name: string): readonly Fields[] {
    const items = this.optionalArray(name);
    if (items === undefined) return NONE;
    const path = this.pathOf(name);
    const objects: Fields[] = [];
    for (const item of items) objects.push(this.#enter(item, `${path}[${objects.length}]`));
    return objects;
  }

  /** The whole object; all of its fields count as read. */
  whole(): JsonObject {
    this.#instead = [];
    return this.#value;
  }

  /** Reports a field although it was read, because its value has no effect. */
  ignore(name: string): void {
    (this.#ignored ??= []).push(name);
  }

  /** Leaves the object out; `paths` are reported instead of its fields. */
  leaveOut(...paths: readonly string[]): void {
    this.#instead = paths;
  }

  /** Fields of this object that have a value and were not read. */
  unread(): readonly (readonly [name: string, value: JsonValue])[] {
    const found: [name: string, value: JsonValue][] = [];
    for (const name of Object.keys(this.#value)) {
      const value = this.#value[name];
      if (this.#isUnread(name, value)) found.push([name, value]);
    }
    return found;
  }

  #isUnread(name: string, value: JsonValue | undefined): value is JsonValue {
    return value !== undefined && value !== null && this.#read?.includes(name) !== true;
  }

  /**
   * Paths, without indexes, of the unread fields of nested objects: `messages[].name`. Call after everything has been
   * read.
   */
  unreadInside(): readonly string[] {
    const paths = new Set<string>();
    this.#collectInside(paths);
    return [...paths];
  }

  #collectInside(paths: Set<string>): void {
    if (this.#inner === undefined) return;
    for (const inner of this.#inner) {
      inner.#collectInside(paths);
      inner.#collectOwn(paths);
    }
  }

  #collectOwn(paths: Set<string>): void {
    if (this.#instead !== undefined) {
      for (const path of this.#instead) paths.add(path);
      return;
    }
    for (const name of this.#ignored ?? []) paths.add(unindexed(this.pathOf(name)));
    // Members of parsed JSON are all enumerable own properties, and a list of them would cost more.
    for (const name in this.#value) {
      if (this.#isUnread(name, this.#value[name])) paths.add(unindexed(this.pathOf(name)));
    }
  }

  #enter(value: JsonValue | undefined, path: string): Fields {
    if (!isJsonObject(value)) throw unexpected(path, "an object", value);
    const inner = new Fields(value, path);
    if (this.#inner === undefined) this.#inner = [inner];
    else this.#inner.push(inner);
    return inner;
  }

  #missing(name: string, expected: string): never {
    throw unexpected(this.pathOf(name), expected, undefined);
  }
}

/** A path without indexes: `messages[].name`. */
export function unindexed(path: string): string {
  return path.replaceAll(/\[\d+\]/g, "[]");
}

/** The error for a field that is not `expected`; quotes only short words and numbers. */
export function unexpected(path: string, expected: string, found: JsonValue | undefined): AditError {
  return invalidField(path, `expected ${expected}, found ${show(found)}`);
}

/** `"a", "b" or "c"`. */
export function oneOf(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return quoted.length < 2 ? quoted.join() : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

function show(value: JsonValue | undefined): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  // Longer strings, or strings with other characters, may be a prompt or a misplaced key.
  if (typeof value === "string" && /^[\w./-]{1,24}$/.test(value)) return `"${value}"`;
  return describeJson(value);
}
