/** The fast reader reads the same values as the YAML parser, and leaves texts with problems to the parser. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { parseDocument } from "yaml";

import { ConfigDocument } from "../../../lib/config/file/document.ts";
import { type PlainMapping, type PlainValue, readPlainYaml } from "../../../lib/config/file/plain_yaml.ts";
import { findUnsupported } from "../../../lib/config/file/syntax.ts";
import type { Path } from "../../../lib/base/problems.ts";
import { readRepositoryFile, repositoryFiles } from "../../meta/sources.ts";

/** The parser's values; undefined if the text has a problem. */
function parsed(text: string): unknown {
  const document = parseDocument(text, { schema: "core", stringKeys: true, uniqueKeys: false });
  const { contents, errors } = document;
  if (contents === null || errors.length > 0 || [...findUnsupported(contents)].length > 0) return undefined;
  return document.toJS();
}

/** Fails if the reader's values or their positions differ from the parser's; returns the values. */
function compared(text: string): PlainMapping | undefined {
  const plain = readPlainYaml(text)?.root;
  if (plain === undefined) return undefined;
  deepEqual(plain, parsed(text), text);
  const [document, other] = readBothWays(text);
  for (const path of pathsIn(plain)) deepEqual(document.placeOf(path), other.placeOf(path), text);
  return plain;
}

/** The text as a document that is read with and without the parser. */
function readBothWays(text: string): readonly [ConfigDocument, ConfigDocument] {
  const document = new ConfigDocument("adit.yaml", text);
  const other = new ConfigDocument("adit.yaml", `${text}\n# not plain: \u00e9\n`);
  ok(document.plain !== undefined && other.plain === undefined);
  return [document, other];
}

/** The paths of all values. */
function pathsIn(value: PlainValue, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const members: readonly (readonly [string | number, PlainValue])[] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return [path, ...members.flatMap(([step, member]) => pathsIn(member, [...path, step]))];
}

const PLAIN = `# A comment.
listen: 127.0.0.1:8080   # with a comment
admin: "[::1]:0"
include: ["conf.d/*.yaml", 'more/*.yaml']
limits: { body: 25MiB, json_depth: 128, concurrent: 2048, fetch_images: false }
tls:
log:

  # Indented.
  level: info
  requests: true
routes:
  /team: { model: vendor/name }
models:
    fast: { provider: local, id: us.anthropic.claude-haiku-4-5-20251001-v1:0, x: null }
    deep:
        a:
            b: [[1, 0.5], [], {}, [{ c: "d # e" }]]
        f: https://host/path
callers:
  me: { key: "sha256:0a1b", models: [ "*", nova-* ], expires: 2030-01-01, note: "\${env:NOTE:-none}" }
  you: { key: '#', models: [], note: "\${file:note}", team: "a\${credential:team}" }
`;

Deno.test("a plain configuration is read without the YAML parser", () => {
  const plain = compared(PLAIN);
  equal(plain?.["listen"], "127.0.0.1:8080");
  equal(plain?.["tls"], null);
  deepEqual(Object.keys(plain ?? {}).slice(-3), ["routes", "models", "callers"]);
});

Deno.test("what is more than plain is left to the parser", () => {
  for (
    const line of [
      ...[
        "- a",
        "a: b: c",
        "a: [",
        "a: {b}",
        "a: {b: }",
        "a: [b,]",
        "a: [, b]",
        "a: *b",
        "a: &b c",
        "a: !b c",
      ],
      ...[
        "a: |",
        "a: >-",
        "a: 'it''s'",
        'a: "\\n"',
        "a: 0x1f",
        "a: 0o7",
        "a: 1e3",
        "a: -1",
        "a: .inf",
        "a: 007",
      ],
      ...["a: ~", "a: two words", "? a", "a : b", '"a": b', "1: b", "<<: b", "__proto__: b", "a: b#c", "a:b"],
      ...[
        "a: b\na: c",
        "a: { b: 1, b: 2 }",
        "a: b\n  c: d",
        "a:\n  b: 1\n c: 2",
        " a: b",
        "---",
        "a: b\n---",
      ],
      ...["a:\tb", "a: b\r\n", "a: \u00e9", "a: b\n...", "%YAML 1.2", "", "# only a comment\n", "a: [b\n]"],
      ...["a: @b", "a: `b`", "a: b, c", "a: ]", 'a: "b" c', 'a: "b"c', "a: {b:1}", "a: b:", "a: [b: c]"],
      `a: ${"[".repeat(40)}${"]".repeat(40)}`,
    ]
  ) {
    equal(compared(line), undefined, line);
  }
});

