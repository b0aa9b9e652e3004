import assert from "node:assert/strict";
import { ERRORS } from "../../lib/base/errors.ts";
import { readRepositoryFile } from "../meta/sources.ts";

const page = readRepositoryFile("docs/operations.md");

Deno.test("the operator's page says what to do about every error that is not only the caller's", () => {
  const [, table = ""] = page.split(/^\| `error`.*$/m);
  const told = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, code]) => code);
  const serious = Object.values(ERRORS).filter(({ level }) => level !== "info").map(({ openai: [, code] }) =>
    code
  );
  assert.deepEqual(told.sort(), [...new Set(serious)].sort());
});

Deno.test("the operator's page names the files of a release, and the release has them", () => {
  const [, table = ""] = page.split(/^## 1\. Download$/m);
  const release = readRepositoryFile("scripts/release/build.ts");
  const [, listed = ""] = /^const FILES = \[([^\]]*)\]/m.exec(release) ?? [];
  const files = [...listed.matchAll(/"config\/([^"]+)"/g)].map(([, name]) => name);
  assert.ok(files.length > 0);
  for (const name of files) assert.ok(table.includes(`\`${name}\``), name);
});
