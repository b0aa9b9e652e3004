/** JSON values, and a parser for request bodies with limited depth and precise errors. */

import { decodeUtf8, decodeUtf8Strictly } from "./bytes.ts";
import { AditError, invalidField } from "./errors.ts";
import { locateJsonError } from "./json_text/json_locate.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = { readonly [key: string]: JsonValue };

// https://tc39.es/proposal-json-parse-with-source/, in Deno 2.9.6 and Bun 1.4.4, but not in TypeScript's declarations.
declare global {
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: JsonValue, context: ParseContext) => JsonValue,
    ): JsonValue;
    /** A value that `JSON.stringify` writes as `text`. */
    rawJSON(text: string): JsonValue;
    isRawJSON(value: unknown): boolean;
  }
}

interface ParseContext {
  /** The source text of a primitive value. */
  readonly source?: string;
}

export interface ParseOptions {
  /** Maximum nesting depth of objects and arrays. */
  readonly maxDepth: number;
  /** Maximum number of values: members of objects and elements of arrays, at any depth. Default: any number. */
  readonly maxValues?: number;
}

/**
 * Parses a request body that must be an object. Throws `invalid_request` if it is empty, not UTF-8, not JSON (with
 * line and column), nested deeper than `maxDepth`, or not an object, or if a number in it is out of range. The messages
 * never quote the body.
 */
export function parseJsonBody(bytes: Uint8Array, options: ParseOptions): JsonObject {
  if (bytes.length === 0) throw invalidBody("the request body is empty; send a JSON object");
  const received = decodeUtf8(bytes);
  const outline = outlineOf(received);
  if (outline.depth > options.maxDepth) {
    throw invalidBody(`the request body is nested more than ${options.maxDepth} levels deep`);
  }
  if (outline.values > (options.maxValues ?? Infinity)) {
    throw invalidBody(`the request body has more than ${options.maxValues} JSON values`);
  }
  const text = received.includes(REPLACEMENT) ? decodeUtf8Strictly(bytes) : received;
  if (text === undefined) throw invalidBody("the request body is not valid UTF-8");
  const value = parseText(text, outline);
  if (!isJsonObject(value)) {
    throw invalidBody(`the request body must be a JSON object, found ${describeJson(value)}`);
  }
  const hugeNumber = hasUnsureNumber(outline) ? pathOfHugeNumber(value) : undefined;
  if (hugeNumber !== undefined) throw invalidField(hugeNumber, HUGE_NUMBER);
  return value;
}

/** Whether the value is an object: not an array, null, or a number kept as text by `JSON.rawJSON`. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRaw(value);
}

/** Whether the value is a number kept as text. Looking for its only member first is much faster. */
function isRaw(value: object): boolean {
  return "rawJSON" in value && JSON.isRawJSON(value);
}

/** An object without members; merging with it returns the other object itself. */
export const NO_MEMBERS: JsonObject = Object.freeze({});

/** Whether the object has no members. */
export function hasNoMembers(object: object): boolean {
  for (const _name in object) return false;
  return true;
}

/** A member of a value that may be an object. */
export function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  // Most members are absent, and checking for an object is slower.
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return isJsonObject(value) ? value[name] : undefined;
}

/** The name of an object's first member, which is the tag in AWS's unions; empty if there is none. */
export function firstMember(value: JsonValue | undefined): string {
  return isJsonObject(value) ? Object.keys(value)[0] ?? "" : "";
}

/** Describes the type of a value, such as `an array`, without the value. */
export function describeJson(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (value === "") return "an empty string";
  if (typeof value === "object" && isRaw(value)) return "a number with too many digits";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** The error for a number that `JSON.stringify` would serialise as `null`. */
export const HUGE_NUMBER = "the number is out of range";

/** The path of a number that overflows a double, such as `1e400`. */
export function pathOfHugeNumber(value: JsonValue, path = ""): string | undefined {
  const inside = placeOfHugeNumber(value);
  if (inside === undefined) return undefined;
  return path === "" ? inside.replace(/^\./, "") : path + inside;
}

/** The path, beginning with a dot or a bracket; empty for the value itself. */
function placeOfHugeNumber(value: JsonValue): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const inside = placeOfHugeNumber(value[index]);
      if (inside !== undefined) return `[${index}]${inside}`;
    }
    return undefined;
  }
  if (!isJsonObject(value)) return Number.isFinite(Number(JSON.stringify(value))) ? undefined : "";
  // Members of parsed JSON are all own and enumerable; building a list of them would cost more than visiting them.
  for (const name in value) {
    const inside = placeOfHugeNumber(value[name] ?? null);
    if (inside !== undefined) return `.${shown(name)}${inside}`;
  }
  return undefined;
}

