/** The JSON Schemas of tools, adapted to what Bedrock accepts as a tool's input. */

import { isJsonObject } from "../../../base/json.ts";
import type { JsonObject, JsonValue } from "../../../base/json.ts";

/** A keyword that Bedrock checks or that holds schemas. */
interface Keyword {
  /** Whether Bedrock takes the value; another one makes the whole request a 400. */
  readonly accepts: (value: JsonValue) => boolean;
  /** What its value holds: schemas by name, one schema or a list of them, or no schema. */
  readonly holds: "named schemas" | "schemas" | "none";
}

const isBoolean = (value: JsonValue): boolean => typeof value === "boolean";
const isString = (value: JsonValue): boolean => typeof value === "string";
const isStringList = (value: JsonValue): boolean => Array.isArray(value) && value.every(isString);

const NAMED_SCHEMAS: Keyword = { accepts: isJsonObject, holds: "named schemas" };
const SCHEMA_LIST: Keyword = { accepts: Array.isArray, holds: "schemas" };
const TEXT: Keyword = { accepts: isString, holds: "none" };

const KEYWORDS: ReadonlyMap<string, Keyword> = new Map(Object.entries<Keyword>({
  properties: NAMED_SCHEMAS,
  patternProperties: NAMED_SCHEMAS,
  $defs: NAMED_SCHEMAS,
  definitions: NAMED_SCHEMAS,
  required: { accepts: isStringList, holds: "none" },
  enum: { accepts: Array.isArray, holds: "none" },
  anyOf: SCHEMA_LIST,
  oneOf: SCHEMA_LIST,
  allOf: SCHEMA_LIST,
  not: { accepts: () => true, holds: "schemas" },
  items: {
    accepts: (value) => isJsonObject(value) || isBoolean(value) || Array.isArray(value),
    holds: "schemas",
  },
  additionalProperties: { accepts: (value) => isJsonObject(value) || isBoolean(value), holds: "schemas" },
  type: { accepts: (value) => isString(value) || isStringList(value), holds: "none" },
  description: TEXT,
  title: TEXT,
}));

/** Keywords whose value may be null. */
const NULLABLE: ReadonlySet<string> = new Set(["default", "const", "example"]);

/**
 * The schema with an object as its root, because Bedrock accepts no other as a tool's input. A keyword that is null
 * counts as absent; `onLoss` gets the name of each keyword that is left out because its value is invalid.
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
  name: string,
  value: JsonValue,
  onLoss: (keyword: string) => void,
): JsonValue | undefined {
  if (value === null) return NULLABLE.has(name) ? value : undefined;
  const keyword = KEYWORDS.get(name);
  if (keyword === undefined) return value;
  if (!keyword.accepts(value)) {
    onLoss(name);
    return name === "required" && Array.isArray(value) ? value.filter(isString) : undefined;
  }
  switch (keyword.holds) {
    case "none":
      return value;
    case "named schemas":
      return isJsonObject(value) ? cleanMembers(value, onLoss) : value;
    case "schemas":
      if (isJsonObject(value)) return cleanSchema(value, onLoss);
      return Array.isArray(value) ? cleanList(value, onLoss) : value;
  }
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
