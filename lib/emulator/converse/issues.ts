/** AWS's messages about a body with the wrong shape. */

import type { z } from "zod";
import { BedrockException, invalid } from "../server/exception.ts";

/** The typed body, or AWS's error. */
export function parseShape<Value>(shape: z.ZodType<Value>, body: unknown): Value {
  const result = shape.safeParse(body, { reportInput: true });
  if (result.success) return result.data;
  throw describeIssues(result.error.issues);
}

/** The error for a body, in the words of AWS's request validation. */
function describeIssues(issues: readonly z.core.$ZodIssue[]): BedrockException {
  const constraints: string[] = [];
  for (const issue of issues) {
    const where = issue.path.map(String);
    switch (issue.code) {
      case "unrecognized_keys":
        return invalid(
          `Malformed input request: #${where.map((step) => `/${step}`).join("")}: extraneous key ` +
            `[${issue.keys.join(", ")}] is not permitted, please reformat your input and try again.`,
        );
      case "custom":
        return invalid(
          `The ${issue.params?.["union"]} object at ${
            where.join(".")
          } must set exactly one of the following keys: ` +
            `${(issue.params?.["members"] as string[] | undefined)?.join(", ")}.`,
        );
      case "invalid_type":
        if (issue.input !== undefined) {
          const found = jsonToken(issue.input);
          return new BedrockException(
            "SerializationException",
            `${found} can not be converted to ${article(issue.expected)} at ${where.join(".")}`,
          );
        }
    }
    constraints.push(
      `Value ${shown(issue.input)}at '${memberPath(issue.path)}' failed to satisfy constraint: ` +
        `Member must ${constraintOf(issue)}`,
    );
  }
  const count = `${constraints.length} validation error${constraints.length === 1 ? "" : "s"} detected: `;
  return invalid(count + constraints.join("; "));
}

/** `messages.1.member.content.2.member.text`: AWS counts list members from one here, and nowhere else. */
function memberPath(path: readonly PropertyKey[]): string {
  return path.map((step) => (typeof step === "number" ? `${step + 1}.member` : String(step))).join(".");
}

function shown(input: unknown): string {
  if (input === undefined) return "null ";
  return typeof input === "number" || typeof input === "string" ? `'${input}' ` : "";
}

function constraintOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return "not be null";
    case "too_small":
      return `have ${measureOf(issue.origin)} greater than or equal to ${issue.minimum}`;
    case "too_big":
      return `have ${measureOf(issue.origin)} less than or equal to ${issue.maximum}`;
    case "invalid_value":
      return `satisfy enum value set: [${issue.values.join(", ")}]`;
    case "invalid_format":
      return issue.format === "base64"
        ? "be base64"
        : `satisfy regular expression pattern: ${issue.pattern?.replace(/^\/?\^|\$\/?$/g, "")}`;
    default:
      return "be valid";
  }
}

function measureOf(origin: string): string {
  return origin === "number" || origin === "int" ? "value" : "length";
}

function jsonToken(input: unknown): string {
  if (Array.isArray(input)) return "START_ARRAY";
  if (input === null) return "VALUE_NULL";
  if (typeof input === "object") return "START_OBJECT";
  return `${typeof input}_VALUE`.toUpperCase();
}

function article(expected: string): string {
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}
