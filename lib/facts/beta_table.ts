/** The table of Anthropic's beta flags on Bedrock in `config/data/beta-flags.yaml`. */

import tables from "./built_in.json" with { type: "json" };
import { parseJsonPath } from "./json_paths.ts";
import type { JsonPath } from "./json_paths.ts";

/** The compiled table. Names of flags may end in `*`, which matches any characters. */
export interface BetaTable {
  readonly unknown: "drop" | "pass";
  readonly pass: readonly string[];
  readonly drop: readonly string[];
  readonly rename: ReadonlyMap<string, string>;
  readonly fields: readonly FieldRow[];
  readonly replace: readonly ReplacementRow[];
  /** Values of a tool's `type` that Bedrock accepts if the flags they need are sent. */
  readonly tools: readonly string[];
}

/** Fields that have no meaning without one of these flags. */
interface FieldRow {
  readonly flags: readonly string[];
  readonly remove: readonly JsonPath[];
  /**
   * For fields sent without any of the flags: the flag to add, or `keep` if they need none; undefined removes them.
   */
  readonly alone: string | undefined;
}

/** A field that Bedrock refuses, and the flag with the same meaning. */
interface ReplacementRow {
  readonly field: JsonPath;
  readonly flag: string;
}

/** In `alone`: the fields stay without a flag. */
export const KEEP = "keep";

/** A flag, or a prefix of several with `*`; for schemas. */
export const FLAG_NAMES = /^[\w.-]{1,128}\*?$/;

/** The table in the form of its file. Without `unknown`, that of the table below applies. */
export interface WrittenBetaTable {
  readonly unknown?: BetaTable["unknown"] | undefined;
  readonly pass: readonly string[];
  readonly drop: readonly string[];
  readonly rename: Readonly<Record<string, string>>;
  readonly fields: readonly {
    readonly flags: readonly string[];
    readonly remove: readonly string[];
    readonly alone?: string | undefined;
  }[];
  readonly replace: readonly { readonly field: string; readonly flag: string }[];
  readonly tools: readonly string[];
}

const EMPTY_TABLE: BetaTable = {
  unknown: "drop",
  pass: [],
  drop: [],
  rename: new Map(),
  fields: [],
  replace: [],
  tools: [],
};

/**
 * Compiles a table on top of another: its entries override the other's. Throws an `Error` that names an invalid path.
 */
export function compileBetaTable(written: WrittenBetaTable, below: BetaTable = EMPTY_TABLE): BetaTable {
  const { pass, drop, rename } = written;
  const overridden = [...pass, ...drop, ...Object.keys(rename)];
  const isKept = (flag: string) => !isNamed(flag, overridden);
  return {
    unknown: written.unknown ?? below.unknown,
    pass: [...below.pass.filter(isKept), ...pass],
    drop: [...below.drop.filter(isKept), ...drop],
    rename: new Map([...[...below.rename].filter(([flag]) => isKept(flag)), ...Object.entries(rename)]),
    fields: [
      ...below.fields,
      ...written.fields.map(({ flags, remove, alone }) => ({
        flags,
        remove: remove.map(parseJsonPath),
        alone,
      })),
    ],
    replace: [
      ...below.replace,
      ...written.replace.map(({ field, flag }) => ({ field: parseJsonPath(field), flag })),
    ],
    tools: [...below.tools, ...written.tools],
  };
}

let builtIn: BetaTable | undefined;

/** The built-in table, compiled on first use. It is not checked at start, because a test does that. */
export function builtInBetaTable(): BetaTable {
  return builtIn ??= compileBetaTable(tables.betaFlags as WrittenBetaTable);
}

/** Whether a flag is one of the names, or begins with one that ends in `*`. */
export function isNamed(flag: string, names: readonly string[]): boolean {
  return names.some((name) => name.endsWith("*") ? flag.startsWith(name.slice(0, -1)) : flag === name);
}
