/** Edits of random texts keep the comments and all other values. */

import { deepEqual, equal } from "node:assert/strict";
import { parse } from "yaml";
import { isJsonObject, type JsonValue } from "../../../lib/base/json.ts";
import { editText } from "../../../lib/config/edit/edit.ts";
import { Random } from "../../suites/random.ts";

/** Sections with entries in every syntax; every comment names the entry or the value that it belongs to. */
function randomText(random: Random): string {
  let count = 0;
  const comment = (owner: string) => random.below(3) === 0 ? ` # ${owner}-${count++};` : "";
  const line = (indent: number, owner: string) =>
    random.below(4) === 0 ? `${" ".repeat(indent)}# ${owner}-${count++};\n` : "";
  const gap = () => random.below(5) === 0 ? "\n" : "";
  const values: readonly ((owner: string) => string)[] = [
    (owner) => ` x${comment(owner)}\n`,
    (owner) => ` "q: #"${comment(owner)}\n`,
    (owner) => ` [a, b]${comment(owner)}\n`,
    (owner) => ` { k: v }${comment(owner)}\n`,
    (owner) => `${comment(owner)}\n${line(6, owner)}      s: 1${comment(owner)}\n${line(6, owner)}`,
    (owner) =>
      `${comment(owner)}\n${line(6, owner)}      - 1${comment(owner)}\n${line(6, owner)}      - x: 2${
        comment(owner)
      }\n${line(8, owner)}        y: 3${comment(owner)}\n${line(6, owner)}`,
    (owner) =>
      ` [${comment(owner)}\n${line(6, owner)}      a,${comment(owner)}\n      b${comment(owner)}\n` +
      `${line(6, owner)}    ]${comment(owner)}\n`,
    () => ` |\n      text\n      more\n`,
  ];
  const inBraces = (owner: string) =>
    random.below(2) === 0
      ? "{ p: 1, q: two }"
      : `{\n${line(4, owner)}    p: 1,${comment(owner)}\n${line(4, owner)}    q: two${comment(owner)}\n${
        line(4, owner)
      }  }`;
  const names = () => ["a", "b", "c"].slice(0, 1 + random.below(3));
  const sections = ["providers", "models", "callers"].map((section) => {
    const start = line(0, section) + gap();
    if (random.below(5) === 0) return `${start}${section}: {}${comment(section)}\n`;
    if (random.below(5) === 0) {
      const entries = names().map((name) => {
        const owner = `${section}.${name}`;
        return `${line(2, owner)}  ${name}: ${inBraces(owner)},${comment(owner)}\n`;
      });
      return `${start}${section}: {\n${entries.join("")}${line(2, section)}}${comment(section)}\n`;
    }
    const entries = names().map((name) => {
      const owner = `${section}.${name}`;
      const space = gap();
      const above = line(2, space === "" ? owner : section) + space;
      if (random.below(4) === 0) return `${above}  ${name}: ${inBraces(owner)}${comment(owner)}\n`;
      const members = ["p", "q", "r"].slice(0, 1 + random.below(3))
        .map((key) => `${line(4, owner)}    ${key}:${random.pick(values)(`${owner}.${key}`)}`);
      return `${above}  ${name}:${comment(owner)}\n${members.join("")}${line(4, owner)}`;
    });
    return `${start}${section}:${comment(section)}\n${entries.join("")}${line(2, section)}`;
  });
  return sections.join("");
}

/** Another value, and whether it is of another kind. */
function randomValue(random: Random, old: JsonValue | undefined): readonly [JsonValue, isOther: boolean] {
  if (random.below(4) === 0) return ["changed", typeof old === "object"];
  if (Array.isArray(old)) return [random.pick([[...old, "new"], old.toReversed(), ["new", ...old]]), false];
  return isJsonObject(old) ? [{ ...old, more: [1] }, false] : [old ?? 1, false];
}

const commentsOf = (yaml: string) =>
  [...yaml.matchAll(/# ([\w.]+-\d+);/g)].map(([, id = ""]) => id).toSorted();
const isAbout = (owner: string) => (comment: string) => new RegExp(`^${owner}[.-]`).test(comment);

Deno.test("no edit loses or repeats a comment, or changes another value", () => {
  const random = new Random(1);
  for (let round = 0; round < 2000; round++) {
    const text = randomText(random);
    const before = parse(text);
    const section = random.pick(["providers", "models", "callers"]);
    const name = random.pick(["a", "b", "c", "new"]);
    const old = before[section][name];
    // Every key stays, because a key is removed with its comment.
    const [p, isOther] = randomValue(random, old?.p);
    const value = { ...old, p, extra: { deep: [random.below(9)] } };
    const edited = editText(text, { section, name, value });
    deepEqual(parse(edited), { ...before, [section]: { ...before[section], [name]: value } }, text);
    // A mapping or a list that becomes a string loses the comments in it.
    const isLost = isOther ? isAbout(`${section}.${name}.p`) : () => false;
    const rest = (yaml: string) => commentsOf(yaml).filter((comment) => !isLost(comment));
    deepEqual(rest(edited), rest(text), `${text}\n----\n${edited}`);
    equal(new Set(commentsOf(edited)).size, commentsOf(edited).length, edited);
  }
});

Deno.test("deleting an entry removes the comments about it, and no others", () => {
  const random = new Random(2);
  for (let round = 0; round < 1000; round++) {
    const text = randomText(random);
    const before = parse(text);
    const section = random.pick(["providers", "models", "callers"]);
    const name = random.pick(["a", "b", "c"]);
    if (before[section][name] === undefined) continue;
    const edited = editText(text, { section, name, value: undefined });
    delete before[section][name];
    deepEqual(parse(edited), before, text);
    const isOfEntry = isAbout(`${section}.${name}`);
    const rest = (yaml: string) => commentsOf(yaml).filter((comment) => !isOfEntry(comment));
    deepEqual(rest(edited), rest(text), `${section}.${name}\n${text}\n----\n${edited}`);
    // In braces, a comment after the last comma may also belong to the whole entry.
    const isInBraces = text.includes(`${section}: {\n`);
    if (!isInBraces) deepEqual(commentsOf(edited).filter(isOfEntry), [], `${text}\n----\n${edited}`);
  }
});
