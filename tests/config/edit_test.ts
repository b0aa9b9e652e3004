/** Edits of a configuration's text. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { editText } from "../../lib/config/edit.ts";
import type { JsonObject } from "../../lib/base/json.ts";
import { Random } from "../suites/random.ts";

const TEXT = `# the head
providers: { east: { type: emulator } }

models:
  # about fast
  fast: # the quick one
    provider: east # where
    # before the id
    id: "x"   # spaced

  # about slow
  slow: { provider: east, id: y } # behind slow

  listed:
    provider: east
    id: z
    defaults:
      stop: [END]
      # the last

# before callers
callers: {} # nobody yet
#   an example
`;

interface Case {
  readonly name: string;
  readonly edit: readonly [section: string, name: string, value: JsonObject | undefined];
  readonly text?: string;
  /** Lines that go and lines that come, marked with - and +; every other line stays. */
  readonly changes: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: "a changed value keeps the comments around it",
    edit: ["models", "fast", { provider: "west", id: "x" }],
    changes: [
      "-  fast: # the quick one",
      "-    provider: east # where",
      '-    id: "x"   # spaced',
      "+  fast:",
      "+    # the quick one",
      "+    provider: west # where",
      '+    id: "x" # spaced',
    ],
  },
  {
    name: "an entry in braces stays in braces",
    edit: ["models", "slow", { provider: "east", id: "y", metadata: { team: "search" } }],
    changes: [
      "-  slow: { provider: east, id: y } # behind slow",
      "+  slow: {provider: east, id: y, metadata: {team: search}} # behind slow",
    ],
  },
  {
    name: "a new entry goes below the last one of its section",
    edit: ["models", "new", { provider: "east", id: "yes", metadata: { version: "1.0" } }],
    changes: [
      "+  new:",
      "+    provider: east",
      "+    id: yes",
      "+    metadata:",
      '+      version: "1.0"',
    ],
  },
  {
    name: "the first entry of an empty section opens it",
    edit: ["callers", "team", { models: ["fast", "no*"] }],
    changes: [
      "-callers: {} # nobody yet",
      "+callers: # nobody yet",
      "+  team:",
      "+    models:",
      "+      - fast",
      "+      - no*",
    ],
  },
  {
    name: "a section that is not there is added at the end",
    edit: ["routes", "/bedrock", { model: "fast" }],
    changes: ["+routes:", "+  /bedrock:", "+    model: fast"],
  },
  {
    name: "a deleted entry takes its own lines along",
    edit: ["models", "fast", undefined],
    changes: [
      "-  fast: # the quick one",
      "-    provider: east # where",
      "-    # before the id",
      '-    id: "x"   # spaced',
    ],
  },
  {
    name: "the last entry that is deleted leaves an empty section",
    text: "models:\n  # about\n  fast:\n    provider: east\n# after\n",
    edit: ["models", "fast", undefined],
    changes: ["-models:", "+models: {}", "-  fast:", "-    provider: east"],
  },
  {
    name: "a section without a value is opened",
    text: "models:\n# after\n",
    edit: ["models", "fast", { id: "x" }],
    changes: ["+  fast:", "+    id: x"],
  },
  {
    name: "comments below and inside a changed entry stay",
    text: "models:\n  a:\n    p: 1\n    r:\n      s: 1 # deep\n      # tail\n    # end\n\n  # next\n# last\n",
    edit: ["models", "a", { p: 1, r: { s: 2 } }],
    changes: ["-      s: 1 # deep", "+      s: 2 # deep"],
  },
  {
    name: "a section in braces is written anew",
    edit: ["providers", "west", { type: "emulator" }],
    changes: [
      "-providers: { east: { type: emulator } }",
      "+providers: { east: { type: emulator }, west: { type: emulator } }",
    ],
    text: "providers: { east: { type: emulator } }\nlimits: { body: 1MiB } # bound\n",
  },
  {
    name: "the only entry of a section in braces is changed there",
    text: "providers: { local: { type: emulator } } # here\nlimits: { body: 1MiB } # bound\n",
    edit: ["providers", "local", { type: "emulator", region: "eu-west-1" }],
    changes: [
      "-providers: { local: { type: emulator } } # here",
      "+providers: { local: { type: emulator, region: eu-west-1 } } # here",
    ],
  },
  {
    name: "a file without a last line end gets one before what is added",
    text: "listen: 127.0.0.1:1",
    edit: ["callers", "team", { models: [] }],
    changes: ["+callers:", "+  team:", "+    models: []"],
  },
];

/** What changed, line by line, in the order of the file. */
function changesOf(before: string, after: string): readonly string[] {
  const rest = after.trimEnd().split("\n");
  const changes: string[] = [];
  const old = before.trimEnd().split("\n");
  const common = longestCommon(old, rest);
  for (const line of common) {
    while (old.length > 0 && old[0] !== line) changes.push(`-${old.shift()}`);
    while (rest.length > 0 && rest[0] !== line) changes.push(`+${rest.shift()}`);
    old.shift();
    rest.shift();
  }
  return [...changes, ...old.map((line) => `-${line}`), ...rest.map((line) => `+${line}`)];
}

