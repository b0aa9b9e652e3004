/** The names of changed entries. */

import { deepEqual } from "node:assert/strict";
import { changesBetween, digestsInTurns, digestsOf } from "../../lib/config/changes.ts";

const BEFORE = {
  listen: "127.0.0.1:8080",
  timeouts: { total: "1m" },
  providers: { east: { type: "bedrock" } },
  models: { fast: { id: "a" }, slow: { id: "b" } },
  callers: { search: { key: "x" } },
};

const changes = (after: unknown) => changesBetween(digestsOf(BEFORE), digestsOf(after));

Deno.test("the same values are no change", () => deepEqual(changes(structuredClone(BEFORE)), {}));

Deno.test("entries are added, removed and changed by name", () => {
  const models = { fast: { id: "c" }, new: { id: "b" } };
  const callers = { search: { key: "x" }, chat: { key: "y" } };
  deepEqual(changes({ ...BEFORE, models, callers }), {
    models_added: ["new"],
    models_removed: ["slow"],
    models_changed: ["fast"],
    callers_added: ["chat"],
  });
});

Deno.test("all other changes are named by their key, also a removed one", () => {
  const { timeouts: _, ...rest } = BEFORE;
  deepEqual(changes({ ...rest, listen: "127.0.0.1:8081", log: { level: "warn" } }), {
    settings_changed: ["listen", "timeouts", "log"],
  });
});

Deno.test("a file without sections is not an error", () => {
  deepEqual((changes(null))["models_removed"], ["fast", "slow"]);
});

Deno.test("names may contain any character, and digests made in turns are equal", async () => {
  const models = Object.fromEntries(["a\tb", "c\nd", "é", ""].map((name) => [name, { id: name }]));
  const large = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`c${index}`, { key: index }]));
  const after = { ...BEFORE, models, callers: large };
  deepEqual(changes(after)["models_added"], ["a\tb", "c\nd", "é", ""]);
  deepEqual(await digestsInTurns(after), digestsOf(after));
});
