/** The list of a caller's models. */

import { deepEqual, throws } from "node:assert/strict";
import { listModels } from "../../lib/http/models.ts";
import { ofKind } from "../fakes/errors.ts";
import { caller } from "../fakes/snapshot.ts";
import { START_MS } from "../fakes/time.ts";

const BOTH = caller("both", { models: new Set(["haiku", "nova"]) });

const HAIKU = {
  id: "haiku",
  object: "model",
  created: START_MS / 1000,
  owned_by: "adit",
  type: "model",
  display_name: "haiku",
  created_at: "2026-11-20T09:00:00.000Z",
};

Deno.test("the list holds the caller's models in OpenAI's and Anthropic's members", () => {
  deepEqual(listModels(undefined, BOTH, START_MS), {
    object: "list",
    data: [HAIKU, { ...HAIKU, id: "nova", display_name: "nova" }],
    first_id: "haiku",
    last_id: "nova",
    has_more: false,
  });
});

Deno.test("a caller without models has an empty list", () => {
  deepEqual(listModels(undefined, caller("none"), START_MS), {
    object: "list",
    data: [],
    first_id: null,
    last_id: null,
    has_more: false,
  });
});

Deno.test("one model is given by its name, and only if it is the caller's", () => {
  deepEqual(listModels("haiku", BOTH, START_MS), HAIKU);
  for (const name of ["opus", "", "__proto__"]) {
    throws(() => listModels(name, BOTH, START_MS), ofKind("model_not_found"));
  }
});
