/** Anthropic's beta flags on Bedrock: which of them may be sent, and what leaves a body with those that may not. */

import { parse } from "yaml";
import { z } from "zod";
import defaultTable from "../../config/data/beta-flags.yaml" with { type: "text" };
import type { JsonObject } from "../base/json.ts";
import { parseJsonPath, withoutPath } from "./json_paths.ts";
import type { JsonPath } from "./json_paths.ts";
import type { IgnoredFields } from "./ignored.ts";

/** `config/data/beta-flags.yaml`, read. Names may end in `*`. */
export interface BetaTable {
  readonly unknown: "drop" | "pass";
  readonly pass: readonly string[];
  readonly drop: readonly string[];
  readonly rename: ReadonlyMap<string, string>;
  readonly fields: readonly FieldRow[];
}

/** Fields that mean nothing without one of the flags. */
interface FieldRow {
  readonly flags: readonly string[];
  readonly remove: readonly JsonPath[];
}

const names = z.array(z.string().regex(/^[\w.-]+\*?$/));
const tableSchema = z.strictObject({
  unknown: z.enum(["drop", "pass"]),
  pass: names,
  drop: names,
  rename: z.record(z.string(), z.string()),
  fields: z.array(z.strictObject({ flags: names, remove: z.array(z.string()) })),
});

/** Reads a table as text; throws an `Error` that names the member at fault. */
export function parseBetaTable(text: string): BetaTable {
  const table = tableSchema.safeParse(parse(text));
  if (!table.success) throw new Error(`Cannot read the table of beta flags: ${z.prettifyError(table.error)}`);
  const { rename, fields, ...rest } = table.data;
  return {
    ...rest,
    rename: new Map(Object.entries(rename)),
    fields: fields.map(({ flags, remove }) => ({ flags, remove: remove.map(parseJsonPath) })),
  };
}

let builtIn: BetaTable | undefined;

/** The table that the program carries with it; read when it is first asked for. */
export function builtInBetaTable(): BetaTable {
  return builtIn ??= parseBetaTable(defaultTable);
}

export interface BetaOptions {
  /** As the caller sent them: in headers and in the body. */
  readonly flags: readonly string[];
  readonly table: BetaTable;
  /** Gets a name for each flag and each field that is left out. */
  readonly ignored: IgnoredFields;
}

export interface BetaResult {
  /** `body` itself where no field had to leave. */
  readonly body: JsonObject;
  /** The flags to send, each once. */
  readonly flags: readonly string[];
}

/** Sorts out the flags, and takes from the body what the dropped ones were for. */
export function applyBetas(body: JsonObject, { flags, table, ignored }: BetaOptions): BetaResult {
  const sent = new Set<string>();
  const dropped = new Set<string>();
  const kept = new Set<string>();
  for (const flag of flags) {
    const name = table.rename.get(flag) ?? flag;
    if (passes(name, table)) {
      sent.add(name);
      kept.add(flag);
    } else dropped.add(flag);
  }
  for (const flag of dropped) ignored.add(`anthropic-beta[${flag}]`);
  const paths = table.fields
    .filter((row) => anyMatches(dropped, row.flags) && !anyMatches(kept, row.flags))
    .flatMap((row) => row.remove);
  return { body: paths.reduce((left, path) => leaveOut(left, path, ignored), body), flags: [...sent] };
}

function passes(flag: string, table: BetaTable): boolean {
  if (matchesAny(flag, table.drop)) return false;
  return table.unknown === "pass" || matchesAny(flag, table.pass);
}

function leaveOut(body: JsonObject, path: JsonPath, ignored: IgnoredFields): JsonObject {
  const left = withoutPath(body, path);
  if (left !== body) ignored.add(path.name);
  return left;
}

function anyMatches(flags: ReadonlySet<string>, patterns: readonly string[]): boolean {
  return [...flags].some((flag) => matchesAny(flag, patterns));
}

function matchesAny(flag: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith("*") ? flag.startsWith(pattern.slice(0, -1)) : flag === pattern
  );
}
