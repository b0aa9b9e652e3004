/**
 * Anthropic's beta flags: which are sent to Bedrock, and which fields are removed with those that are not.
 */

import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { isNamed } from "../../facts/beta_table.ts";
import type { BetaTable } from "../../facts/beta_table.ts";
import { parseJsonPath, withoutPath } from "../../facts/json_paths.ts";
import type { JsonPath } from "../../facts/json_paths.ts";
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

/** Decides on the flags, and removes the fields of the dropped ones from the body. */
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
  const paths = table.fields
    .filter((row) => holdsAny(row.flags, dropped) && !holdsAny(row.flags, kept))
    .flatMap((row) => row.remove);
  const left = paths.reduce((left, path) => leaveOut(left, path, ignored), body);
  const isLost = left.tools !== body.tools && choosesLostTool(left);
  return { body: isLost ? leaveOut(left, TOOL_CHOICE, ignored) : left, flags: [...sent] };
}

function passes(flag: string, { pass, drop, unknown }: BetaTable): boolean {
  return !isNamed(flag, drop) && (unknown === "pass" || isNamed(flag, pass));
}

function holdsAny(names: readonly string[], flags: readonly string[]): boolean {
  return flags.some((flag) => isNamed(flag, names));
}

const TOOL_CHOICE = parseJsonPath("tool_choice");

/** Whether `tool_choice`, which Bedrock rejects without tools, has no tools left, or not the one it names. */
function choosesLostTool({ tools, tool_choice: choice }: JsonObject): boolean {
  if (!Array.isArray(tools)) return true;
  if (!isJsonObject(choice) || choice.type !== "tool") return false;
  return !tools.some((tool: JsonValue) => isJsonObject(tool) && tool.name === choice.name);
}

function leaveOut(body: JsonObject, path: JsonPath, ignored: IgnoredFields): JsonObject {
  const left = withoutPath(body, path);
  if (left !== body) ignored.add(path.name);
  return left;
}
