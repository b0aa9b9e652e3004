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

/**
 * All members with a sought name in `text`, which must be valid JSON. Which of two equal names counts is up to each
 * parser, so both are returned.
 */
export function findNames(text: string, isSought: (name: string) => boolean): FoundName[] {
  const found: FoundName[] = [];
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
        if (isSought(name)) found.push({ name, path: pathOf(levels), at: end });
        expectsName = false;
      }
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
  return found;
}

/** The value of a found member if it is a string. */
export function stringAt(text: string, at: number): string | undefined {
  const gap = /[\s:]*/y;
  gap.lastIndex = at;
  gap.test(text);
  const start = gap.lastIndex;
  return text.charAt(start) === '"' ? JSON.parse(text.slice(start, endOfJsonString(text, start))) : undefined;
}

function pathOf(levels: readonly Level[]): string {
  return levels.reduce((path, { at }) => {
    if (typeof at === "number") return `${path}[${at}]`;
    return path === "" ? at : `${path}.${at}`;
  }, "");
}
