/** Plain English: the words of `words.ts` are used nowhere, and each finding says what to write instead. */

import assert from "node:assert/strict";
import { linesOf, type Prose, proseOf, testProseOf } from "./prose.ts";
import { readRepositoryFile, repositoryFiles } from "./sources.ts";
import { WORDS } from "./words.ts";

/** Where prose is found in each kind of file; any other file is not checked. */
const READERS: readonly (readonly [files: RegExp, read: (path: string, text: string) => readonly Prose[]])[] =
  [
    [/^(?:main\.ts|lib\/.*\.tsx?)$/, proseOf],
    [/^(?:scripts|tests\/(?!meta\/words)).*\.ts$/, testProseOf],
    [/^(?:[A-Z]+|tests\/README|docs\/.*|config\/.*)\.md$/, (_, text) => linesOf(text)],
    [/^config\/.*\.(?:yaml|sh|service)$|^config\/adit\.schema\.json$|^Makefile$/, (_, text) => linesOf(text)],
  ];

function findings(path: string, text: string): readonly string[] {
  const reader = READERS.find(([files]) => files.test(path));
  return (reader?.[1](path, text) ?? []).flatMap(({ text, line }) =>
    WORDS.flatMap(({ pattern, instead }) => {
      const found = pattern.exec(text)?.[0];
      return found === undefined ? [] : [`${path}:${line}: ${JSON.stringify(found)}: write ${instead}`];
    })
  );
}

Deno.test("comments, messages, test names and documents are in plain English", async () => {
  const files = await repositoryFiles();
  assert.deepEqual(files.flatMap((path) => findings(path, readRepositoryFile(path))), []);
});

Deno.test("a word is found in a comment, a string, a template and a test's name, and not in code", () => {
  const source = `/** Fine.
 * Requests in hand. */
const inHand = beside("in hand", "stands", \`\${x} stands for \${y}\`); // anew
`;
  assert.deepEqual(findings("lib/a.ts", source), [
    'lib/a.ts:2: "in hand": write in flight',
    'lib/a.ts:3: "anew": write again',
    'lib/a.ts:3: "in hand": write in flight',
    'lib/a.ts:3: "stands for": write is',
  ]);
  assert.deepEqual(findings("tests/a_test.ts", 'Deno.test("in vain", () => f("in vain")); // anew'), [
    'tests/a_test.ts:1: "anew": write again',
    'tests/a_test.ts:1: "in vain": write failed',
  ]);
  assert.deepEqual(findings("tests/data.txt", "in hand"), []);
});
