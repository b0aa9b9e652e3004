import assert from "node:assert/strict";
import { readRepositoryFile, repositoryFiles } from "./sources.ts";

const MAX_LINES = 500;
const files = await repositoryFiles();
const self = "tests/meta/files_test.ts";

/** Texts that belong in no file, each with the reason and the files that may hold it all the same. */
const FORBIDDEN: readonly { readonly text: RegExp; readonly because: string; readonly except?: RegExp }[] = [
  { text: /\.\.\/shared\b|\/work\/|\.library\b/, because: "it names a path of somebody's machine" },
  {
    text: /registry\.npmjs\.org|\bjsr\.io\b|dl\.deno\.land/,
    because: "where packages come from is the environment's choice",
  },
  { text: /\bAKIA(?!IOSFODNN7EXAMPLE)[A-Z0-9]{16}\b/, because: "it looks like a real AWS access key" },
  { text: /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/, because: "it is a private key" },
  { text: /^<{7} |^>{7} /m, because: "it is an unresolved merge" },
];

Deno.test(`no source file is longer than ${MAX_LINES} lines`, () => {
  const long = files.filter((path) => /^(?:main\.ts|lib\/.*\.tsx?|tests\/.*\.ts)$/.test(path))
    .map((path) => ({ path, lines: readRepositoryFile(path).split("\n").length }))
    .filter(({ lines }) => lines > MAX_LINES);
  assert.deepEqual(long, []);
});

Deno.test("folders are named after what they hold, not after their use", () => {
  assert.deepEqual(
    files.filter((path) => /(?:^|\/)(?:utils?|helpers?|common|misc)(?:\/|\.tsx?$)/.test(path)),
    [],
  );
});

Deno.test("nothing that a tool installs or builds is in the repository", () => {
  const built = /(?:^|\/)(?:package(?:-lock)?\.json|node_modules|dist)(?:\/|$)/;
  // The runtimes that the Makefile and a release use, with their hashes.
  const tools = files.filter((path) => /^scripts\/(?:tools|release)\//.test(path));
  assert.deepEqual(files.filter((path) => built.test(path) && !tools.includes(path)), []);
});

Deno.test("no file holds what belongs in none", () => {
  const found = files.filter((path) => path !== self).flatMap((path) => {
    const text = readRepositoryFile(path);
    return FORBIDDEN.filter((rule) => rule.text.test(text)).map(({ because }) => `${path}: ${because}`);
  });
  assert.deepEqual(found, []);
});

Deno.test("the version of the program is only in deno.json", () => {
  const { version } = JSON.parse(readRepositoryFile("deno.json"));
  const pattern = new RegExp(`["'\`]v?${RegExp.escape(version)}["'\`]`);
  const elsewhere = files.filter((path) => /^(?:main\.ts|lib\/|Makefile$|tests\/.*\.ts$)/.test(path));
  assert.deepEqual(elsewhere.filter((path) => pattern.test(readRepositoryFile(path))), []);
});
