/** What an edit changed, by name. */

import { deepEqual } from "node:assert/strict";
import { changesBetween, digestsOf } from "../../lib/config/changes.ts";

const BEFORE = {
  listen: "127.0.0.1:8080",
  timeouts: { total: "1m" },
  providers: { east: { type: "bedrock" } },
  models: { fast: { id: "a" }, slow: { id: "b" } },
  callers: { search: { key: "x" } },
};

const changes = (after: unknown) => changesBetween(digestsOf(BEFORE), digestsOf(after));

Deno.test("the same values are no change", async () => deepEqual(await changes(structuredClone(BEFORE)), {}));

Deno.test("entries are added, removed and changed by name", async () => {
  const models = { fast: { id: "c" }, new: { id: "b" } };
  const callers = { search: { key: "x" }, chat: { key: "y" } };
  deepEqual(await changes({ ...BEFORE, models, callers }), {
    models_added: ["new"],
    models_removed: ["slow"],
    models_changed: ["fast"],
    callers_added: ["chat"],
  });
});

Deno.test("everything else is named by its key, also if it is gone", async () => {
  const { timeouts: _, ...rest } = BEFORE;
  deepEqual(await changes({ ...rest, listen: "127.0.0.1:8081", log: { level: "warn" } }), {
    settings_changed: ["listen", "timeouts", "log"],
  });
});

Deno.test("a file without any section is no error", async () => {
  deepEqual((await changes(null))["models_removed"], ["fast", "slow"]);
});
