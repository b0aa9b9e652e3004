/** Finds the schema of a path, and its metadata. */

import { z } from "zod";

import { type About, about } from "./fields.ts";
import type { Path } from "../../base/problems.ts";

type Schema = z.core.$ZodType;

/** The schema inside one optional, default or transformation wrapper; undefined if there is none. */
function inner(schema: Schema): Schema | undefined {
  if (schema instanceof z.ZodOptional || isDefaulted(schema)) return schema.unwrap();
  return schema instanceof z.ZodPipe ? schema.in : undefined;
}

/** Whether the schema has a default value, which is checked like a value in the file or used unchecked. */
function isDefaulted(schema: Schema): schema is z.ZodPrefault | z.ZodDefault {
  return schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault;
}

function unwrap(schema: Schema): Schema {
  const content = inner(schema);
  return content === undefined ? schema : unwrap(content);
}

/**
 * The schema inside all its wrappers; for a union, the option that matches the value, if that is a mapping or list.
 */
export function contentOf(schema: Schema, value: unknown): Schema {
  const content = unwrap(schema);
  return content instanceof z.ZodUnion ? chooseOption(content.options, value) ?? content : content;
}

/** The default value; undefined if there is none. */
export function defaultOf(schema: Schema): unknown {
  return isDefaulted(schema) ? schema.def.defaultValue : undefined;
}

/** The option of a union that a value of this shape is intended for. */
function chooseOption(options: readonly Schema[], value: unknown): Schema | undefined {
  if (Array.isArray(value)) return options.find((option) => option instanceof z.ZodArray);
  const mappings = mappingsAmong(options);
  const tagged = mappings.find((option) => {
    const tag: unknown = option.shape["type"];
    return tag instanceof z.ZodLiteral && tag.value === childOf(value, "type");
  });
  return tagged ?? (mappings.length === 1 ? mappings[0] : undefined);
}

/** Mappings by the options of a union, because thousands of models have the same. */
const MAPPINGS = new WeakMap<readonly Schema[], readonly z.ZodObject[]>();

function mappingsAmong(options: readonly Schema[]): readonly z.ZodObject[] {
  let mappings = MAPPINGS.get(options);
  if (mappings === undefined) {
    mappings = options.filter((option) => option instanceof z.ZodObject);
    MAPPINGS.set(options, mappings);
  }
  return mappings;
}

function childOf(value: unknown, step: string | number): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
  return (value as Record<string | number, unknown>)[step];
}

/** The value at a path; undefined if there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce(childOf, value);
}

/** The schema at a path through this value, without wrappers except the outermost ones. */
export function schemaAt(root: Schema, path: Path, value: unknown): Schema | undefined {
  let schema: Schema | undefined = root;
  let here = value;
  for (const step of path) {
    let parent: Schema | undefined = unwrap(schema);
    if (parent instanceof z.ZodUnion) parent = chooseOption(parent.options, here);
    if (parent instanceof z.ZodObject) schema = memberOf(parent, step);
    else if (parent instanceof z.ZodRecord) schema = parent.valueType;
    else if (parent instanceof z.ZodArray) schema = parent.element;
    else return undefined;
    if (schema === undefined) return undefined;
    here = childOf(here, step);
  }
  return schema;
}

/** The schema of a key; undefined if the mapping has no such key, even one such as `constructor`. */
export function memberOf({ shape }: z.ZodObject, key: string | number): Schema | undefined {
  return Object.hasOwn(shape, key) ? shape[key] : undefined;
}

/** The metadata registered for the schema or for the one it wraps. */
export function aboutOf(schema: Schema): About | undefined {
  const words = about.get(schema);
  const content = inner(schema);
  return words ?? (content && aboutOf(content));
}

/** The metadata of the keys of a mapping with free keys. */
export function aboutOfKeys(schema: Schema | undefined): About | undefined {
  const content = schema && unwrap(schema);
  return content instanceof z.ZodRecord ? aboutOf(content.keyType) : undefined;
}

/**
 * Whether no part of a value may be shown; `content` is the result of `contentOf`. For a mapping with fixed keys,
 * each key decides.
 */
export function isSecret(schema: Schema, content: Schema): boolean {
  return aboutOf(schema)?.sensitive === true && !(content instanceof z.ZodObject);
}

/** The keys that a mapping of this schema may have; none if it is not a mapping. */
export function keysOf(schema: Schema, value: unknown): readonly string[] {
  let content: Schema | undefined = unwrap(schema);
  if (content instanceof z.ZodUnion) content = chooseOption(content.options, value);
  return content instanceof z.ZodObject ? Object.keys(content.shape) : [];
}

/** Whether the schema accepts a string, number or boolean rather than a mapping or list. */
export function takesScalar(schema: Schema): boolean {
  const content = unwrap(schema);
  if (content instanceof z.ZodUnion) return content.options.some(takesScalar);
  return !(content instanceof z.ZodObject || content instanceof z.ZodRecord || content instanceof z.ZodArray);
}
