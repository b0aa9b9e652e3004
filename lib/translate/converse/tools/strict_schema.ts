/** JSON Schemas adapted to what Bedrock can enforce, for structured output and for tools with `strict`. */

import { isJsonObject } from "../../../base/json.ts";
import type { JsonObject, JsonValue } from "../../../base/json.ts";
import { jsonText } from "../../../base/json_text/json_text.ts";

/** A schema that Bedrock can enforce, and the keywords that it has only in descriptions. */
export interface StrictSchema {
  readonly schema: JsonObject;
  /** The names of keywords that moved into descriptions, each once. */
  readonly moved: readonly string[];
}

/**
 * The schema in the form that Bedrock accepts; undefined if it cannot be adapted, because it is recursive or has
 * objects with arbitrary members. Every object is closed, and keywords that are not enforced move into the description,
 * where the model still reads them. https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
export function strictSchema(schema: JsonObject): StrictSchema | undefined {
  const fitter = new Fitter(schema);
  try {
    return { schema: fitter.fit(schema), moved: [...fitter.moved] };
  } catch (error) {
    if (error instanceof DoesNotFit) return undefined;
    throw error;
  }
}

class DoesNotFit extends Error {}

/** Keywords that are enforced, and those that only describe. */
const TAKEN: ReadonlySet<string> = new Set([
  "$ref",
  "$defs",
  "definitions",
  "type",
  "title",
  "description",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "anyOf",
  "allOf",
  "enum",
  "const",
  "default",
]);

/** Keywords that say nothing about the value. */
const SILENT: ReadonlySet<string> = new Set(["$schema", "$id", "$comment", "examples", "example"]);

/** Values of `format` that are enforced. */
const FORMATS: ReadonlySet<string> = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "uri",
  "ipv4",
  "ipv6",
  "uuid",
]);

/** Deeper than any sensible schema; limits the work. */
const MAX_DEPTH = 64;

class Fitter {
  readonly moved = new Set<string>();
  /** The references that are being followed. */
  readonly #following = new Set<string>();
  readonly #followed = new Set<string>();

  constructor(private readonly root: JsonObject) {}

  fit(schema: JsonObject, depth = 0): JsonObject {
    if (depth > MAX_DEPTH) throw new DoesNotFit();
    const fitted = new Map<string, JsonValue>();
    const said: JsonObject[] = [];
    for (const [keyword, value] of Object.entries(schema)) {
      if (SILENT.has(keyword)) continue;
      const kept = this.#keyword(keyword, value, { schema, depth });
      if (kept !== undefined) fitted.set(kept.keyword, kept.value);
      else {
        said.push({ [keyword]: value });
        this.moved.add(keyword);
      }
    }
    this.#close(schema, fitted);
    if (said.length > 0) fitted.set("description", describe(fitted.get("description"), said));
    // Defines members rather than assigning them, so that one named "__proto__" is an ordinary member.
    return Object.fromEntries(fitted);
  }

  /** The keyword as adapted; undefined if it moves into the description. */
  #keyword(
    keyword: string,
    value: JsonValue,
    { schema, depth }: { readonly schema: JsonObject; readonly depth: number },
  ): { readonly keyword: string; readonly value: JsonValue } | undefined {
    const keep = (kept: JsonValue) => ({ keyword, value: kept });
    switch (keyword) {
      case "$ref":
        this.#follow(value, depth);
        return keep(value);
      case "properties":
      case "$defs":
      case "definitions":
        return keep(this.#members(value, depth));
      case "items":
        return keep(this.#schema(value, depth));
      case "anyOf":
        return keep(this.#list(value, depth));
      case "allOf":
        // No value can match several closed objects at once.
        if (!Array.isArray(value) || value.length > 1 || schema.properties !== undefined) {
          throw new DoesNotFit();
        }
        return keep(this.#list(value, depth));
      case "oneOf":
        if (schema.anyOf !== undefined) return undefined;
        // Bedrock enforces that a value matches one of them, but not that it matches only one.
        return { keyword: "anyOf", value: this.#list(value, depth) };
      case "enum":
        return Array.isArray(value) && value.every((each: JsonValue) => !isComplex(each))
          ? keep(value)
          : undefined;
      case "minItems":
        return value === 0 || value === 1 ? keep(value) : undefined;
      case "format":
        return typeof value === "string" && FORMATS.has(value) ? keep(value) : undefined;
      default:
        return TAKEN.has(keyword) ? keep(value) : undefined;
    }
  }

  /** Closes an object: it accepts only the members that it names. */
  #close(schema: JsonObject, fitted: Map<string, JsonValue>): void {
    const { type, properties, additionalProperties } = schema;
    const isObject = type === "object" || (Array.isArray(type) && type.includes("object")) ||
      (type === undefined && properties !== undefined);
    if (!isObject) {
      fitted.delete("additionalProperties");
      return;
    }
    const isOpen = additionalProperties === undefined
      ? !isJsonObject(properties) || Object.keys(properties).length === 0
      : additionalProperties !== false;
    if (isOpen) throw new DoesNotFit();
    fitted.set("additionalProperties", false);
  }

  #schema(value: JsonValue, depth: number): JsonObject {
    if (!isJsonObject(value)) throw new DoesNotFit();
    return this.fit(value, depth + 1);
  }

  #members(value: JsonValue, depth: number): JsonObject {
    if (!isJsonObject(value)) throw new DoesNotFit();
    return Object.fromEntries(
      Object.entries(value).map(([name, schema]) => [name, this.#schema(schema, depth)]),
    );
  }

  #list(value: JsonValue, depth: number): readonly JsonObject[] {
    if (!Array.isArray(value)) throw new DoesNotFit();
    return value.map((each: JsonValue) => this.#schema(each, depth));
  }

  /** Checks a reference, which has to be local and must not lead back to itself. */
  #follow(reference: JsonValue, depth: number): void {
    if (typeof reference !== "string" || this.#following.has(reference)) throw new DoesNotFit();
    if (this.#followed.has(reference)) return;
    const target = resolve(this.root, reference);
    if (target === undefined || target === this.root) throw new DoesNotFit();
    this.#following.add(reference);
    this.fit(target, depth + 1);
    this.#following.delete(reference);
    this.#followed.add(reference);
  }
}

/** The target of a local reference such as `#/$defs/Address`. */
function resolve(root: JsonObject, reference: string): JsonObject | undefined {
  if (!reference.startsWith("#/")) return undefined;
  let found: JsonValue | undefined = root;
  for (const step of reference.slice(2).split("/")) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    found = isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return isJsonObject(found) ? found : undefined;
}

function isComplex(value: JsonValue): boolean {
  return typeof value === "object" && value !== null;
}

/** The description, with the keywords that are no longer enforced. */
function describe(description: JsonValue | undefined, said: readonly JsonObject[]): string {
  const words = said.flatMap(Object.entries)
    .map(([keyword, value]) => `${keyword}: ${jsonText(value)}`)
    .join(", ");
  return typeof description === "string" && description !== "" ? `${description} (${words})` : `(${words})`;
}
