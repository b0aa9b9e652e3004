/** Finds members by name at any depth of a JSON text, including those that a parser would drop as duplicates. */

import { endOfJsonString } from "./json_member.ts";

interface Level {
  readonly isArray: boolean;
  /** Index of the current element, or name of the current member. */
  at: number | string;
}

/**
 * The paths, such as `messages[0].content[1].text`, of all members with a sought name in `text`, which must be valid
 * JSON. Which of two equal names counts is up to each parser, so both are returned.
 */
export function findNames(text: string, isSought: (name: string) => boolean): string[] {
  const found: string[] = [];
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
        if (isSought(name)) found.push(pathOf(levels));
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

function pathOf(levels: readonly Level[]): string {
  return levels.reduce((path, { at }) => {
    if (typeof at === "number") return `${path}[${at}]`;
    return path === "" ? at : `${path}.${at}`;
  }, "");
}
