/** JSON objects for prompts that request one without a schema. */

import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { lastRequestText, type Prompt } from "./prompt.ts";
import { instanceOf } from "./schema_instance.ts";

/** Maximum length of `answer`. */
const MAX_ANSWER_CHARS = 200;

/**
 * The object that the prompt describes: an instance of the JSON Schema in its text, otherwise the example in its text,
 * otherwise the names in quotes after "key", "field" or "property", otherwise the user's text as `answer`.
 */
export function objectFor(prompt: Prompt): JsonObject {
  const texts = [
    lastRequestText(prompt),
    ...prompt.system.flatMap((part) => part.kind === "text" ? [part.text] : []),
  ];
  for (const text of texts) {
    const objects = objectsIn(text);
    const schema = objects.find((object) => isJsonObject(object["properties"]));
    const instance = schema === undefined ? undefined : instanceOf(schema);
    if (isJsonObject(instance)) return instance;
    const [example] = objects;
    if (example !== undefined) return example;
    const names = namesIn(text);
    if (names.length > 0) return Object.fromEntries(names.map((name) => [name, `some ${name}`]));
  }
  return { answer: lastRequestText(prompt).slice(0, MAX_ANSWER_CHARS) };
}

/** Braces in a text at which an object is looked for. */
const MAX_STARTS = 100;

/** The outermost non-empty JSON objects in a text. */
function objectsIn(text: string): JsonObject[] {
  const found: JsonObject[] = [];
  let start = text.indexOf("{");
  for (let starts = 0; start !== -1 && starts < MAX_STARTS; starts++) {
    const object = objectAt(text, start);
    if (object !== undefined && Object.keys(object.value).length > 0) found.push(object.value);
    start = text.indexOf("{", object?.end ?? start + 1);
  }
  return found;
}

/** The JSON object that begins with the brace at `start`, and where it ends. */
export function objectAt(
  text: string,
  start: number,
): { readonly value: JsonObject; readonly end: number } | undefined {
  BRACE.lastIndex = start;
  let depth = 0;
  for (let found = BRACE.exec(text); found !== null; found = BRACE.exec(text)) {
    depth += found[0] === "{" ? 1 : found[0] === "}" ? -1 : 0;
    if (depth > 0) continue;
    try {
      const value: JsonValue = JSON.parse(text.slice(start, BRACE.lastIndex));
      return isJsonObject(value) ? { value, end: BRACE.lastIndex } : undefined;
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** A brace, or a whole string, whose braces do not count. */
const BRACE = /[{}]|"(?:[^"\\]|\\.)*"/gs;

/** The quoted names after "key", "field" or "property" in the same sentence. */
function namesIn(text: string): string[] {
  const sentence = /\b(?:key|field|propert(?:y|ie)|member)s?\b([^.\n]*)/i.exec(text)?.[1] ?? "";
  return Array.from(sentence.matchAll(/["'`](\w+)["'`]/g), ([, name = ""]) => name);
}
