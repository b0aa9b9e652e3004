/** Bedrock's subset of JSON Schema for responses and strict tools. */

import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";

/**
 * Keywords that are refused for each type; https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
const UNSUPPORTED: Readonly<Record<string, readonly string[]>> = {
  array: ["maxItems", "uniqueItems", "contains", "minContains", "maxContains"],
  integer: ["exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"],
  number: ["exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"],
  object: ["maxProperties", "minProperties", "patternProperties", "propertyNames"],
  string: ["maxLength", "minLength"],
};

/** Keywords with one schema, a list of schemas, and schemas by name. */
const ONE = ["items", "not", "additionalProperties"];
const MANY = ["anyOf", "allOf", "oneOf", "prefixItems"];
const NAMED = ["properties", "$defs", "definitions"];

/** The first unsupported part of the schema, in Bedrock's words; undefined if everything is supported. */
export function unsupportedIn(schema: JsonValue): string | undefined {
  return circleIn(schema) ?? memberIn(schema);
}

function memberIn(schema: JsonValue | undefined): string | undefined {
  if (!isJsonObject(schema)) return undefined;
  return typesOf(schema).map((type) => problemOf(type, schema)).find((problem) => problem !== undefined) ??
    inner(schema).map(memberIn).find((problem) => problem !== undefined);
}

function typesOf({ type }: JsonObject): readonly string[] {
  return [type].flat().filter((each) => typeof each === "string");
}

function problemOf(type: string, schema: JsonObject): string | undefined {
  if (type === "object" && schema["additionalProperties"] !== false) {
    return "For 'object' type, 'additionalProperties' must be explicitly set to false";
  }
  const refused = (UNSUPPORTED[type] ?? []).filter((name) => schema[name] !== undefined).sort();
  if (refused.length === 1) return `For '${type}' type, property '${refused[0]}' is not supported`;
  if (refused.length > 1) return `For '${type}' type, properties ${refused.join(", ")} are not supported`;
  const { minItems } = schema;
  if (type === "array" && typeof minItems === "number" && minItems > 1) {
    return "For 'array' type, 'minItems' values other than 0 or 1 are not supported";
  }
  return undefined;
}

function inner(schema: JsonObject): JsonValue[] {
  return [
    ...ONE.flatMap((name) => schema[name] ?? []),
    ...MANY.flatMap((name) => schema[name] ?? []),
    ...NAMED.flatMap((name) => Object.values(asObject(schema[name]))),
  ];
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** A definition that refers to itself, directly or indirectly, or to another document. */
function circleIn(root: JsonValue): string | undefined {
  if (!isJsonObject(root)) return undefined;
  const definitions = new Map<string, JsonValue>([["#", root]]);
  for (const place of ["$defs", "definitions"]) {
    for (const [name, schema] of Object.entries(asObject(root[place]))) {
      definitions.set(`#/${place}/${name}`, schema);
    }
  }
  // Definitions without a problem: a shared one would otherwise be walked once for each path to it.
  const sound = new Set<string>();
  const walk = (schema: JsonValue, open: readonly string[]): string | undefined => {
    if (!isJsonObject(schema)) return undefined;
    const reference = schema["$ref"];
    if (typeof reference === "string") {
      if (!reference.startsWith("#")) return `External reference '${reference}' is not supported`;
      const path = [...open, reference];
      if (open.includes(reference)) {
        const names = path.slice(path.indexOf(reference)).map((each) => each.split("/").at(-1));
        return `Circular reference detected in schema definitions: ${names.join(" -> ")}`;
      }
      const target = definitions.get(reference);
      if (target === undefined || sound.has(reference)) return undefined;
      const problem = walk(target, path);
      if (problem === undefined) sound.add(reference);
      return problem;
    }
    return inner(schema).map((each) => walk(each, open)).find((problem) => problem !== undefined);
  };
  return walk(root, ["#"]);
}
