/** The words in an answer of any dialect, whole or streamed. */

type Path = readonly (string | number)[];

/** Where the dialects keep text that a model wrote: in pieces of a stream, then in whole answers. */
const PLACES: readonly Path[] = [
  ["choices", 0, "delta", "content"],
  ["delta", "text"],
  ["contentBlockDelta", "delta", "text"],
  ["choices", 0, "message", "content"],
  ["content", 0, "text"],
  ["output", "message", "content", 0, "text"],
  ["output", 0, "content", 0, "text"],
];

/** The text in the JSON of one piece; empty if there is none. */
export function textIn(event: string, data: string): string {
  const value = parsed(data);
  // Responses repeats the whole text in its last events.
  if (event.startsWith("response.")) {
    const delta = event === "response.output_text.delta" ? at(value, ["delta"]) : undefined;
    return typeof delta === "string" ? delta : "";
  }
  for (const place of PLACES) {
    const text = at(value, place);
    if (typeof text === "string") return text;
  }
  return "";
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

function at(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = Reflect.get(here, step);
  }
  return here;
}
