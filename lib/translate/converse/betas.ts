/** Anthropic's beta flags: which of them go to Bedrock, and what leaves a body with those that do not. */

import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { isNamed } from "../../facts/beta_table.ts";
import type { BetaTable } from "../../facts/beta_table.ts";
import { parseJsonPath, withoutPath } from "../../facts/json_paths.ts";
import type { JsonPath } from "../../facts/json_paths.ts";
import type { IgnoredFields } from "./ignored.ts";

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

/** Whether `tool_choice`, which Bedrock refuses without tools, has none left, or not the one that it names. */
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
