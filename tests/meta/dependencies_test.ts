import assert from "node:assert/strict";
import { importsOf, readRepositoryFile, repositoryFiles } from "./sources.ts";

const manifest: { imports: Record<string, string>; tasks: Record<string, string> } = JSON.parse(
  readRepositoryFile("deno.json"),
);
const sources = (await repositoryFiles()).filter((path) =>
  /^(?:main\.ts|(?:lib|tests)\/.*\.tsx?)$/.test(path)
);

/** Package of a specifier: `@aws-sdk/client` of `@aws-sdk/client/commands`, `yaml` of `yaml`. */
const packageOf = (specifier: string) =>
  specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");

const used = new Set(
  sources.flatMap((path) => importsOf(path, readRepositoryFile(path)))
    .filter(({ specifier, path }) => path === undefined && !specifier.startsWith("node:"))
    .map(({ specifier }) => packageOf(specifier)),
);

Deno.test("every package that is imported is named in deno.json, and every one named there is imported", () => {
  assert.deepEqual([...used].sort(), Object.keys(manifest.imports).sort());
});

Deno.test("every package comes from npm in one exact version", () => {
  for (const [name, specifier] of Object.entries(manifest.imports)) {
    assert.match(specifier, new RegExp(`^npm:${RegExp.escape(name)}@\\d+\\.\\d+\\.\\d+$`));
  }
});

Deno.test("docs/dependencies.md gives a reason for every package", () => {
  const text = readRepositoryFile("docs/dependencies.md");
  for (const name of Object.keys(manifest.imports)) {
    const line = text.split("\n").find((line) => line.includes(`\`${name}\``)) ?? "";
    const reason = line.replace(`\`${name}\``, "").replace(/[^A-Za-z ]/g, "").trim();
    assert.ok(reason.split(" ").length >= 3, `docs/dependencies.md gives no reason for ${name}`);
  }
});

Deno.test("the compiled program has the permissions of the one that deno runs", () => {
  const permissions = (task: string) => manifest.tasks[task]?.match(/--(?:allow|deny|no-prompt)\S*/g);
  assert.deepEqual(permissions("compile"), permissions("start"));
});
