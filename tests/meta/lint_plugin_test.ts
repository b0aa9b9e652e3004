/** Each team rule refuses what it is there to refuse, and nothing else. */

import assert from "node:assert/strict";
import { repositoryPath } from "../repository.ts";
import plugin from "./lint_plugin.ts";

interface RuleCase {
  readonly rule: string;
  readonly path: string;
  readonly refused?: readonly string[];
  readonly accepted?: readonly string[];
}

const CASES: readonly RuleCase[] = [
  {
    rule: "runtime-globals",
    path: "lib/server/respond.ts",
    refused: [
      "Deno.cwd();",
      "const { serve } = Bun;",
      "let a: typeof Deno.test;",
      "(globalThis as typeof Deno);",
    ],
    accepted: [
      '"Deno" in x;',
      "x.Bun();",
      "// Deno.serve",
      "const x = { Deno: 1 };",
      "interface A { Bun: string }",
    ],
  },
  { rule: "runtime-globals", path: "lib/runtime/deno.ts", accepted: ["Deno.cwd();"] },
  { rule: "runtime-globals", path: "tests/a_test.ts", accepted: ["Deno.cwd();"] },
  {
    rule: "fetch-as-parameter",
    path: "lib/endpoints/chat/chat.ts",
    refused: ["await fetch(url);", "const f = globalThis.fetch;"],
    accepted: ["options.fetch(url);", "// fetch()", '"fetch(1)";'],
  },
  { rule: "fetch-as-parameter", path: "lib/providers/send.ts", accepted: ["fetch(url);"] },
  { rule: "fetch-as-parameter", path: "lib/admin/page/client.ts", accepted: ["fetch(url);"] },
  {
    rule: "clock-as-parameter",
    path: "lib/endpoints/chat/chat.ts",
    refused: ["Date.now();", "`${performance.now()}`;", "new Date();", "const f = Date.now;"],
    accepted: ["new Date(0);", "clock.now();", "// Date.now()"],
  },
  { rule: "clock-as-parameter", path: "lib/base/clock.ts", accepted: ["Date.now();"] },
  { rule: "clock-as-parameter", path: "lib/admin/page/page.tsx", accepted: ["Date.now();"] },
  {
    rule: "randomness-from-base",
    path: "lib/endpoints/chat/chat.ts",
    refused: ["Math.random();", "crypto.randomUUID();", "crypto.getRandomValues(a);"],
    accepted: ["Math.floor(1);"],
  },
  {
    rule: "named-exports",
    path: "lib/endpoints/chat/chat.ts",
    refused: ["export default 1;", "const a = 1; export { a as default };"],
    accepted: ["export const a = 1;"],
  },
  {
    rule: "no-double-cast",
    path: "tests/a_test.ts",
    refused: ["a as unknown as B;"],
    accepted: ["a as unknown;", "a as B;"],
  },
  {
    rule: "file-header",
    path: "lib/endpoints/chat/chat.ts",
    refused: ["const a = 1;", "// A file.\n", "/* A file. */", "\n/** A file. */"],
    accepted: ["/** A file. */\nconst a = 1;", "#!/usr/bin/env deno\n/** A file. */"],
  },
  { rule: "file-header", path: "tests/endpoints/chat/chat_test.ts", accepted: ["const a = 1;"] },
  {
    rule: "documented-exports",
    path: "lib/endpoints/chat/chat.ts",
    refused: [
      "export function f() {}",
      "// Text.\nexport class A {}",
      "/* Text. */ export async function f() {}",
      "/** Header. */\n\nimport a from 'a';\n\nexport function f() {}",
    ],
    accepted: ["/** Text. */\nexport function f() {}", "function f() {}", "export type A = 1;"],
  },
  {
    rule: "no-unfinished",
    path: "tests/a_test.ts",
    refused: ["// TODO: more", "/** FIXME */"],
    accepted: ['const a = "TODO";', "// todos"],
  },
  {
    rule: "no-skipped-tests",
    path: "tests/a_test.ts",
    refused: [
      'Deno.test.only("a", () => {});',
      'Deno.test.ignore("a", () => {});',
      'Deno.test({ name: "a", ignore: true, fn() {} });',
    ],
    accepted: ['Deno.test("a", () => {});', "f({ ignore: true });"],
  },
  {
    rule: "no-excuses",
    path: "lib/endpoints/chat/chat.ts",
    refused: ["// deno-lint-ignore adit/file-header", "// @ts-ignore: it works", "// @ts-expect-error"],
    accepted: ["// deno-lint-ignore no-control-regex"],
  },
];

Deno.test("the team's lint rules refuse and accept as listed", () => {
  for (const { rule, path, refused = [], accepted = [] } of CASES) {
    const findings = (source: string) =>
      Deno.lint.runPlugin(plugin, repositoryPath(path), source).filter(({ id }) => id === `adit/${rule}`);
    for (const source of refused) assert.equal(findings(source).length, 1, `${rule} accepts ${source}`);
    for (const source of accepted) assert.equal(findings(source).length, 0, `${rule} refuses ${source}`);
  }
});

Deno.test("every lint rule of the team has a case", () => {
  assert.deepEqual([...new Set(CASES.map(({ rule }) => rule))].sort(), Object.keys(plugin.rules).sort());
});
