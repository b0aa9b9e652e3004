/** Finds the parts of a JSON array or object in its text, so that some can be changed without touching the others. */

import { endOfJsonString, type Span } from "./json_member.ts";

/** The text of each element of `text`, a JSON array, without the white space around it. */
export function elementTexts(text: string): string[] {
  return parts(text).map(({ start, end }) => text.slice(start, end).trim()).filter((element) =>
    element !== ""
  );
}

export interface Member extends Span {
  readonly name: string;
}

/** The values of all members of `text`, a JSON object, in their order; JSON allows duplicates. */
export function memberSpans(text: string): Member[] {
  return parts(text).flatMap(({ start, end }) => {
    const quote = text.indexOf('"', start);
    if (quote === -1 || quote >= end) return [];
    const afterName = endOfJsonString(text, quote);
    const name: string = JSON.parse(text.slice(quote, afterName));
    const from = text.indexOf(":", afterName) + 1;
    const value = text.slice(from, end);
    const trimmed = from + value.length - value.trimStart().length;
    return [{ name, start: trimmed, end: trimmed + value.trim().length }];
  });
}

/** The spans between the brackets and commas of the outermost array or object. */
function parts(text: string): Span[] {
  const found: Span[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length;) {
    const character = text.charAt(at);
    const isClosing = character === "]" || character === "}";
    if (depth === 1 && (character === "," || isClosing)) {
      found.push({ start, end: at });
      start = at + 1;
    }
    if (isClosing) depth--;
    else if (character === "{" || character === "[") {
      depth++;
      if (depth === 1) start = at + 1;
    }
    at = character === '"' ? endOfJsonString(text, at) : at + 1;
  }
  return found;
}
