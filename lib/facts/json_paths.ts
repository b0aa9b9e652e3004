/** Paths into JSON as written in the data files, and the removal of their values. */

import { isJsonObject, member } from "../base/json.ts";
import type { JsonObject, JsonValue } from "../base/json.ts";

export interface JsonPath {
  /** For people and for `x-adit-ignored`: `tools[code_execution]`. */
  readonly name: string;
  readonly steps: readonly Step[];
}

type Step =
  | { readonly kind: "member"; readonly name: string }
  /** The elements of an array whose `type` begins with this; with `""` every element. */
  | { readonly kind: "elements"; readonly typePrefix: string };

const SEGMENT = /(\w+)(?:\[(?:(\w+)\*)?(\]))?/;
const WHOLE_SEGMENT = new RegExp(`^${SEGMENT.source}$`);

/** The syntax of `parseJsonPath`; for schemas. */
export const JSON_PATH = new RegExp(`^${SEGMENT.source}(?:\\.${SEGMENT.source})*$`);

/**
 * Parses `a.b` (members), `a[]` (every element) and `a[word*]` (elements whose type begins so); throws an `Error`.
 */
export function parseJsonPath(text: string): JsonPath {
  const steps = text.split(".").flatMap((segment): Step[] => {
    const match = WHOLE_SEGMENT.exec(segment);
    if (match === null) throw new Error(`Cannot read path "${text}": unexpected segment "${segment}"`);
    const [, name = "", typePrefix = "", elements] = match;
    const member: Step = { kind: "member", name };
    return elements === undefined ? [member] : [member, { kind: "elements", typePrefix }];
  });
  return { name: text.replaceAll(/_?\*/g, ""), steps };
}

/**
 * The object without the values at the path, in the same order; objects and arrays that become empty are removed,
 * too. Returns the object itself if nothing is removed; only the objects around a removed value are copied.
 */
export function withoutPath(object: JsonObject, { steps }: JsonPath): JsonObject {
  const left = without(object, steps);
  return isJsonObject(left) ? left : {};
}

/** Every value at the path. */
export function valuesAt(object: JsonObject, { steps }: JsonPath): readonly JsonValue[] {
  return steps.reduce<readonly JsonValue[]>(
    (values, step) => values.flatMap((value) => inside(value, step)),
    [
      object,
    ],
  );
}

function inside(value: JsonValue, step: Step): readonly JsonValue[] {
  switch (step.kind) {
    case "member": {
      const found = member(value, step.name);
      return found === undefined ? [] : [found];
    }
    case "elements":
      return Array.isArray(value) ? value.filter((element) => hasType(element, step.typePrefix)) : [];
  }
}

function without(value: JsonValue | undefined, steps: readonly Step[]): JsonValue | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return undefined;
  switch (step.kind) {
    case "member":
      return isJsonObject(value) ? withoutInMember(value, step.name, rest) : value;
    case "elements":
      return Array.isArray(value) ? withoutInElements(value, step.typePrefix, rest) : value;
  }
}

function withoutInMember(object: JsonObject, name: string, rest: readonly Step[]): JsonValue | undefined {
  if (!Object.hasOwn(object, name)) return object;
  const left = without(object[name], rest);
  if (left === object[name]) return object;
  const members = Object.entries(object).flatMap(([each, value]): [string, JsonValue][] =>
    each !== name ? [[each, value]] : left === undefined ? [] : [[each, left]]
  );
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

function withoutInElements(
  array: readonly JsonValue[],
  typePrefix: string,
  rest: readonly Step[],
): JsonValue | undefined {
  const left = array.map((element) => hasType(element, typePrefix) ? without(element, rest) : element);
  if (left.every((element, index) => element === array[index])) return array;
  const kept = left.filter((element) => element !== undefined);
  return kept.length === 0 ? undefined : kept;
}

function hasType(element: JsonValue, prefix: string): boolean {
  if (prefix === "") return true;
  const type = isJsonObject(element) ? element.type : undefined;
  return typeof type === "string" && type.startsWith(prefix);
}
