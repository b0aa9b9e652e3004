/** Finds the text in an answer of any dialect, whole or streamed. */

/** Every element of a list: text may follow reasoning. */
const EACH = Symbol("each");

type Path = readonly (string | number | typeof EACH)[];

/** The paths of a model's text in the dialects: first in stream events, then in whole answers. */
const PLACES: readonly Path[] = [
  ["choices", 0, "delta", "content"],
  ["delta", "text"],
  ["contentBlockDelta", "delta", "text"],
  ["choices", 0, "message", "content"],
  ["content", EACH, "text"],
  ["output", "message", "content", EACH, "text"],
  ["output", EACH, "content", EACH, "text"],
];

/** The text in the JSON of one piece; empty if there is none. */
export function textIn(event: string, data: string): string {
  const value = parsed(data);
  // The Responses API repeats the whole text in its last events.
  if (event.startsWith("response.")) {
    return event === "response.output_text.delta" ? textAt(value, ["delta"]) : "";
  }
  return PLACES.map((place) => textAt(value, place)).find((text) => text !== "") ?? "";
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

function textAt(value: unknown, [step, ...rest]: Path): string {
  if (step === undefined) return typeof value === "string" ? value : "";
  if (typeof value !== "object" || value === null) return "";
  if (step !== EACH) return textAt(Reflect.get(value, step), rest);
  return Array.isArray(value) ? value.map((each) => textAt(each, rest)).join("") : "";
}
