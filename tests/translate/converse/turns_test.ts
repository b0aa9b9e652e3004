/** System text between turns: in messages of its own if the model accepts them, else in the user's turn. */

import { deepEqual } from "node:assert/strict";
import { BARE_TRAITS, type SystemPlace } from "../../../lib/facts/traits.ts";
import { CachePoints } from "../../../lib/translate/converse/cache_points.ts";
import { IgnoredFields } from "../../../lib/translate/converse/ignored.ts";
import { Turns } from "../../../lib/translate/converse/turns.ts";
import type { ContentBlock } from "../../../lib/wire/bedrock/converse.ts";

/** `u` and `a` are texts of the user and the assistant, `s` is system text, `r` a result, `c` a cache mark. */
type Said = readonly string[];

function turnsOf(said: Said, system: SystemPlace) {
  const traits = { ...BARE_TRAITS, system, promptCaching: new Set(["messages"] as const) };
  const turns = new Turns(new CachePoints(traits, new IgnoredFields()), traits);
  for (const word of said) {
    switch (word[0]) {
      case "u":
        turns.add("user", { text: word });
        break;
      case "a":
        turns.add("assistant", { text: word });
        break;
      case "s":
        turns.addSystem(word);
        break;
      case "r":
        turns.add("user", { toolResult: { toolUseId: word, content: [{ text: word }] } });
        break;
      case "c":
        turns.mark("user", { path: "x.cache_control", ttl: undefined });
        break;
    }
  }
  return turns.messages().map(({ role, content }) => [role, ...content.map(shown)]);
}

function shown(block: ContentBlock): string {
  if ("text" in block) return block.text.replaceAll(/<\/?system-reminder>/g, "|").replaceAll("\n", "");
  if ("toolResult" in block) return block.toolResult.toolUseId;
  return Object.keys(block).join();
}

interface Case {
  readonly said: Said;
  /** For a model that accepts messages of role `system`. */
  readonly anywhere: readonly (readonly string[])[];
  /** For one that does not. */
  readonly first: readonly (readonly string[])[];
}

const CASES: Readonly<Record<string, Case>> = {
  "at the end": {
    said: ["u", "s"],
    anywhere: [["user", "u"], ["system", "s"]],
    first: [["user", "u", "|s|"]],
  },
  "ahead of the assistant": {
    said: ["u", "s1", "s2", "a"],
    anywhere: [["user", "u"], ["system", "s1", "s2"], ["assistant", "a"]],
    first: [["user", "u", "|s1||s2|"], ["assistant", "a"]],
  },
  "ahead of more of the user": {
    said: ["u1", "s1", "u2", "s2", "a"],
    anywhere: [["user", "u1", "|s1|u2"], ["system", "s2"], ["assistant", "a"]],
    first: [["user", "u1", "|s1|u2", "|s2|"], ["assistant", "a"]],
  },
  "right after the assistant": {
    said: ["u", "a", "s"],
    anywhere: [["user", "u"], ["assistant", "a"], ["user", "|s|"]],
    first: [["user", "u"], ["assistant", "a"], ["user", "|s|"]],
  },
  "between results": {
    said: ["u", "a", "r1", "s", "r2"],
    anywhere: [["user", "u"], ["assistant", "a"], ["user", "r1", "r2"], ["system", "s"]],
    first: [["user", "u"], ["assistant", "a"], ["user", "r1", "r2", "|s|"]],
  },
  "with a cache mark": {
    said: ["u", "c", "s", "c"],
    anywhere: [["user", "u", "cachePoint"], ["system", "s", "cachePoint"]],
    first: [["user", "u", "cachePoint", "|s|", "cachePoint"]],
  },
};

for (const [name, { said, anywhere, first }] of Object.entries(CASES)) {
  Deno.test(`system text ${name} has a message of its own where it may`, () => {
    deepEqual(turnsOf(said, "anywhere"), anywhere);
  });
  Deno.test(`system text ${name} stays in its place as the user's`, () => {
    deepEqual(turnsOf(said, "first"), first);
    deepEqual(turnsOf(said, "none"), first);
  });
}

Deno.test("prepended blocks begin the first user turn", () => {
  const turns = new Turns(new CachePoints(BARE_TRAITS, new IgnoredFields()));
  turns.add("assistant", { text: "a" });
  turns.prepend([{ text: "1" }, { text: "2" }]);
  turns.prepend([{ text: "0" }]);
  deepEqual(turns.messages(), [
    { role: "user", content: [{ text: "0" }, { text: "1" }, { text: "2" }] },
    { role: "assistant", content: [{ text: "a" }] },
  ]);
});
