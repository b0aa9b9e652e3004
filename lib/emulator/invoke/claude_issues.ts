/** Messages of Anthropic's API about a body with the wrong shape. */

import type { z } from "zod";
import { isJsonObject, type JsonValue } from "../../base/json.ts";

/** Fields whose value is a union with the discriminator `type`. */
const TAGGED_MEMBERS: ReadonlySet<string> = new Set(["cache_control", "source", "thinking", "tool_choice"]);
/** Arrays of such unions. */
const TAGGED_ELEMENTS: ReadonlySet<string> = new Set(["content", "tools"]);

/** The first problem in a body, with its path, in the words of the API. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], body: JsonValue | undefined): string {
  const [issue] = issues;
  if (issue === undefined) return "invalid body";
  const path = (...more: string[]) => taggedPath([...issue.path, ...more], body);
  switch (issue.code) {
    case "unrecognized_keys":
      return `${path(issue.keys[0] ?? "")}: Extra inputs are not permitted`;
    case "invalid_type":
      if (issue.input === undefined) return `${path()}: Field required`;
      return `${path()}: Input should be a valid ${TYPES[issue.expected] ?? issue.expected}`;
    case "too_small":
      return `${path()}: Input should be greater than or equal to ${issue.minimum}`;
    case "too_big":
      return `${path()}: Input should be less than or equal to ${issue.maximum}`;
    case "invalid_value":
      if (issue.input === undefined) return `${path()}: Field required`;
      return `${path()}: Input should be ${listed(issue.values.map((value) => `'${String(value)}'`))}`;
    case "invalid_format":
      return `${path()}: String should match pattern '${issue.pattern?.replace(/^\/|\/$/g, "")}'`;
    case "invalid_union": {
      const found = valueAt(body, issue.path);
      if (found === undefined) return `${path()}: Field required`;
      // For a union of plain alternatives, the most deeply nested issue is the most helpful.
      const inner = issue.errors.flat().sort((one, other) => other.path.length - one.path.length)[0];
      if (inner !== undefined) {
        return describeIssues([{ ...inner, path: [...issue.path, ...inner.path] }], body);
      }
      return `${
        path().replace(/\.type$/, "")
      }: Input tag '${found}' found using 'type' does not match any of the ` +
        "expected tags";
    }
    default:
      return `${path()}: ${issue.message}`;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  array: "list",
  int: "integer",
  object: "dictionary",
  record: "dictionary",
};

/** The error for a value with an unexpected `type`. */
export function wrongTag(found: string, path: string, expected: readonly string[]): string {
  const tags = [...expected].sort().map((tag) => `'${tag}'`).join(", ");
  return `${path}: Input tag '${found}' found using 'type' does not match any of the expected tags: ${tags}`;
}

/** `'a', 'b' or 'c'`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** The path as the API prints it: the index or name of a union is followed by its `type`. */
function taggedPath(path: readonly PropertyKey[], body: JsonValue | undefined): string {
  const steps: string[] = [];
  let value = body;
  path.forEach((step, at) => {
    steps.push(String(step));
    value = valueAt(value, [step]);
    const isLast = at === path.length - 1;
    const isTagged = typeof step === "number"
      ? TAGGED_ELEMENTS.has(String(path[at - 1]))
      : TAGGED_MEMBERS.has(String(step));
    if (isLast || !isTagged || !isJsonObject(value)) return;
    const tag = value["type"] ?? (path[at - 1] === "tools" ? "custom" : undefined);
    if (typeof tag === "string") steps.push(tag);
  });
  return steps.join(".");
}

function valueAt(value: JsonValue | undefined, path: readonly PropertyKey[]): JsonValue | undefined {
  let found = value;
  for (const step of path) {
    if (typeof step === "number") found = Array.isArray(found) ? found[step] : undefined;
    else found = isJsonObject(found) ? found[String(step)] : undefined;
  }
  return found;
}
