/** The table of Anthropic's beta flags on Bedrock in `config/data/beta-flags.yaml`. */

import { parse } from "yaml";
import { z } from "zod";
import builtInTable from "../../config/data/beta-flags.yaml" with { type: "text" };
import { parseJsonPath } from "./json_paths.ts";
import type { JsonPath } from "./json_paths.ts";

/** The table, compiled. Names of flags may end in `*`, for any characters. */
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

/** The table as it is written. Descriptions are for editors. */
export const betaTableSchema = z.strictObject({
  unknown: z.enum(["drop", "pass"]).describe("What becomes of a flag that the table does not name."),
  pass: names.describe("Flags that Bedrock takes."),
  drop: names.describe("Flags that it refuses."),
  rename: z.record(z.string(), z.string()).describe("Flags that it knows under another name."),
  fields: z.array(z.strictObject({ flags: names, remove: z.array(z.string()) }))
    .describe("What leaves the body when one of the flags was left out and none of them was sent."),
});

/** Compiles a table; throws an `Error` that names the path that cannot be read. */
export function compileBetaTable({ rename, fields, ...rest }: z.output<typeof betaTableSchema>): BetaTable {
  return {
    ...rest,
    rename: new Map(Object.entries(rename)),
    fields: fields.map(({ flags, remove }) => ({ flags, remove: remove.map(parseJsonPath) })),
  };
}

let builtIn: BetaTable | undefined;

/** The table that the program carries with it; read when it is first asked for. */
export function builtInBetaTable(): BetaTable {
  return builtIn ??= compileBetaTable(betaTableSchema.parse(parse(builtInTable)));
}

/** Whether a flag is one of the names, or begins like one that ends in `*`. */
export function isNamed(flag: string, names: readonly string[]): boolean {
  return names.some((name) => name.endsWith("*") ? flag.startsWith(name.slice(0, -1)) : flag === name);
}
