/** Converts zod's issues to messages for the operator. */

import { z } from "zod";

import type { About } from "./fields.ts";
import type { SourceMap } from "../file/source_map.ts";
import {
  formatPath,
  looksLikeSecret,
  type Path,
  type Problem,
  quote,
  quoteKey,
} from "../../base/problems.ts";
import { aboutOf, aboutOfKeys, keysOf, schemaAt, takesScalar, valueAt } from "./schema_walk.ts";
import { didYouMean, nearest, suggestion } from "./suggest.ts";
import { parseScalar } from "./values.ts";

/** An issue reported by zod. */
export type Issue = z.core.$ZodIssue;

/** The path of an issue as keys and indexes. */
export function pathOf(issue: Issue): Path {
  return issue.path.map((step) => typeof step === "number" ? step : String(step));
}

/** The issues of the option of a union that the value is intended for; otherwise the issue itself. */
export function flattenIssue(issue: Issue): readonly Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const meant = issue.errors.find((nested) =>
    nested.every((one) => one.path.length > 0 || one.code === "unrecognized_keys")
  );
  if (meant === undefined) return [issue];
  return meant.map((one) => ({ ...one, path: [...issue.path, ...one.path] })).flatMap(flattenIssue);
}

export interface Explained {
  readonly value: unknown;
  /** The schema that the value was checked against. */
  readonly root: z.core.$ZodType;
  readonly sourceMap: SourceMap;
}

/** The problems for one flattened issue. */
export function explainIssue(issue: Issue, { value, root, sourceMap }: Explained): readonly Problem[] {
  const path = pathOf(issue);
  const schema = schemaAt(root, path, value);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const { name, message } = unknownKey(key, schema, valueAt(value, path));
      const problem = sourceMap.problemOfKey([...path, key], message);
      return { ...problem, path: formatPath(name === undefined ? path : [...path, name]) };
    });
  }
  if (issue.code === "invalid_key") {
    const parent = path.slice(0, -1);
    const { expected } = expectation(issue, aboutOfKeys(schemaAt(root, parent, value)));
    const name = quoteKey(String(path.at(-1)));
    return [sourceMap.problemOfKey(path, `expected ${expected} as the name, found ${name}`)];
  }
  const words = schema && aboutOf(schema);
  const { expected, known } = expectation(issue, words);
  const found = valueAt(value, path);
  if (found === undefined) {
    const parent = path.slice(0, -1);
    const intended = (key: string) => intendedKey(key, schemaAt(root, parent, value), valueAt(value, parent));
    // Then the unknown key is reported.
    const isMisspelt = sourceMap.keysAt(parent).some((key) => intended(key) === path.at(-1));
    return isMisspelt ? [] : [sourceMap.problem(path, `missing: expected ${expected}`)];
  }

  const reference = sourceMap.referenceAt(path);
  const secret = (words?.sensitive ?? false) !== false || (schema !== undefined && !takesScalar(schema));
  const description = describeFound(found, { secret, reference });
  const suggestFrom = (names: readonly string[]) =>
    typeof found === "string" && reference === undefined && !secret ? didYouMean(found, names) : "";
  const common = suggestFrom(words?.common ?? []);
  const advice = [
    suggestFrom(known),
    schema === undefined || reference !== undefined ? "" : shapeAdvice(found, schema),
    issue.code === "invalid_type" && issue.expected === "boolean" && isBooleanOfYamlOne(found)
      ? " (in YAML 1.2 yes, no, on and off are strings)"
      : "",
    common !== "" || words?.hint === undefined ? common : `; ${words.hint}`,
  ];
  const keys = schema === undefined || expected !== "a mapping" ? [] : keysOf(schema, found);
  const form = keys.length === 0 || keys.length > MAX_KEYS ? "" : ` (keys: ${keys.join(", ")})`;
  return [sourceMap.problem(path, `expected ${expected}${form}, found ${description}${advice.join("")}`)];
}

/** More keys of a mapping are not listed. */
const MAX_KEYS = 8;

/**
 * `region` of `region:us-east-1`, which YAML parses as one key; undefined if the key has no colon or equals sign.
 */
function joinedName(key: string): string | undefined {
  return /^([^:=]*)[:=]/.exec(key)?.[1];
}

