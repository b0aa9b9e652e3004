/** Edits of a configuration's text. */

import { deepEqual, equal } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { editText } from "../../../lib/config/edit/edit.ts";
import type { JsonObject } from "../../../lib/base/json.ts";

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
  /** Removed and added lines, marked with - and +; all other lines stay. */
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
      "+  slow: { provider: east, id: y, metadata: { team: search } } # behind slow",
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
    name: "deleting an entry removes its lines and the comment directly above it",
    edit: ["models", "fast", undefined],
    changes: [
      "-  # about fast",
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
    changes: ["-models:", "+models: {}", "-  # about", "-  fast:", "-    provider: east"],
  },
  {
    name: "a comment above a deleted entry stays if it is not about the entry",
    text:
      "models:\n  # of all\n\n  a: { id: x }\n    # end of a\n# at the margin\n  # one\n  # two\n  b: { id: y }\n" +
      "  # three\n  c: { id: z }\n",
    edit: ["models", "b", undefined],
    changes: ["-  # one", "-  # two", "-  b: { id: y }"],
  },
  {
    name: "the comment of the whole section stays when its first entry is deleted",
    text: "models:\n  # of all\n\n  a: { id: x }\n  b: { id: y }\n",
    edit: ["models", "a", undefined],
    changes: ["-  a: { id: x }"],
  },
  {
    name: "a list that grows keeps its comments and its quotes",
    text: "callers:\n  a:\n    models: # which\n      # about b\n      - b # the first\n      # about c\n" +
      '      - "c" # the second\n      # end\n',
    edit: ["callers", "a", { models: ["b", "c", "d"] }],
    changes: ["-    models: # which", "+    models:", "+      # which", "+      - d"],
  },
  {
    name: "a list that shrinks, or is put in another order, keeps the comments of the items that stay",
    text: "callers:\n  a:\n    models:\n      - b # 1\n      # 2\n      - c # 3\n      - d # 4\n",
    edit: ["callers", "a", { models: ["d", "c"] }],
    changes: ["-      - b # 1", "-      - d # 4", "+      - d # 4"],
  },
  {
    name: "a mapping in a list keeps its comments",
    text: "models:\n  a:\n    x:\n      - k: 1 # one\n        l: 2 # two\n",
    edit: ["models", "a", { x: [{ k: 1, l: 3 }, { k: 2 }] }],
    changes: ["-        l: 2 # two", "+        l: 3 # two", "+      - k: 2"],
  },
  {
    name: "a list in brackets stays in brackets",
    text: 'callers:\n  a:\n    models: [b, "c"] # some\n  b:\n    models: [] # none\n',
    edit: ["callers", "a", { models: ["b", "c", "d"] }],
    changes: ['-    models: [b, "c"] # some', '+    models: [b, "c", d] # some'],
  },
  {
    name: "braces and brackets have blanks inside where they had them",
    text: "callers:\n  a: { models: [b], aws: { k: v } }\n",
    edit: ["callers", "a", { models: ["b", { c: 1 }], aws: { k: "v" } }],
    changes: [
      "-  a: { models: [b], aws: { k: v } }",
      "+  a: { models: [b, { c: 1 }], aws: { k: v } }",
    ],
  },
  {
    name: "an empty list stays in brackets",
    text: "callers:\n  a:\n    models: [] # none\n",
    edit: ["callers", "a", { models: ["b"] }],
    changes: ["-    models: [] # none", "+    models: [b] # none"],
  },
  {
    name: "a comment in the braces of an entry stays in them",
    text: "models:\n  a: {\n    id: x, # the id\n    # inside\n  } # behind\n  b: { id: y }\n",
    edit: ["models", "a", { id: "z" }],
    changes: [
      "-  a: {",
      "-    id: x, # the id",
      "-    # inside",
      "-  } # behind",
      "+  a:",
      "+    {",
      "+      id: z",
      "+      # the id",
      "+      # inside",
      "+    } # behind",
    ],
  },
  {
    name: "a section in braces keeps its comments, and nothing around it changes",
    text:
      "log: { level: info }   # as it is\nproviders: {\n  # about a\n  a: { type: emulator }, # the first\n" +
      "  b: { type: emulator, region: us-east-1 } # the second\n  # below\n} # behind\nlimits: {}   # bound\n",
    edit: ["providers", "b", { type: "emulator", region: "eu-west-1" }],
    changes: [
      "-providers: {",
      "-  # about a",
      "-  a: { type: emulator }, # the first",
      "-  b: { type: emulator, region: us-east-1 } # the second",
      "-  # below",
      "-} # behind",
      "+providers:",
      "+  {",
      "+    # about a",
      "+    a: { type: emulator }, # the first",
      "+    b: { type: emulator, region: eu-west-1 }",
      "+    # the second",
      "+    # below",
      "+  } # behind",
    ],
  },
  {
    name: "an entry is deleted from a section in braces, and nothing around it changes",
    text: "log: { level: info }   # as it is\nproviders: {a: {type: emulator}, b: {type: emulator}} # two\n",
    edit: ["providers", "a", undefined],
    changes: [
      "-providers: {a: {type: emulator}, b: {type: emulator}} # two",
      "+providers: {b: {type: emulator}} # two",
    ],
  },
  {
    name: "the last entry is deleted from a section in braces",
    text: "providers: { a: { type: emulator } } # one\n",
    edit: ["providers", "a", undefined],
    changes: ["-providers: { a: { type: emulator } } # one", "+providers: {} # one"],
  },
  {
    name: "a file that is one flow mapping is rewritten, with its comments",
    text: "{ providers: { a: { type: emulator } }, # one\n  limits: {} } # end\n",
    edit: ["providers", "a", { type: "emulator", region: "eu-west-1" }],
    changes: [
      "-{ providers: { a: { type: emulator } }, # one",
      "-  limits: {} } # end",
      "+{",
      "+  providers: { a: { type: emulator, region: eu-west-1 } }, # one",
      "+  limits: {}",
      "+} # end",
    ],
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
    name: "a flow-style section is rewritten",
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
    name: "a file without a final line break gets one before an addition",
    text: "listen: 127.0.0.1:1",
    edit: ["callers", "team", { models: [] }],
    changes: ["+callers:", "+  team:", "+    models: []"],
  },
];

/** The changed lines, in the order of the file. */
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

Deno.test("an edit without a change keeps every value and comment", () => {
  const path = join(import.meta.dirname ?? "", "../../../config/adit.yaml");
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

Deno.test("strings that YAML would read as something else stay strings", () => {
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
