/** The JSON Schemas of tools, made to be what Bedrock accepts as a tool's input. */

import { isJsonObject } from "../../../base/json.ts";
import type { JsonObject, JsonValue } from "../../../base/json.ts";

const isStringList = (value: JsonValue): boolean =>
  Array.isArray(value) && value.every((each: JsonValue) => typeof each === "string");

/** The keywords whose value Bedrock checks, with what it has to be; one of another kind makes the whole request a 400. */
const KINDS: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  properties: isJsonObject,
  patternProperties: isJsonObject,
  $defs: isJsonObject,
  definitions: isJsonObject,
  required: isStringList,
  enum: Array.isArray,
  anyOf: Array.isArray,
  oneOf: Array.isArray,
  allOf: Array.isArray,
  items: (value) => isJsonObject(value) || typeof value === "boolean" || Array.isArray(value),
  additionalProperties: (value) => isJsonObject(value) || typeof value === "boolean",
  type: (value) => typeof value === "string" || isStringList(value),
  description: (value) => typeof value === "string",
  title: (value) => typeof value === "string",
};

/** Keywords whose value may be null. */
const NULLABLE: ReadonlySet<string> = new Set(["default", "const", "example"]);

/** Keywords whose members are schemas, and those that hold one schema or a list of them. */
const SCHEMA_MAPS: ReadonlySet<string> = new Set(["properties", "patternProperties", "$defs", "definitions"]);
const SCHEMAS: ReadonlySet<string> = new Set([
  "items",
  "additionalProperties",
  "anyOf",
  "oneOf",
  "allOf",
  "not",
]);

/**
 * The schema of an object, whatever the root is: Bedrock accepts no other as a tool's input. A keyword that is null counts
 * as absent; `onLoss` gets the name of each that is left out because its value makes no sense.
 */
export function toolSchema(schema: JsonObject, onLoss: (keyword: string) => void): JsonObject {
  const clean = cleanSchema(schema, onLoss);
  const { type } = clean;
  if (type === "object") return clean;
  if (type === undefined) return { type: "object", ...clean };
  if (!(Array.isArray(type) && type.includes("object"))) onLoss("type");
  return { ...clean, type: "object" };
}

function cleanSchema(schema: JsonObject, onLoss: (keyword: string) => void): JsonObject {
  return withMembers(schema, (keyword, value) => cleanKeyword(keyword, value, onLoss));
}

/** The object with each member as `change` returns it, or without it; the object itself if nothing changes, as for most. */
function withMembers(
  object: JsonObject,
  change: (name: string, value: JsonValue) => JsonValue | undefined,
): JsonObject {
  let changed: Map<string, JsonValue | undefined> | undefined;
  // Members of parsed JSON are all enumerable and the object's own, and a list of them costs more than they do.
  for (const name in object) {
    const value = object[name] ?? null;
    const kept = change(name, value);
    if (kept !== value) (changed ??= new Map()).set(name, kept);
  }
  if (changed === undefined) return object;
  const members: [string, JsonValue][] = [];
  for (const [name, value] of Object.entries(object)) {
    const kept = changed.has(name) ? changed.get(name) : value;
    if (kept !== undefined) members.push([name, kept]);
  }
  return Object.fromEntries(members);
}

function cleanKeyword(
  keyword: string,
  value: JsonValue,
  onLoss: (keyword: string) => void,
): JsonValue | undefined {
  if (value === null) return NULLABLE.has(keyword) ? value : undefined;
  const isRight = Object.hasOwn(KINDS, keyword) ? KINDS[keyword] : undefined;
  if (isRight?.(value) === false) {
    const strings = keyword === "required" && Array.isArray(value) ? value.filter(isString) : undefined;
    onLoss(keyword);
    return strings;
  }
  if (SCHEMA_MAPS.has(keyword) && isJsonObject(value)) return cleanMembers(value, onLoss);
  if (!SCHEMAS.has(keyword)) return value;
  if (isJsonObject(value)) return cleanSchema(value, onLoss);
  return Array.isArray(value) ? cleanList(value, onLoss) : value;
}

function isString(value: JsonValue): boolean {
  return typeof value === "string";
}

/** Properties without a schema accept anything. */
function cleanMembers(schemas: JsonObject, onLoss: (keyword: string) => void): JsonObject {
  return withMembers(schemas, (_, schema) => {
    if (isJsonObject(schema)) return cleanSchema(schema, onLoss);
    return typeof schema === "boolean" ? schema : {};
  });
}

function cleanList(list: readonly JsonValue[], onLoss: (keyword: string) => void): readonly JsonValue[] {
  const clean = list.map((each) => isJsonObject(each) ? cleanSchema(each, onLoss) : each);
  return clean.every((each, index) => each === list[index]) ? list : clean;
}
