/** Callers' lists of models: matches, warnings, and shared lists. */

import { deepEqual, equal } from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { matchesGlob } from "../../../lib/base/glob.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { modelsFor } from "../../../lib/snapshot/access.ts";
import { Random } from "../../suites/random.ts";

const HEAD = "providers: { local: { type: emulator } }\n";
const AWS_PAIR = (index: number) =>
  `aws: { access_key_id: ADIT${String(index).padStart(12, "0")}, secret_access_key: ${"s".repeat(32)} }`;

/** Loads models with these names, and callers with these lists. */
async function load(models: readonly string[], lists: readonly (readonly string[])[]) {
  const entries = models.map((name) => `  ${name}: { provider: local, id: amazon.nova-lite-v1:0 }`);
  const callers = lists.map((list, index) =>
    `  c${index}: { ${AWS_PAIR(index)}, models: ${JSON.stringify(list)}, native: [us-east-1] }`
  );
  const text = `${HEAD}models:\n${entries.join("\n")}\ncallers:\n${callers.join("\n")}\n`;
  const loaded = await loadConfig("/adit.yaml", {
    env: {},
    readFile: () => Promise.resolve(encodeUtf8(text)),
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  return loaded;
}

Deno.test("callers with equal lists share one, and others do not", async () => {
  const { snapshot } = await load(["a", "b"], [["*"], ["*"], ["a", "b*"], ["a", "b*"], ["b*", "a"]]);
  const [any, anyToo, list, listToo, other] = [...snapshot.callers.values()];
  equal(any?.models, anyToo?.models);
  equal(list?.models, listToo?.models);
  equal(any?.native, other?.native);
  equal(list?.models === other?.models, false);
  deepEqual(list?.models, { names: new Set(["a"]), globs: ["b*"] });
});

Deno.test("random globs: callers may use exactly the models that match, and a glob without matches is a warning", async () => {
  const random = new Random(11);
  const words = (count: number, alphabet: string) =>
    Array.from({ length: count }, () => random.pick([..."abc"]) + random.text([...alphabet], 4));
  const models = [...new Set(words(60, "abc-"))];
  const globs = [...new Set(words(120, "abc-*").map((word) => random.pick([`${word}*`, `*${word}`, word])))]
    .filter((word) => word.includes("*"));
  const { snapshot, warnings } = await load(models, globs.map((glob) => [glob]));
  const warned: string[] = [];
  for (const [index, glob] of globs.entries()) {
    const expected = models.filter((name) => matchesGlob(glob, name));
    const caller = snapshot.callers.get(`c${index}`);
    deepEqual(caller && modelsFor(caller, snapshot).map(({ name }) => name), expected, glob);
    if (expected.length === 0) warned.push(`callers.c${index}.models[0]`);
  }
  deepEqual(
    warnings.filter(({ message }) => /^the glob ".*" matches no model$/.test(message)).map(({ path }) =>
      path
    ),
    warned,
  );
});
