/** The elements of a JSON array in its text, so that some can be taken out without changing the others. */

import { endOfJsonString } from "./json_member.ts";

/** The text of each element of `text`, a JSON array, without the white space around it. */
export function elementTexts(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length;) {
    const character = text.charAt(at);
    if (depth === 1 && (character === "," || character === "]")) {
      const element = text.slice(start, at).trim();
      if (element !== "") found.push(element);
      start = at + 1;
    }
    if (character === "{" || character === "[") {
      depth++;
      if (depth === 1) start = at + 1;
    } else if (character === "}" || character === "]") depth--;
    at = character === '"' ? endOfJsonString(text, at) : at + 1;
  }
  return found;
}
