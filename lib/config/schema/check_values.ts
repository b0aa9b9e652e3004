/** Checks the values of a file against a schema; returns all problems and the valid part. */

import type { z } from "zod";

import { explainIssue, flattenIssue, intendedKey, type Issue, pathOf } from "./issues.ts";
import type { SourceMap } from "../file/source_map.ts";
import type { Path, Problem } from "../../base/problems.ts";
import { UNRESOLVED } from "../file/plain_values.ts";
import { schemaAt, valueAt } from "./schema_walk.ts";
import { parseScalar } from "./values.ts";

export interface CheckOptions<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly sourceMap: SourceMap;
}

export interface Checked<Value> {
  readonly problems: readonly Problem[];
  /** The value without the invalid parts, so that the rest can be linked; undefined if too little remains. */
  readonly sound: Value | undefined;
  /** Paths that were removed from `sound`. */
  readonly cut: readonly Path[];
}

/** Checks the result of `resolveValues`, which is modified in the process. */
export function checkValues<Schema extends z.ZodType>(
  value: unknown,
  { schema, sourceMap }: CheckOptions<Schema>,
): Checked<z.output<Schema>> {
  const first = schema.safeParse(value, { jitless: isSmall(value) });
  if (first.success) return { problems: [], sound: first.data, cut: [] };
  convertReferences(value, { schema, sourceMap });
  const problems = issuesOf(value, schema)
    .filter((issue) => valueAt(value, pathOf(issue)) !== UNRESOLVED)
    .flatMap((issue) => explainIssue(issue, { value, root: schema, sourceMap }));
  return { problems, ...cutUnsound(value, schema) };
}

/** With fewer entries, compiling the schema takes longer than it saves: a tenth of the time to start. */
const MIN_COMPILED_ENTRIES = 10_000;

/** Whether the sections of the file have few entries. */
function isSmall(value: unknown): boolean {
  if (!isContainer(value)) return true;
  const sections = Object.values(value).filter(isContainer);
  const entries = sections.reduce((count, section) => count + Object.keys(section).length, 0);
  return entries < MIN_COMPILED_ENTRIES;
}

function issuesOf(value: unknown, schema: z.ZodType): readonly Issue[] {
  return schema.safeParse(value).error?.issues.flatMap(flattenIssue) ?? [];
}

/** The number or boolean that the string represents, if the issue expects one. */
function scalarMeant(text: string, issue: Issue): number | boolean | undefined {
  if (issue.code !== "invalid_type") return undefined;
  const scalar = parseScalar(text);
  const kind: string = typeof scalar;
  return kind === issue.expected || (kind === "number" && issue.expected === "int") ? scalar : undefined;
}

/** A reference always yields a string; where the schema expects a number or boolean, it is converted. */
function convertReferences(value: unknown, { schema, sourceMap }: CheckOptions<z.ZodType>): void {
  for (const issue of issuesOf(value, schema)) {
    const path = pathOf(issue);
    const text = valueAt(value, path);
    if (typeof text !== "string" || sourceMap.referenceAt(path) === undefined) continue;
    const read = scalarMeant(text, issue);
    const parent = valueAt(value, path.slice(0, -1));
    const key = path.at(-1);
    if (read !== undefined && key !== undefined && isContainer(parent)) parent[key] = read;
  }
}

type Container = Record<string | number, unknown>;

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}

/** Cutting a required key makes its mapping invalid, which is then cut in the next round, and so on upwards. */
const MAX_ROUNDS = 8;

function cutUnsound<Schema extends z.ZodType>(
  value: unknown,
  schema: Schema,
): Omit<Checked<z.output<Schema>>, "problems"> {
  const cut: Path[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = schema.safeParse(value);
    if (result.success) return { sound: result.data, cut };
    const issues = result.error.issues.flatMap(flattenIssue);
    for (const path of issues.flatMap((issue) => pathsToCut(issue, { value, schema }))) {
      if (path.length === 0) return { sound: undefined, cut };
      cut.push(path);
      const parent = valueAt(value, path.slice(0, -1));
      if (isContainer(parent)) delete parent[path.at(-1) ?? ""];
    }
  }
  return { sound: undefined, cut };
}

interface Unsound {
  readonly value: unknown;
  readonly schema: z.ZodType;
}

function pathsToCut(issue: Issue, { value, schema }: Unsound): readonly Path[] {
  const path = pathOf(issue);
  if (issue.code === "unrecognized_keys") {
    const mapping = valueAt(value, path);
    return issue.keys.flatMap((key) => {
      // The key that is missing because this one is misspelt.
      const intended = intendedKey(key, schemaAt(schema, path, value), mapping);
      const isMissing = intended !== undefined && valueAt(mapping, [intended]) === undefined;
      return [[...path, key], ...(isMissing ? [[...path, intended]] : [])];
    });
  }
  const unsound = valueAt(value, path) === undefined ? path.slice(0, -1) : path;
  // Removing one item would shift the positions of the others.
  const inList = unsound.findIndex((step) => typeof step === "number");
  return [inList === -1 ? unsound : unsound.slice(0, inList)];
}
