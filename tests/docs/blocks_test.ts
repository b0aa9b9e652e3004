import assert from "node:assert/strict";
import { beginsAsShown, isAsShown, parseBlocks } from "./blocks.ts";

Deno.test("commands are read with their mode and expected output", () => {
  const markdown = [
    "Text.",
    "```sh",
    "one",
    "two",
    "```",
    "",
    "```text",
    "out",
    "```",
    "```sh exits 2",
    "three",
    "```",
    "Text between.",
    "```text",
    "not its output",
    "```",
    "```js",
    "four",
    "```",
    "```sh ignore (needs AWS)",
    "five",
    "```",
    "```sh needs python3",
    "five and a half",
    "```",
    "```sh background",
    "six",
    "```",
    "```text",
    "started",
    "```",
  ].join("\n");
  assert.deepEqual(parseBlocks(markdown), [
    { line: 2, code: "one\ntwo", mode: { kind: "run", exitCode: 0 }, expected: "out" },
    { line: 10, code: "three", mode: { kind: "run", exitCode: 2 }, expected: undefined },
    { line: 20, code: "five", mode: { kind: "ignore", reason: "needs AWS" }, expected: undefined },
    {
      line: 23,
      code: "five and a half",
      mode: { kind: "run", exitCode: 0, program: "python3" },
      expected: undefined,
    },
    { line: 26, code: "six", mode: { kind: "background" }, expected: "started" },
  ]);
});

Deno.test("a mark that is unknown or incomplete is an error with its line", () => {
  for (const mark of ["ignore", "ignore ()", "Background", "exits", "needs"]) {
    assert.throws(() => parseBlocks(`\n\`\`\`sh ${mark}\nx\n\`\`\``), { message: /^line 2: / });
  }
  assert.throws(() => parseBlocks("```sh background\nx\n```\nText.\n```text\ny\n```"), {
    message: /^line 1: /,
  });
});

const OUTPUTS: readonly (readonly [output: string, expected: string, same: boolean])[] = [
  ["a\nb\n", "a\nb", true],
  ["a\nb\nc\n", "a\nb", false],
  ["a\nb\n", "a\nc", false],
  ['{"id":"x1","n":3}\n', '{"id":"…","n":3}', true],
  ['{"id":"x1","n":4}\n', '{"id":"…","n":3}', false],
  ["a\nb\nc\nd\n", "a\n…\nd", true],
  ["a\nd\n", "a\n…\nd", true],
  ["a\nb\n", "a\n…\nd", false],
  ["a\nb\nc\n", "a\n…", true],
  ["a.c\n", "abc", false],
  ["abc\n", "a.c", false],
  ["", "", true],
  ["a\n", "", false],
];

Deno.test("output is compared with the document, except for placeholders", () => {
  for (const [output, expected, same] of OUTPUTS) {
    assert.equal(isAsShown(output, expected), same, JSON.stringify({ output, expected }));
  }
});

Deno.test("a background block has started once it has printed everything shown", () => {
  const expected = "one …\ntwo";
  assert.equal(beginsAsShown("one 1\n", expected), false);
  assert.equal(beginsAsShown("one 1\ntwo", expected), true);
  assert.equal(beginsAsShown("one 1\ntwo\nthree\n", expected), true);
});