/** The name of a member, unless it may be sensitive. */
function shown(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : "(unprintable)";
}

/**
 * `JSON.parse`, except that integers that would be rounded (64-bit ids, limits in a schema) and numbers that would be
 * infinite become `JSON.rawJSON`: they are serialised exactly as received, and count as neither number nor object.
 */
export function parseExactJson(text: string): JsonValue {
  return parseOutlined(text, outlineOf(text));
}

/** The reviver makes parsing several times slower. */
function parseOutlined(text: string, outline: Outline): JsonValue {
  return hasUnsureNumber(outline) ? JSON.parse(text, keepDigits) : JSON.parse(text);
}

function hasUnsureNumber({ hasLongNumber, hasExponent }: Outline): boolean {
  return hasLongNumber || hasExponent;
}

function keepDigits(_key: string, value: JsonValue, { source = "" }: ParseContext): JsonValue {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return !Number.isFinite(value) || /^-?\d+$/.test(source) ? JSON.rawJSON(source) : value;
}

/** Merges two objects recursively; `over` wins. */
export function mergeJson(under: JsonObject, over: JsonObject): JsonObject {
  return mergeMembers(under, over, () => true);
}

/** The same for request fields: objects with different `type` members are replaced, not merged. */
export function mergeFields(under: JsonObject, over: JsonObject): JsonObject {
  return mergeMembers(under, over, (below, above) => (above.type ?? below.type) === below.type);
}

function mergeMembers(
  under: JsonObject,
  over: JsonObject,
  areMergeable: (below: JsonObject, above: JsonObject) => boolean,
): JsonObject {
  if (hasNoMembers(over)) return under;
  if (hasNoMembers(under)) return over;
  const members = new Map(Object.entries(under));
  for (const [name, value] of Object.entries(over)) {
    const below = members.get(name);
    const merged = isJsonObject(below) && isJsonObject(value) && areMergeable(below, value);
    members.set(name, merged ? mergeMembers(below, value, areMergeable) : value);
  }
  // `fromEntries` defines members instead of assigning them, so that "__proto__" stays an ordinary member.
  return Object.fromEntries(members);
}

const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;
const UPPER_E = 0x45;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The replacement for invalid UTF-8. A strict decoder is slow, so it only checks text that contains this. */
const REPLACEMENT = "\ufffd";

/** Numbers with fewer digits are exact. */
const LONG_NUMBER_DIGITS = 16;

interface Outline {
  /** Maximum nesting depth of brackets. */
  readonly depth: number;
  /** Number of members and elements at any depth, to within the number of empty brackets. */
  readonly values: number;
  /** Whether there is a number that may be rounded. */
  readonly hasLongNumber: boolean;
  /** Whether there is a number that may overflow. */
  readonly hasExponent: boolean;
}

/**
 * Scans JSON text for depth and long numbers before anything is parsed. Strings, which are most of the text, are
 * skipped.
 */
export function outlineOf(text: string): Outline {
  let deepest = 0;
  let depth = 0;
  let values = 0;
  let digits = 0;
  let hasLongNumber = false;
  let hasExponent = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= ZERO && code <= NINE) {
      if (++digits === LONG_NUMBER_DIGITS) hasLongNumber = true;
      continue;
    }
    if (digits > 0 && (code === LOWER_E || code === UPPER_E)) hasExponent = true;
    digits = 0;
    if (code === QUOTE) {
      at = endOfString(text, at);
      if (at === -1) break;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      deepest = Math.max(deepest, ++depth);
      values++;
    } else if (code === COMMA) {
      values++;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
    }
  }
  return { depth: deepest, values, hasLongNumber, hasExponent };
}

/** Offset of the quote that closes the string opened at `open`, or -1. */
function endOfString(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (close !== -1) {
    let backslashes = 0;
    while (text.charCodeAt(close - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return close;
    close = text.indexOf('"', close + 1);
  }
  return -1;
}

function parseText(text: string, outline: Outline): JsonValue {
  try {
    return parseOutlined(text, outline);
  } catch {
    // The messages of the runtimes differ and quote the input.
    const { line, column, expected } = locateJsonError(text);
    throw invalidBody(
      `the request body is not valid JSON at line ${line}, column ${column}: expected ${expected}`,
    );
  }
}

function invalidBody(message: string): AditError {
  return new AditError("invalid_request", message);
}
