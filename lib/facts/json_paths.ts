/** Paths into JSON in the syntax of the data files, and the removal of the values at a path. */

import { isJsonObject, member } from "../base/json.ts";
import type { JsonObject, JsonValue } from "../base/json.ts";

export interface JsonPath {
  /** For messages and `x-adit-ignored`: `tools[code_execution]`. */
  readonly name: string;
  readonly first: Step;
}

type Step =
  & (
    | { readonly kind: "member"; readonly name: string }
    /** The elements of an array whose `type` begins with the prefix; all of them if it is empty. */
    | { readonly kind: "elements"; readonly typePrefix: string }
  )
  & {
    /** Undefined for the last step. */
    readonly next: Step | undefined;
  };

const SEGMENT = /(\w+)(?:\[(?:(\w+)\*)?(\]))?/;
const WHOLE_SEGMENT = new RegExp(`^${SEGMENT.source}$`);

/** The syntax of `parseJsonPath`; for schemas. */
export const JSON_PATH = new RegExp(`^${SEGMENT.source}(?:\\.${SEGMENT.source})*$`);

/**
 * Parses `a.b` (members), `a[]` (all elements) and `a[word*]` (elements whose type begins with `word`). Throws an
 * `Error` for anything else.
 */
export function parseJsonPath(text: string): JsonPath {
  const first = text.split(".").reduceRight<Step | undefined>((next, segment) => {
    const match = WHOLE_SEGMENT.exec(segment);
    if (match === null) throw new Error(`Cannot read path "${text}": unexpected segment "${segment}"`);
    const [, name = "", typePrefix = "", elements] = match;
    return {
      kind: "member",
      name,
      next: elements === undefined ? next : { kind: "elements", typePrefix, next },
    };
  }, undefined);
  if (first === undefined) throw new Error(`Cannot read path "${text}": it is empty`);
  return { name: text.replaceAll(/_?\*/g, ""), first };
}

/**
 * The object without the values at the path, in the same order; objects and arrays that become empty are removed, too.
 * Returns the object itself if nothing is removed, and otherwise copies only the objects around a removed value.
 */
export function withoutPath(object: JsonObject, { first }: JsonPath): JsonObject {
  const left = without(object, first);
  return isJsonObject(left) ? left : {};
}

/** Every value at the path. */
export function valuesAt(object: JsonObject, { first }: JsonPath): readonly JsonValue[] {
  return collect(object, first, undefined) ?? NO_VALUES;
}

/** For most requests and paths, there are none. */
const NO_VALUES: readonly JsonValue[] = [];

/** Adds the values to those found so far; undefined while there are none. */
function collect(
  value: JsonValue,
  step: Step | undefined,
  found: JsonValue[] | undefined,
): JsonValue[] | undefined {
  switch (step?.kind) {
    case undefined:
      if (found === undefined) return [value];
      found.push(value);
      return found;
    case "member": {
      const inside = member(value, step.name);
      return inside === undefined ? found : collect(inside, step.next, found);
    }
    case "elements": {
      if (!Array.isArray(value)) return found;
      let all = found;
      for (const element of value) {
        if (hasType(element, step.typePrefix)) all = collect(element, step.next, all);
      }
      return all;
    }
  }
}

function without(value: JsonValue | undefined, step: Step | undefined): JsonValue | undefined {
  switch (step?.kind) {
    case undefined:
      return undefined;
    case "member":
      return isJsonObject(value) ? withoutInMember(value, step.name, step.next) : value;
    case "elements":
      return Array.isArray(value) ? withoutInElements(value, step.typePrefix, step.next) : value;
  }
}

function withoutInMember(object: JsonObject, name: string, next: Step | undefined): JsonValue | undefined {
  if (!Object.hasOwn(object, name)) return object;
  const left = without(object[name], next);
  if (left === object[name]) return object;
  const members = Object.entries(object).flatMap(([each, value]): [string, JsonValue][] =>
    each !== name ? [[each, value]] : left === undefined ? [] : [[each, left]]
  );
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

function withoutInElements(
  array: readonly JsonValue[],
  typePrefix: string,
  next: Step | undefined,
): JsonValue | undefined {
  let kept: JsonValue[] | undefined;
  let index = 0;
  for (const element of array) {
    const left = hasType(element, typePrefix) ? without(element, next) : element;
    if (left !== element) kept ??= array.slice(0, index);
    if (kept !== undefined && left !== undefined) kept.push(left);
    index++;
  }
  return kept === undefined ? array : kept.length === 0 ? undefined : kept;
}

function hasType(element: JsonValue, prefix: string): boolean {
  if (prefix === "") return true;
  const type = isJsonObject(element) ? element.type : undefined;
  return typeof type === "string" && type.startsWith(prefix);
}