Deno.test("every YAML file of the repository is read like the parser reads it", async () => {
  const paths = (await repositoryFiles()).filter((path) => path.endsWith(".yaml"));
  const read = paths.filter((path) => compared(readRepositoryFile(path)) !== undefined);
  ok(read.length > 20, `${read.length} of ${paths.length}`);
});

/** A repeatable generator: https://en.wikipedia.org/wiki/Linear_congruential_generator */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

const FRAGMENTS = [
  ...[
    " ",
    "  ",
    "    ",
    "\n",
    "\n  ",
    "\n    ",
    ": ",
    ":",
    ",",
    ", ",
    "[",
    "]",
    "{",
    "}",
    "[]",
    "{}",
    "#",
    " #",
    "-",
    "- ",
  ],
  ...[
    '"',
    "'",
    '"a"',
    "'b'",
    "\\",
    "a",
    "key",
    "b: ",
    "model-1",
    "0",
    "1",
    "12",
    "1.5",
    "0x1",
    "1e5",
    "true",
    "null",
  ],
  ...[
    "yes",
    "*",
    "&",
    "!",
    "|",
    ">",
    "%",
    "@",
    "`",
    "?",
    "~",
    ".",
    "..",
    "/",
    "${env:A}",
    "\t",
    "\r",
    "\u00a0",
    "<<",
  ],
  ...["2030-01-01", "127.0.0.1:80", "us.a-v1:0", "...", "---", "__proto__", "=", "+", "\n\n", "# c\n"],
];

Deno.test("a text changed anywhere is read like the parser reads it, or left to the parser", () => {
  const random = randomFrom(20_301);
  let read = 0;
  for (let round = 0; round < 6_000; round++) {
    let text = round % 2 === 0 ? PLAIN : "a: b\nc:\n  d: [e, f]\n  g: { h: i }\n";
    for (let change = random(3); change >= 0; change--) {
      const at = random(text.length + 1);
      text = text.slice(0, at) + (FRAGMENTS[random(FRAGMENTS.length)] ?? "") + text.slice(at + random(4));
    }
    if (compared(text) !== undefined) read++;
  }
  ok(read > 400 && read < 5_000, `${read} were read`);
});

Deno.test("a document that was read without the parser has the same positions and keys", () => {
  const [document, other] = readBothWays(PLAIN);
  const paths = pathsIn(document.plain ?? {});
  ok(paths.length > 40);
  for (const path of [...paths, ["nobody", "x"], ["models", "fast", "y"], ["include", 2], ["listen", 0]]) {
    deepEqual(document.problem(path, "wrong"), other.problem(path, "wrong"));
    deepEqual(document.problemOfKey(path, "wrong"), other.problemOfKey(path, "wrong"));
    deepEqual(document.keysAt(path), other.keysAt(path));
    deepEqual(document.placeOf(path), other.placeOf(path));
    equal(document.fileOf(path), other.fileOf(path));
    equal(document.referenceAt(path), other.referenceAt(path));
    equal(document.isAllReferencesAt(path), other.isAllReferencesAt(path));
    equal(document.readsSecretAt(path), other.readsSecretAt(path));
  }
});