function longestCommon(a: readonly string[], b: readonly string[]): readonly string[] {
  const table: (readonly string[])[] = Array.from({ length: b.length + 1 }, () => []);
  for (const line of a) {
    let diagonal: readonly string[] = [];
    for (const [index, other] of b.entries()) {
      const above = table[index + 1] ?? [];
      const left = table[index] ?? [];
      table[index + 1] = line === other ? [...diagonal, line] : above.length >= left.length ? above : left;
      diagonal = above;
    }
  }
  return table.at(-1) ?? [];
}

for (const { name, edit: [section, entry, value], text = TEXT, changes } of CASES) {
  Deno.test(`an edit: ${name}`, () => {
    const edited = editText(text, { section, name: entry, value });
    deepEqual(changesOf(text, edited).toSorted(), changes.toSorted());
    const expected = parse(text) ?? {};
    expected[section] = { ...expected[section], [entry]: value };
    if (value === undefined) delete expected[section][entry];
    deepEqual(parse(edited), expected);
    if (!text.includes("\n")) return;
    const windows = editText(text.replaceAll("\n", "\r\n"), { section, name: entry, value });
    equal(windows, edited.replaceAll("\n", "\r\n"), "line ends stay what they are");
  });
}

Deno.test("an edit that changes nothing changes no value and no comment", () => {
  const path = join(import.meta.dirname ?? "", "../../config/adit.yaml");
  const text = readFileSync(path, "utf8");
  const values = parse(text);
  for (const section of ["providers", "models", "routes", "callers"]) {
    for (const [name, value] of Object.entries<JsonObject>(values[section])) {
      const edited = editText(text, { section, name, value });
      deepEqual(parse(edited), values);
      const comments = (yaml: string) => [...yaml.matchAll(/#.*/g)].map(String);
      deepEqual(comments(edited), comments(text));
    }
  }
});

Deno.test("texts that YAML would take for something else stay texts", () => {
  const value = {
    a: "true",
    b: "012",
    c: "null",
    d: "",
    e: "# no",
    f: "a: b",
    g: "${env:X}",
    h: "x\ny",
    i: "~",
  };
  const edited = editText("models: {}\n", { section: "models", name: "no: name #", value });
  deepEqual(parse(edited), { models: { "no: name #": value } });
});

/** A section with every way to write an entry, each line but the texts' own with a comment of its own. */
function randomText(random: Random): string {
  let count = 0;
  const comment = () => random.below(3) === 0 ? ` # c${count++};` : "";
  const line = (indent: number) => random.below(4) === 0 ? `${" ".repeat(indent)}# l${count++};\n` : "";
  const gap = () => random.below(5) === 0 ? "\n" : "";
  const values: readonly (() => string)[] = [
    () => ` x${comment()}\n`,
    () => ` "q: #"${comment()}\n`,
    () => ` [a, b]${comment()}\n`,
    () => ` { k: v }${comment()}\n`,
    () => `${comment()}\n${line(6)}      s: 1${comment()}\n${line(6)}`,
    () => `\n      - 1${comment()}\n      - x: 2${comment()}\n`,
    () => ` |\n      text\n      more\n`,
  ];
  const sections = ["providers", "models", "callers"].map((section) => {
    const start = line(0) + gap();
    if (random.below(5) === 0) return `${start}${section}: {}${comment()}\n`;
    const entries = ["a", "b", "c"].slice(0, 1 + random.below(3)).map((name) => {
      const above = line(2) + gap();
      if (random.below(4) === 0) return `${above}  ${name}: { p: 1, q: two }${comment()}\n`;
      const members = ["p", "q", "r"].slice(0, 1 + random.below(3))
        .map((key) => `${line(4)}    ${key}:${random.pick(values)()}`);
      return `${above}  ${name}:${comment()}\n${members.join("")}${line(4)}`;
    });
    return `${start}${section}:${comment()}\n${entries.join("")}${line(2)}`;
  });
  return sections.join("");
}

Deno.test("no edit loses or repeats a comment of what stays, or changes another value", () => {
  const random = new Random(1);
  for (let round = 0; round < 2000; round++) {
    const text = randomText(random);
    const before = parse(text);
    const section = random.pick(["providers", "models", "callers"]);
    const name = random.pick(["a", "b", "c", "new"]);
    const old = before[section][name];
    // Every key stays: with one goes its comment.
    const value = {
      ...old,
      p: random.below(2) === 0 ? "changed" : old?.p ?? 1,
      extra: { deep: [random.below(9)] },
    };
    const edited = editText(text, { section, name, value });
    deepEqual(parse(edited), { ...before, [section]: { ...before[section], [name]: value } }, text);
    const comments = (yaml: string) => [...yaml.matchAll(/# ([cl]\d+);/g)].map(([, id = ""]) => id);
    const inside = typeof old?.p === "object" && value.p === "changed";
    // With a mapping that becomes a text go the comments in it.
    if (!inside) {
      deepEqual(comments(edited).toSorted(), comments(text).toSorted(), `${text}\n----\n${edited}`);
    }
    ok(new Set(comments(edited)).size === comments(edited).length, edited);
  }
});
