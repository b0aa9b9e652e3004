/** Reads the members of parsed JSON at the edge, and names the path of whatever is not as it should be. */

import { invalidField } from "../base/errors.ts";
import type { AditError } from "../base/errors.ts";
import { describeJson, isJsonObject } from "../base/json.ts";
import type { JsonObject, JsonValue } from "../base/json.ts";

/**
 * One object of a request. `null` counts as absent, as clients send it for options they do not set. Every reader throws
 * `invalid_request` with the member's path. Members that no reader asked for are told by `unread`, so that nothing is
 * lost in silence.
 */
export class Fields {
  /** With repetitions: a set would be most of what reading an object costs. */
  readonly #asked: string[] = [];

  constructor(readonly value: JsonObject, readonly path: string) {}

  /** The fields of `value`, which must be an object. */
  static of(value: JsonValue | undefined, path: string): Fields {
    if (!isJsonObject(value)) throw unexpected(path, "an object", value);
    return new Fields(value, path);
  }

  pathOf(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  /** Whatever stands there, unchecked; undefined for null. */
  any(name: string): JsonValue | undefined {
    this.#asked.push(name);
    return Object.hasOwn(this.value, name) ? this.value[name] ?? undefined : undefined;
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

  /** A whole number of at least 1. */
  optionalCount(name: string): number | undefined {
    const value = this.any(name);
    if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value) && value >= 1)) {
      return value;
    }
    throw unexpected(this.pathOf(name), "a whole number of at least 1", value);
  }

  optionalOneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.any(name);
    if (value === undefined) return undefined;
    const known = allowed.find((each) => each === value);
    if (known !== undefined) return known;
    throw unexpected(this.pathOf(name), oneOf(allowed), value);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    return this.optionalOneOf(name, allowed) ?? this.#missing(name, oneOf(allowed));
  }

  optionalObject(name: string): Fields | undefined {
    const value = this.any(name);
    return value === undefined ? undefined : Fields.of(value, this.pathOf(name));
  }

  object(name: string): Fields {
    return this.optionalObject(name) ?? this.#missing(name, "an object");
  }

  optionalArray(name: string): readonly JsonValue[] | undefined {
    const value = this.any(name);
    if (value === undefined || Array.isArray(value)) return value as readonly JsonValue[] | undefined;
    throw unexpected(this.pathOf(name), "an array", value);
  }

  /** The objects of an array; absent is none. */
  items(name: string): Fields[] {
    const path = this.pathOf(name);
    return (this.optionalArray(name) ?? []).map((item, index) => Fields.of(item, `${path}[${index}]`));
  }

  /** Members with a value that no reader asked for. */
  unread(): [name: string, value: JsonValue][] {
    const found: [name: string, value: JsonValue][] = [];
    for (const name of Object.keys(this.value)) {
      const value = this.value[name];
      if (value !== undefined && value !== null && !this.#asked.includes(name)) found.push([name, value]);
    }
    return found;
  }

  /** Adds the paths of unread members to `paths`, without indexes: `messages[].name`. */
  noteUnread(paths: Set<string>): void {
    for (const [name] of this.unread()) paths.add(this.pathOf(name).replaceAll(/\[\d+\]/g, "[]"));
  }

  #missing(name: string, expected: string): never {
    throw unexpected(this.pathOf(name), expected, undefined);
  }
}

/** The error for a field that holds something else than `expected`; shows short words and numbers, nothing longer. */
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
  // Longer strings, or strings of other characters, may be a prompt or a key that went astray.
  if (typeof value === "string" && /^[\w./-]{1,24}$/.test(value)) return `"${value}"`;
  return describeJson(value);
}
