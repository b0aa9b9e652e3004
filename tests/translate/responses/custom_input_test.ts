/** The text of a custom tool's input, wherever the JSON around it is cut. */

import { equal } from "node:assert/strict";
import { CustomInput } from "../../../lib/translate/responses/custom_input.ts";

function readInPieces(...pieces: readonly string[]): string {
  const input = new CustomInput();
  return pieces.map((piece) => input.push(piece)).join("") + input.end();
}

const TEXTS = [
  "",
  "plain",
  '*** Begin Patch\n+a "quoted" \\ line\t\u0001é😀\u2028\n*** End Patch',
  "\\",
  '"',
  "\\u0041",
];

/** Ways to write the same text. */
const SPELLINGS: readonly ((text: string) => string)[] = [
  (text) => JSON.stringify({ input: text }),
  (text) => JSON.stringify({ input: text }, null, 2),
  (text) => JSON.stringify({ input: text, more: 1 }),
  (text) =>
    `{"input":"${
      [...text].map((char) =>
        char.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")
      ).join("")
    }"}`,
];

for (const text of TEXTS) {
  Deno.test(`${JSON.stringify(text)} is read the same wherever it is cut`, () => {
    for (const spell of SPELLINGS) {
      const json = spell(text);
      equal(readInPieces(json), text);
      equal(readInPieces(...json.split("")), text);
      for (let at = 0; at <= json.length; at++) equal(readInPieces(json.slice(0, at), json.slice(at)), text);
    }
  });
}

const OTHERS: readonly (readonly [json: string, text: string])[] = [
  ['{"patch":"a"}', "a"],
  ['{"other":1,"input":"a"}', "a"],
  ['{"a":"b","c":"d"}', '{"a":"b","c":"d"}'],
  ['{"input":{"a":1}}', '{"a":1}'],
  ['"a"', "a"],
  ["[1]", "[1]"],
  ["{}", ""],
  ["", ""],
  ['{"patch":"cut o', '{"patch":"cut o'],
  ['{"input":"cut o', "cut o"],
  ['{"input":"line\nbreak"}', "line\nbreak"],
  ['{"input":"half \\ud83d"}', "half \ufffd"],
  ['{"input":"invalid \\x"}', "invalid \\x"],
];

for (const [json, text] of OTHERS) {
  Deno.test(`${JSON.stringify(json)} is read as ${JSON.stringify(text)}`, () => {
    equal(readInPieces(json), text);
    equal(readInPieces(...json.split("")), text);
  });
}
