/** Each lesson only changes the traits that it names, and can be written in a configuration. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { parse } from "yaml";
import { traits as written } from "../../lib/config/schema/trait_keys.ts";
import { LESSON_NAMES, lessonTraits } from "../../lib/facts/optional_members.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import { compileTraits, type ModelTraits } from "../../lib/facts/traits.ts";
import { flowYaml, writtenTraits } from "../../lib/facts/written_traits.ts";
import { MODELS } from "../../lib/emulator/model/catalog.ts";

const IDS = [...MODELS.map(({ id }) => id), "acme.thinker-9-v1:0"];

/** The promises of the traits as words: a lesson may only remove or weaken them. */
const ORDER: Readonly<Partial<Record<keyof ModelTraits, readonly unknown[]>>> = {
  structuredOutput: ["schema", "tool", "none"],
  stopSequences: ["any", "visible", "none"],
  sampling: ["both", "one", "none"],
  tools: ["streamed", "whole", "none"],
  thoughtText: ["on_request", "always"],
};

function isWeaker(property: keyof ModelTraits, before: unknown, after: unknown): boolean {
  const order = ORDER[property];
  if (order !== undefined) return order.indexOf(after) >= order.indexOf(before);
  if (typeof after === "boolean") return !after || before === true;
  if (property === "topKPath") return after === "" || after === before;
  if (after instanceof Map && before instanceof Map) return [...after.keys()].every((key) => before.has(key));
  const has = new Set(before as Iterable<unknown>);
  return [...after as Iterable<unknown>].every((each) => has.has(each));
}

for (const name of LESSON_NAMES) {
  Deno.test(`${name} only takes promises away, once, and can be written down`, () => {
    for (const id of IDS) {
      const traits = traitsOf(id, builtInModelTable());
      const learned = lessonTraits([name], traits);
      for (const property of Object.keys(learned) as (keyof ModelTraits)[]) {
        ok(isWeaker(property, traits[property], learned[property]), `${id}: ${property}`);
      }
      const taught = { ...traits, ...learned };
      deepEqual({ ...taught, ...lessonTraits([name], taught) }, taught);
      deepEqual(compileTraits(written.parse(parse(flowYaml(writtenTraits(learned))))), learned);
    }
  });
}

Deno.test("no lesson touches what a caller must have", () => {
  const kept = ["system", "prefill", "reasoningHistory", "toolResultMedia", "maxOutputTokens", "family"];
  for (const id of IDS) {
    const traits = traitsOf(id, builtInModelTable());
    const learned = lessonTraits(LESSON_NAMES, traits);
    deepEqual(Object.keys(learned).filter((property) => kept.includes(property)), []);
    equal(learned.tools, traits.tools === "none" ? "none" : "whole");
  }
});

Deno.test("words that YAML would read as something else are quoted", () => {
  const value = { match: "acme.thinker-9-v1:0", on: ["true", "5m", "none", ""], more: { a: 1, b: null } };
  equal(
    flowYaml(value),
    '{ match: "acme.thinker-9-v1:0", "on": ["true", "5m", none, ""], more: { a: 1, b: null } }',
  );
  deepEqual(parse(flowYaml(value)), value);
});
