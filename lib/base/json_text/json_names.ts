/** Finds members by name at any depth of a JSON text, including those that a parser would drop as duplicates. */

import { endOfJsonString } from "./json_member.ts";

interface Level {
  readonly isArray: boolean;
  /** Index of the current element, or name of the current member. */
  at: number | string;
}

/** A member found by its name. */
export interface FoundName {
  readonly name: string;
  /** Such as `messages[0].content[1].text`. */
  readonly path: string;
  /** Offset after the name. */
  readonly at: number;
}

/** A string found as the value of a member, or as an element of one. */
export interface FoundString {
  /** The name of the nearest member around it, or "". */
  readonly name: string;
  readonly path: string;
  readonly value: string;
}

/**
 * All members with a sought name in `text`, which must be valid JSON. Parsers differ in which of two equal names
 * counts, so both are returned.
 */
export function findNames(text: string, isSought: (name: string) => boolean): FoundName[] {
  const found: FoundName[] = [];
  walk(text, {
    name(name, levels, at) {
      if (isSought(name)) found.push({ name, path: pathOf(levels), at });
    },
  });
  return found;
}

/**
 * The sought strings in `text`, which must be valid JSON. `isSought` gets the name of the nearest member and the offset
 * of the string's first quote.
 */
export function findStrings(text: string, isSought: (name: string, start: number) => boolean): FoundString[] {
  const found: FoundString[] = [];
  walk(text, {
    string(start, end, levels) {
      const { at: name = "" } = levels.findLast(({ at }) => typeof at === "string") ?? {};
      if (typeof name !== "string" || !isSought(name, start)) return;
      found.push({ name, path: pathOf(levels), value: JSON.parse(text.slice(start, end)) });
    },
  });
  return found;
}

interface Visitor {
  /** `at` is the offset after the name. */
  name?(name: string, levels: readonly Level[], at: number): void;
  /** The offsets of a string's first quote, and after its last. */
  string?(start: number, end: number, levels: readonly Level[]): void;
}

function walk(text: string, visitor: Visitor): void {
  const levels: Level[] = [];
  let expectsName = false;
  for (let at = 0; at < text.length;) {
    const character = text.charAt(at);
    const level = levels.at(-1);
    if (character === '"') {
      const end = endOfJsonString(text, at);
      if (expectsName && level !== undefined) {
        const name: string = JSON.parse(text.slice(at, end));
        level.at = name;
        visitor.name?.(name, levels, end);
        expectsName = false;
      } else visitor.string?.(at, end, levels);
      at = end;
      continue;
    }
    if (character === "{" || character === "[") {
      levels.push({ isArray: character === "[", at: 0 });
      expectsName = character === "{";
    } else if (character === "}" || character === "]") {
      levels.pop();
      expectsName = false;
    } else if (character === "," && level !== undefined) {
      expectsName = !level.isArray;
      if (typeof level.at === "number") level.at++;
    }
    at++;
  }
}

function pathOf(levels: readonly Level[]): string {
  return levels.reduce((path, { at }) => {
    if (typeof at === "number") return `${path}[${at}]`;
    return path === "" ? at : `${path}.${at}`;
  }, "");
}
