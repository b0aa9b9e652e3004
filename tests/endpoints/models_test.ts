/** The list of a caller's models. */

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { listModels } from "../../lib/endpoints/models.ts";
import { ofKind } from "../fakes/errors.ts";
import { caller, type KeyedCaller, model, provider, snapshot } from "../fakes/snapshot.ts";
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

const EAST = provider("east", "us-east-1");
const CONFIG = snapshot({
  models: ["haiku", "nova", "opus", "a", "b", "c", "d", "e"].map((name) => model(name, EAST)),
});

function list(name: string | undefined, from: KeyedCaller, query = "") {
  return listModels(name, {
    caller: from,
    snapshot: CONFIG,
    createdMs: START_MS,
    query: new URLSearchParams(query),
  });
}

/** The list as OpenAI's and Anthropic's clients see it. */
function listWithoutCatalog(from: KeyedCaller, query = "") {
  const { models: _, ...others } = JSON.parse(JSON.stringify(list(undefined, from, query)));
  return others;
}

Deno.test("the list holds the caller's models in OpenAI's and Anthropic's members", () => {
  deepEqual(listWithoutCatalog(BOTH), {
    object: "list",
    data: [HAIKU, { ...HAIKU, id: "nova", display_name: "nova" }],
    first_id: "haiku",
    last_id: "nova",
    has_more: false,
  });
});

Deno.test("Codex's catalog says what each model can do", () => {
  const target = (id: string) => model(id, EAST, id);
  const ids = [
    "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "openai.gpt-oss-120b-1:0",
    "meta.llama3-70b-instruct-v1:0",
  ];
  const all = caller("all", { models: ["*"] });
  const { models } = JSON.parse(JSON.stringify(listModels(undefined, {
    caller: all,
    snapshot: snapshot({ models: ids.map(target) }),
    createdMs: START_MS,
    query: new URLSearchParams("client_version=0.171.0"),
  })));
  equal(models.length, 3, "models for embeddings are left out");
  const [claude, gptOss, llama] = models;
  const { base_instructions, supported_reasoning_levels, ...facts } = claude;
  ok(base_instructions.includes("*** Begin Patch"));
  deepEqual(
    supported_reasoning_levels.map(({ effort }: { effort: string }) => effort),
    ["minimal", "low", "medium", "high", "xhigh", "max"],
  );
  deepEqual(facts, {
    slug: ids[0],
    display_name: ids[0],
    shell_type: "unified_exec",
    visibility: "list",
    supported_in_api: true,
    priority: 0,
    context_window: 200_000,
    apply_patch_tool_type: "freeform",
    truncation_policy: { mode: "tokens", limit: 10_000 },
    supports_parallel_tool_calls: true,
    input_modalities: ["text", "image"],
    supports_reasoning_summaries: true,
    support_verbosity: false,
    experimental_supported_tools: [],
  });
  deepEqual([gptOss.input_modalities, gptOss.context_window, gptOss.priority], [["text"], 128_000, 1]);
  deepEqual([llama.supported_reasoning_levels, llama.supports_reasoning_summaries], [[], false]);
});

Deno.test("a caller without models has an empty list", () => {
  deepEqual(list(undefined, caller("none")), {
    object: "list",
    data: [],
    models: [],
    first_id: null,
    last_id: null,
    has_more: false,
  });
});

Deno.test("one model is returned by its name, if the caller may use it", () => {
  deepEqual(list("haiku", BOTH), HAIKU);
  for (const name of ["opus", "", "__proto__"]) {
    throws(() => list(name, BOTH), ofKind("model_not_found"));
  }
});

const LETTERS = caller("letters", { models: new Set(["a", "b", "c", "d", "e"]) });

const PAGES: readonly (readonly [query: string, names: string, hasMore: boolean])[] = [
  ["", "abcde", false],
  ["beta=true", "abcde", false],
  ["limit=1000", "abcde", false],
  ["limit=5", "abcde", false],
  ["limit=4", "abcd", true],
  ["limit=2&after_id=b", "cd", true],
  ["limit=2&after_id=c", "de", false],
  ["after_id=e", "", false],
  ["limit=2&before_id=d", "bc", true],
  ["limit=2&before_id=c", "ab", false],
  ["before_id=a", "", false],
];

for (const [query, names, hasMore] of PAGES) {
  Deno.test(`the page "${query}" lists "${names}"${hasMore ? " and says that there are more" : ""}`, () => {
    const { data, models, ...paging } = JSON.parse(JSON.stringify(list(undefined, LETTERS, query)));
    equal(data.map(({ id }: { id: string }) => id).join(""), names);
    equal(models.map(({ slug }: { slug: string }) => slug).join(""), names);
    deepEqual(paging, {
      object: "list",
      first_id: names.at(0) ?? null,
      last_id: names.at(-1) ?? null,
      has_more: hasMore,
    });
  });
}

Deno.test("an invalid page is refused with its parameter", () => {
  for (
    const query of ["limit=0", "limit=1001", "limit=", "limit=-1", "limit=x", "after_id=z", "before_id="]
  ) {
    throws(() => list(undefined, LETTERS, query), {
      kind: "invalid_request",
      message: /^(limit|after_id|before_id): /,
    });
  }
});
