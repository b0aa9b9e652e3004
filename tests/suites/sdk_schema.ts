/** Checks JSON bodies against the operation schemas in the AWS SDK, which define what a request may contain. */

import * as sdk from "@aws-sdk/client-bedrock-runtime";
import assert from "node:assert/strict";

export type Operation = "Converse" | "ConverseStream" | "CountTokens" | "ApplyGuardrail";

/** Fails with every unknown or missing member, wrong type and union without exactly one member in a request body. */
export function assertMatchesSchema(operation: Operation, body: unknown): void {
  assert.deepEqual(schemaProblems(operation, body), [], `body of ${operation}`);
}

/** The problems of a request body, one line each. */
export function schemaProblems(operation: Operation, body: unknown): string[] {
  const problems: string[] = [];
  walk(OPERATIONS[operation], body, { path: "", problems });
  return problems;
}

// The SDK's schemas are arrays, https://github.com/smithy-lang/smithy-typescript/tree/main/packages/types/src/schema:
//   [3, namespace, name, traits, member names, member schemas, how many of them are required]   a structure
//   [4, namespace, name, traits, member names, member schemas]                                  a union
//   [1, namespace, name, traits, element]   [2, namespace, name, traits, key, value]            a list, a map
// A simple type is a number; 64 and 128 are added for lists and maps of it. A schema may be wrapped in a function, and
// with traits in a pair.
type Schema = number | (() => Schema) | readonly unknown[];

const OPERATIONS: Readonly<Record<Operation, Schema>> = {
  Converse: sdk.ConverseRequest$,
  ConverseStream: sdk.ConverseStreamRequest$,
  CountTokens: sdk.CountTokensRequest$,
  ApplyGuardrail: sdk.ApplyGuardrailRequest$,
};

const LIST = 1;
const MAP = 2;
const STRUCTURE = 3;
const UNION = 4;
const LIST_MODIFIER = 64;
const MAP_MODIFIER = 128;
/** The trait of a member that is part of the path. */
const HTTP_LABEL = 1;

/** Checks of the simple types, by their numbers. */
const SIMPLE: Readonly<
  Record<number, { readonly name: string; readonly test: (value: unknown) => boolean }>
> = {
  0: { name: "a string", test: (value) => typeof value === "string" },
  1: { name: "a number", test: (value) => typeof value === "number" },
  2: { name: "a boolean", test: (value) => typeof value === "boolean" },
  15: { name: "a JSON document", test: (value) => value !== undefined },
  21: {
    name: "base64",
    test: (value) =>
      typeof value === "string" &&
      /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value),
  },
};

interface Place {
  readonly path: string;
  readonly problems: string[];
}

function walk(schema: Schema, value: unknown, { path, problems }: Place): void {
  if (typeof schema === "function") return walk(schema(), value, { path, problems });
  if (typeof schema === "number") return walkSimple(schema, value, { path, problems });
  switch (schema[0]) {
    case LIST:
      return walkList(schema[4] as Schema, value, { path, problems });
    case MAP:
      return walkMap(schema[5] as Schema, value, { path, problems });
    case STRUCTURE:
    case UNION:
      return walkMembers(schema, value, { path, problems });
    default:
      // A pair of a schema and its traits.
      return walk(schema[0] as Schema, value, { path, problems });
  }
}

function walkSimple(type: number, value: unknown, place: Place): void {
  if (type & MAP_MODIFIER) return walkMap(type - MAP_MODIFIER, value, place);
  if (type & LIST_MODIFIER) return walkList(type - LIST_MODIFIER, value, place);
  const simple = SIMPLE[type];
  assert.ok(simple !== undefined, `the SDK has a simple type ${type} that this walk does not know`);
  if (!simple.test(value)) place.problems.push(`${place.path}: expected ${simple.name}`);
}

function walkList(element: Schema, value: unknown, { path, problems }: Place): void {
  if (!Array.isArray(value)) problems.push(`${path}: expected a list`);
  else value.forEach((item, index) => walk(element, item, { path: `${path}[${index}]`, problems }));
}

function walkMap(element: Schema, value: unknown, { path, problems }: Place): void {
  if (!isObject(value)) problems.push(`${path}: expected a map`);
  else {for (const [key, item] of Object.entries(value)) {
      walk(element, item, { path: `${path}.${key}`, problems });
    }}
}

function walkMembers(schema: readonly unknown[], value: unknown, { path, problems }: Place): void {
  if (!isObject(value)) {
    problems.push(`${path}: expected an object`);
    return;
  }
  const [kind, , , , names, schemas, required = 0] = schema as [
    number,
    string,
    string,
    unknown,
    string[],
    Schema[],
    number?,
  ];
  for (const [name, item] of Object.entries(value)) {
    const member = schemas[names.indexOf(name)];
    if (member === undefined) problems.push(`${path}.${name}: unknown member`);
    else walk(member, item, { path: `${path}.${name}`, problems });
  }
  for (const [index, name] of names.slice(0, required).entries()) {
    if (!Object.hasOwn(value, name) && !isInPath(schemas[index])) problems.push(`${path}.${name}: missing`);
  }
  const count = Object.keys(value).length;
  if (kind === UNION && count !== 1) problems.push(`${path}: expected one member of a union, found ${count}`);
}

function isInPath(member: Schema | undefined): boolean {
  return Array.isArray(member) && member[1] === HTTP_LABEL;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
