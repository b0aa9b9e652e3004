/** Replaces a member of a JSON object in its text, without changing any other byte. */

/** The position of a value in the text, in UTF-16 code units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The values of all top-level members of that name in `text`, a JSON object; JSON allows duplicates. */
export function findMembers(text: string, name: string): Span[] {
  const found: Span[] = [];
  let depth = 0;
  let start: number | undefined;
  let expectsName = false;
  for (let at = 0; at < text.length;) {
    const character = text.charAt(at);
    const end = character === '"' ? endOfJsonString(text, at) : at + 1;
    if (depth === 1 && expectsName && character === '"') {
      expectsName = false;
      if (JSON.parse(text.slice(at, end)) === name) start = text.indexOf(":", end) + 1;
    } else if (depth === 1 && (character === "," || character === "}")) {
      if (start !== undefined) found.push(trimmed(text, start, at));
      start = undefined;
      expectsName = character === ",";
    }
    if (character === "{" || character === "[") {
      depth++;
      if (depth === 1) expectsName = true;
    } else if (character === "}" || character === "]") depth--;
    at = end;
  }
  return found;
}

/** Sets a member in the text of a JSON object; all other bytes stay the same. */
export function withMember(text: string, name: string, value: string): string {
  const found = findMembers(text, name);
  if (found.length > 0) {
    const kept: string[] = [];
    let from = 0;
    for (const { start, end } of found) {
      kept.push(text.slice(from, start));
      from = end;
    }
    return [...kept, text.slice(from)].join(value);
  }
  const inside = text.indexOf("{") + 1;
  const isEmpty = text.slice(inside).trimStart().startsWith("}");
  return `${text.slice(0, inside)}${JSON.stringify(name)}:${value}${isEmpty ? "" : ","}${text.slice(inside)}`;
}

/**
 * The offset after the string that begins at `at`: its first quote preceded by an even number of backslashes. A string
 * without one ends with the text.
 */
export function endOfJsonString(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1);; quote = text.indexOf('"', quote + 1)) {
    if (quote === -1) return text.length;
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
}

function trimmed(text: string, start: number, end: number): Span {
  const value = text.slice(start, end);
  const from = start + value.length - value.trimStart().length;
  return { start: from, end: from + value.trim().length };
}
