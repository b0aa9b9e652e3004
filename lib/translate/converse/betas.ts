/** Anthropic's beta flags: which are sent to Bedrock, and which fields stay in the body with them. */

import type { JsonObject } from "../../base/json.ts";
import { type BetaTable, isNamed, KEEP } from "../../facts/beta_table.ts";
import { type JsonPath, valuesAt, withoutPath } from "../../facts/json_paths.ts";
import type { IgnoredFields } from "./ignored.ts";

export interface BetaOptions {
  /** As the caller sent them, in headers and in the body. */
  readonly flags: readonly string[];
  readonly table: BetaTable;
  /** Receives a name for each dropped flag and field. */
  readonly ignored: IgnoredFields;
}

export interface BetaResult {
  /** `body` itself if no field was removed. */
  readonly body: JsonObject;
  /** The flags to send, without duplicates. */
  readonly flags: readonly string[];
}

/**
 * Filters the flags and makes the body match them: the fields of a dropped flag are removed, a field without its flag
 * gets the one that Bedrock knows or is removed, and a field that Bedrock refuses is replaced by its flag.
 */
export function applyBetas(body: JsonObject, { flags, table, ignored }: BetaOptions): BetaResult {
  const sent = new Set<string>();
  const kept: string[] = [];
  const dropped: string[] = [];
  for (const flag of flags) {
    const name = table.rename.get(flag) ?? flag;
    if (passes(name, table)) {
      sent.add(name);
      kept.push(flag);
    } else {
      dropped.push(flag);
      ignored.add(`anthropic-beta[${flag}]`);
    }
  }
  let left = body;
  for (const { flags: names, remove, alone } of table.fields) {
    if (!hasAny(left, remove) || containsAny(names, kept) || containsAny(names, sent)) continue;
    if (alone !== undefined && !containsAny(names, dropped)) {
      if (alone === KEEP) continue;
      if (passes(alone, table)) {
        sent.add(alone);
        continue;
      }
    }
    for (const path of remove) left = leaveOut(left, path, ignored);
  }
  for (const { field, flag } of table.replace) {
    const values = valuesAt(left, field);
    if (values.length === 0) continue;
    const asksForIt = values.includes(true);
    if (asksForIt && passes(flag, table)) sent.add(flag);
    else if (asksForIt) ignored.add(field.name);
    left = withoutPath(left, field);
  }
  return { body: left, flags: [...sent] };
}

function passes(flag: string, { pass, drop, unknown }: BetaTable): boolean {
  return !isNamed(flag, drop) && (unknown === "pass" || isNamed(flag, pass));
}

function containsAny(names: readonly string[], flags: Iterable<string>): boolean {
  for (const flag of flags) if (isNamed(flag, names)) return true;
  return false;
}

function hasAny(body: JsonObject, paths: readonly JsonPath[]): boolean {
  for (const path of paths) if (valuesAt(body, path).length > 0) return true;
  return false;
}

function leaveOut(body: JsonObject, path: JsonPath, ignored: IgnoredFields): JsonObject {
  const left = withoutPath(body, path);
  if (left !== body) ignored.add(path.name);
  return left;
}
