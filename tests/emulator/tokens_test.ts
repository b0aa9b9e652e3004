import assert from "node:assert/strict";
import { countTokens, tokenize } from "../../lib/emulator/model/tokens.ts";

const CASES: readonly [text: string, tokens: string[]][] = [
  ["", []],
  ["   ", ["   "]],
  ["hello world", ["hell", "o", " worl", "d"]],
  ["a, b!", ["a", ",", " b", "!"]],
  ["line\nbreak \n", ["line", "\nbrea", "k \n"]],
  ["grüße 🦕", ["grüß", "e", " 🦕"]],
];

for (const [text, tokens] of CASES) {
  Deno.test(`${JSON.stringify(text)} is ${tokens.length} tokens that join to it again`, () => {
    assert.deepEqual(tokenize(text), tokens);
    assert.equal(countTokens(text), tokens.length);
    assert.equal(tokens.join(""), text);
  });
}
