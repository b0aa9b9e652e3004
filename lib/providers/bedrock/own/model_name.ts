/** Replaces the name of the model in an answer, without changing any other byte. */

import { findMembers } from "../../../base/json_text/json_member.ts";

/** The name as JSON in ASCII, which is the same in every encoding. */
export function asciiJson(model: string): string {
  return JSON.stringify(model).replaceAll(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The JSON text with `model` replaced by `value`, at the top level and in the member `inner`. */
export function withModelName(
  text: string,
  value: string,
  inner: string | undefined,
): string {
  if (!text.includes('"model"')) return text;
  const objects = inner === undefined ? [] : findMembers(text, inner).map((span) => ({
    ...span,
    text: text.slice(span.start, span.end),
  }));
  const nested = objects.filter((object) => object.text.startsWith("{")).flatMap(({ start, text: object }) =>
    findMembers(object, "model").map((span) => ({ start: start + span.start, end: start + span.end }))
  );
  const spans = [...findMembers(text, "model"), ...nested].sort((one, other) => one.start - other.start);
  let from = 0;
  let replaced = "";
  for (const { start, end } of spans) {
    // Only a name is replaced; anything else called "model" is the answer's own.
    if (text[start] !== '"') continue;
    replaced += text.slice(from, start) + value;
    from = end;
  }
  return replaced + text.slice(from);
}