/** The known key that an unknown one is probably meant to be. */
export function intendedKey(
  key: string,
  schema: z.core.$ZodType | undefined,
  mapping: unknown,
): string | undefined {
  const known = schema === undefined ? [] : keysOf(schema, mapping);
  const name = joinedName(key) ?? key;
  return known.includes(name) ? name : nearest(name, known);
}

interface UnknownKey {
  /** The last part of the problem's path; undefined if it cannot be shown. */
  readonly name: string | undefined;
  readonly message: string;
}

function unknownKey(key: string, schema: z.core.$ZodType | undefined, mapping: unknown): UnknownKey {
  if (schema !== undefined && aboutOf(schema)?.unsupported?.includes(key)) {
    return { name: key, message: `the key ${quoteKey(key)} is not supported by this version` };
  }
  const known = schema === undefined ? [] : keysOf(schema, mapping);
  const name = joinedName(key) ?? key;
  if (name !== key && known.includes(name)) {
    return { name, message: `write ${quote(`${name}: VALUE`)}, with a space after the colon` };
  }
  const isSensitive = schema !== undefined && aboutOf(schema)?.sensitive === true;
  if (looksLikeSecret(key) || (isSensitive && !KEY_LIKE.test(name))) {
    return { name: undefined, message: "unknown key (not shown, because it may be a secret)" };
  }
  return { name: key, message: `unknown key ${quoteKey(key)}${suggestion(name, known)}` };
}

/** The pattern of a misspelt key, which a secret hardly ever matches. */
const KEY_LIKE = /^[A-Za-z_-]{1,24}$/;

interface Expectation {
  readonly expected: string;
  /** The valid values that a wrong one may be a misspelling of. */
  readonly known: readonly string[];
}

function expectation(issue: Issue, words: About | undefined): Expectation {
  const known = knownValues(issue).map(String);
  const choices = listed(known.map(quote));
  return { expected: words?.expected ?? (choices === "" ? "something else" : choices), known };
}

/** `"a"`, `"a" or "b"`, `"a", "b" or "c"`. */
function listed(choices: readonly string[]): string {
  const last = choices.slice(-1);
  return [choices.slice(0, -1).join(", "), ...last].filter((part) => part !== "").join(" or ");
}

function knownValues(issue: Issue): readonly z.core.util.Primitive[] {
  if (issue.code === "invalid_value") return issue.values;
  return issue.code === "invalid_union" && "options" in issue ? issue.options ?? [] : [];
}

interface FoundOptions {
  /** Whether the value may be a secret, or a secret in the wrong place. */
  readonly secret: boolean;
  /** The reference that the value comes from. */
  readonly reference: string | undefined;
}

function describeFound(found: unknown, { secret, reference }: FoundOptions): string {
  if (found === null) return "nothing";
  if (Array.isArray(found)) {
    return found.length === 0
      ? "an empty list"
      : `a list of ${found.length} ${found.length === 1 ? "item" : "items"}`;
  }
  if (typeof found === "object") return "a mapping";
  if (found === "") return reference === undefined ? "an empty string" : `an empty string from ${reference}`;
  if (reference !== undefined) return `the value of ${reference} (not shown)`;
  if (typeof found === "string") {
    return secret || looksLikeSecret(found) ? "a string (not shown)" : quote(found);
  }
  if (typeof found === "number") return secret ? "a number (not shown)" : `the number ${found}`;
  return String(found);
}

/** Advice for a value that would be valid as a string, number or boolean, or as the only item of a list. */
function shapeAdvice(found: unknown, schema: z.core.$ZodType): string {
  const isAccepted = (value: unknown) => value !== undefined && z.safeParse(schema, value).success;
  if (isAccepted([found])) return "; put it in brackets";
  if (typeof found === "string") return isAccepted(parseScalar(found)) ? "; remove the quotes" : "";
  const isScalar = typeof found === "number" || typeof found === "boolean";
  return isScalar && isAccepted(String(found)) ? "; put it in quotes" : "";
}

/** Booleans of YAML 1.1. */
function isBooleanOfYamlOne(found: unknown): boolean {
  return typeof found === "string" && /^(?:yes|no|on|off|y|n)$/i.test(found);
}
