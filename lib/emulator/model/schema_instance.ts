/** Generates an instance of a JSON Schema, deterministically. */

import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";

/** Beyond this depth optional members are omitted, and beyond twice the depth all members. */
const MAX_DEPTH = 8;
/** Schemas that are read for one instance: a schema that refers to itself several times would grow with every level. */
const MAX_SCHEMAS = 10_000;

/**
 * A value that satisfies the schema, if it uses types, enums, constants, limits, formats, references within the
 * document, `allOf`, and the first branch of `anyOf` and `oneOf`. Patterns and conditions are not supported.
 */
export function instanceOf(schema: JsonValue, name = "value"): JsonValue {
  return new Generator(schema).value(schema, name, 0);
}

class Generator {
  readonly #root: JsonValue;
  #schemas = 0;

  constructor(root: JsonValue) {
    this.#root = root;
  }

  value(schema: JsonValue | undefined, name: string, depth: number): JsonValue {
    if (!isJsonObject(schema) || this.#isTooMuch(depth)) return null;
    const shape = this.#resolve(schema, depth);
    if (shape["const"] !== undefined) return shape["const"];
    if (Array.isArray(shape["enum"]) && shape["enum"].length > 0) return shape["enum"][0];
    const make = MAKERS[typeOf(shape)];
    return make(shape, { generator: this, name, depth });
  }

  /** The schema with references resolved, `allOf` merged and the first alternative selected. */
  #resolve(schema: JsonObject, depth: number): JsonObject {
    const { $ref, allOf, anyOf, oneOf, ...own } = schema;
    const parts = [
      ...(typeof $ref === "string" ? [this.#lookUp($ref)] : []),
      ...(Array.isArray(allOf) ? allOf : []),
      ...[anyOf, oneOf].flatMap((
        alternatives,
      ) => (Array.isArray(alternatives) ? alternatives.slice(0, 1) : [])),
    ];
    let merged: JsonObject = own;
    for (const part of parts) {
      if (!isJsonObject(part) || this.#isTooMuch(depth)) continue;
      merged = merge(this.#resolve(part, depth + 1), merged);
    }
    return merged;
  }

  #isTooMuch(depth: number): boolean {
    return depth > 2 * MAX_DEPTH || ++this.#schemas > MAX_SCHEMAS;
  }

  #lookUp(pointer: string): JsonValue | undefined {
    let found: JsonValue | undefined = this.#root;
    for (const step of pointer.replace(/^#\/?/, "").split("/").filter((step) => step !== "")) {
      const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
      found = isJsonObject(found) ? found[name] : undefined;
    }
    return found;
  }
}

function merge(one: JsonObject, other: JsonObject): JsonObject {
  return {
    ...one,
    ...other,
    properties: { ...asObject(one["properties"]), ...asObject(other["properties"]) },
    required: [...asArray(one["required"]), ...asArray(other["required"])],
  };
}

interface Place {
  readonly generator: Generator;
  /** Name of the member to fill in. */
  readonly name: string;
  readonly depth: number;
}

type TypeName = "array" | "boolean" | "integer" | "null" | "number" | "object" | "string";

const MAKERS: Readonly<Record<TypeName, (schema: JsonObject, place: Place) => JsonValue>> = {
  null: () => null,
  boolean: () => true,
  integer: (schema) => numberIn(schema, 1),
  number: (schema) => numberIn(schema, 0.5),
  string: stringIn,
  array(schema, { generator, name, depth }) {
    const prefix = asArray(schema["prefixItems"]);
    const least = Math.max(asNumber(schema["minItems"]) ?? 0, prefix.length);
    const most = asNumber(schema["maxItems"]) ?? Infinity;
    const length = Math.min(Math.max(least, depth < MAX_DEPTH ? 1 : 0), most, 100);
    return Array.from(
      { length },
      (_, index) => generator.value(prefix[index] ?? schema["items"] ?? { type: "string" }, name, depth + 1),
    );
  },
  object(schema, { generator, depth }) {
    const required = asArray(schema["required"]);
    const properties = asObject(schema["properties"]);
    const names = depth < MAX_DEPTH ? Object.keys(properties) : [];
    const all = new Set([...names, ...required.filter((name) => typeof name === "string")]);
    return Object.fromEntries(
      [...all].map((name) => [name, generator.value(properties[name], name, depth + 1)]),
    );
  },
};

function typeOf(schema: JsonObject): TypeName {
  const named = Array.isArray(schema["type"])
    ? schema["type"].find((type) => type !== "null") ?? "null"
    : schema["type"];
  if (typeof named === "string" && named in MAKERS) return named as TypeName;
  if (schema["items"] !== undefined || schema["prefixItems"] !== undefined) return "array";
  return schema["properties"] !== undefined || named === undefined && isEmpty(schema) ? "object" : "string";
}

function isEmpty(schema: JsonObject): boolean {
  return Object.keys(schema).length === 0;
}

function numberIn(schema: JsonObject, step: number): number {
  const unit = asNumber(schema["multipleOf"]) ?? step;
  const above = asNumber(schema["exclusiveMinimum"]);
  const below = asNumber(schema["exclusiveMaximum"]);
  const least = above === undefined ? asNumber(schema["minimum"]) : above + Math.min(unit, step);
  const most = below === undefined ? asNumber(schema["maximum"]) : below - Math.min(unit, step);
  const wanted = Math.min(Math.max(unit, least ?? -Infinity), most ?? Infinity);
  const rounded = Math.ceil(wanted / unit) * unit;
  return most !== undefined && rounded > most ? Math.floor(most / unit) * unit : rounded;
}

const FORMATS: Readonly<Record<string, string>> = {
  date: "2026-01-31",
  "date-time": "2026-01-31T12:00:00Z",
  duration: "PT1H",
  email: "someone@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  time: "12:00:00Z",
  uri: "https://example.com/",
  uuid: "01234567-89ab-4cde-8f01-23456789abcd",
};

function stringIn(schema: JsonObject, { name }: Place): string {
  const format = FORMATS[String(schema["format"])];
  if (format !== undefined) return format;
  const least = Math.min(asNumber(schema["minLength"]) ?? 0, 10_000);
  return `some ${name}`.padEnd(least, ".").slice(0, asNumber(schema["maxLength"]));
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function asArray(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function asNumber(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
