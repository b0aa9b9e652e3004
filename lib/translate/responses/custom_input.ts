/** The text of a custom tool's input, unwrapped while the JSON around it arrives. */

import type { JsonValue } from "../../base/json.ts";
import { isJsonObject } from "../../base/json.ts";
import { jsonText, WellFormedText } from "../../base/json_text/json_text.ts";
import { CUSTOM_INPUT } from "../../wire/openai/responses_items.ts";

/** The JSON before the text. */
const HEAD = new RegExp(String.raw`^\s*\{\s*"${CUSTOM_INPUT}"\s*:\s*"`);

/** Reads `{"input": "…"}` in pieces that may end anywhere. */
export class CustomInput {
  #json = "";
  /** Offset in the JSON of what has not been decoded yet; undefined before the text begins. */
  #at: number | undefined;
  #isClosed = false;
  readonly #shown = new WellFormedText();

  /** The text that a further piece of JSON adds. */
  push(piece: string): string {
    this.#json += piece;
    this.#at ??= HEAD.exec(this.#json)?.[0].length;
    if (this.#at === undefined || this.#isClosed) return "";
    const end = this.#endOfWholeCharacters(this.#at);
    const escaped = this.#json.slice(this.#at, end);
    this.#at = end;
    return this.#shown.push(unescape(escaped));
  }

  /**
   * The rest of the text, once the JSON is complete or cut off. If the JSON is another object, its content is the text.
   */
  end(): string {
    return this.#at === undefined ? textIn(this.#json) : this.#shown.end();
  }

  /** Stops at the closing quote, and before an incomplete escape. */
  #endOfWholeCharacters(from: number): number {
    for (let at = from; at < this.#json.length; at++) {
      const char = this.#json[at];
      if (char === '"') {
        this.#isClosed = true;
        return at;
      }
      if (char !== "\\") continue;
      const length = this.#json[at + 1] === "u" ? 6 : 2;
      if (at + length > this.#json.length) return at;
      at += length - 1;
    }
    return this.#json.length;
  }
}

function unescape(escaped: string): string {
  try {
    // Some models leave line breaks unescaped.
    const strict = escaped.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
    return JSON.parse(`"${strict}"`);
  } catch {
    return escaped;
  }
}

function textIn(json: string): string {
  let value: JsonValue;
  try {
    value = JSON.parse(json);
  } catch {
    return json.toWellFormed();
  }
  if (isJsonObject(value)) {
    const members = Object.values(value);
    if (members.length === 0) return "";
    value = value[CUSTOM_INPUT] ?? (members.length === 1 ? members[0] ?? value : value);
  }
  return typeof value === "string" ? value.toWellFormed() : jsonText(value);
}
