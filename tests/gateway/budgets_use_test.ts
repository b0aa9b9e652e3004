/** Spent budgets that send requests to a cheaper model: what callers see, and which requests are still refused. */

import { deepEqual, equal, match } from "node:assert/strict";
import type { Budget } from "../../lib/snapshot/budget.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, native, provider, snapshot } from "../fakes/snapshot.ts";
import { budget, flatPrices } from "../suites/budget_rules.ts";
import { ANSWER, CHAT, chatBody } from "./requests.ts";

const EAST = provider("east", "us-east-1");
const LITE = model("lite", EAST, "us.amazon.nova-lite-v1:0");
const MODELS = [
  model("opus", EAST, "us.anthropic.claude-opus-4-1-20250805-v1:0"),
  model("haiku", EAST, "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
  LITE,
  model("micro", EAST, "us.amazon.nova-micro-v1:0"),
  model("llama", EAST, "us.meta.llama3-1-8b-instruct-v1:0"),
  model("titan", EAST, "amazon.titan-embed-text-v2:0"),
  model("cohere", EAST, "cohere.embed-v4:0"),
];
const ANN = caller("ann", { models: ["*"], native: native(["us-east-1"]) });
const BOB = caller("bob", { models: ["opus"] });

/** A budget that is spent after one request. */
function spentBudget(name: string, parts: Parameters<typeof budget>[1] = {}): Budget {
  return budget(name, { unit: "requests", limit: 1, warn: [1], whenSpent: { use: "lite" }, ...parts });
}

function forModel(name: string) {
  return { scope: { models: [name] } };
}

interface Post {
  readonly as?: typeof ANN;
  readonly path?: string;
  readonly body?: string;
}

function start(...budgets: readonly Budget[]) {
  const gateway = startGateway(snapshot({
    models: MODELS,
    callers: [ANN, BOB],
    budgets,
    prices: flatPrices("1"),
  }));
  const { bedrock } = gateway;
  return {
    budgets: gateway.budgets,
    logLines: () => gateway.logLines(),
    expectSettled: (requests: number) => gateway.expectSettled(requests),
    /** Sends a request; the upstream answers if it is asked. Returns the response and where it was sent. */
    async ask({ as = ANN, path = CHAT, body = chatBody({ model: "opus" }) }: Post = {}) {
      const index = bedrock.calls.length;
      const { response } = gateway.send(path, { headers: { authorization: `Bearer ${as.key}` }, body });
      const call = await Promise.race([bedrock.call(index), response]);
      if (!(call instanceof Response)) {
        call.answerWhole(200, ANSWER, { "content-type": "application/json" });
      }
      const answered = await response;
      const url = bedrock.calls[index]?.url ?? "";
      return {
        status: answered.status,
        model: answered.headers.get("x-adit-model"),
        budget: answered.headers.get("x-adit-budget"),
        sentTo: decodeURIComponent(/\/model\/([^/]+)\//.exec(url)?.[1] ?? ""),
        body: await answered.text(),
      };
    },
  };
}

Deno.test("a spent budget sends requests to its model, which the header, record and log name", async () => {
  const { ask, logLines, expectSettled, budgets } = start(spentBudget("team"));
  const first = await ask();
  deepEqual([first.status, first.model, first.sentTo], [
    200,
    null,
    "us.anthropic.claude-opus-4-1-20250805-v1:0",
  ]);
  const second = await ask();
  deepEqual([second.status, second.model, second.sentTo], [
    200,
    "lite;instead-of=opus;budget=team",
    "us.amazon.nova-lite-v1:0",
  ]);
  match(second.budget ?? "", /^team;remaining=0;reset=/);
  equal(JSON.parse(second.body).model, "opus", "the answer repeats the name that the caller sent");
  // Requests for the other model itself are also served and counted.
  const third = await ask({ body: chatBody({ model: "lite" }) });
  deepEqual([third.status, third.model, third.sentTo], [200, null, "us.amazon.nova-lite-v1:0"]);
  deepEqual(budgets.view().map(({ spent, held, when_spent }) => [spent, held, when_spent]), [
    ["3", "0", "use lite"],
  ]);
  const lines = (await logLines()).filter(({ message }) => message === "request");
  deepEqual(lines.map((line) => [line["model"], line["requested_model"], line["spent_budget"]]), [
    ["opus", undefined, undefined],
    ["lite", "opus", "team"],
    ["lite", undefined, undefined],
  ]);
  await expectSettled(4);
});

Deno.test("the other model's budget may send requests on, and the last budget refuses", async () => {
  const { ask } = start(
    spentBudget("large", forModel("opus")),
    spentBudget("small", { ...forModel("lite"), whenSpent: { use: "micro" } }),
    spentBudget("last", { ...forModel("micro"), whenSpent: "refuse" }),
  );
  equal((await ask()).model, null);
  equal((await ask()).model, "lite;instead-of=opus;budget=large");
  const third = await ask();
  deepEqual([third.model, third.sentTo], [
    "micro;instead-of=opus;budget=small",
    "us.amazon.nova-micro-v1:0",
  ]);
  const last = await ask();
  equal(last.status, 429);
  match(last.body, /budget \\"last\\" of 1 request a month is spent/);
  equal(last.model, "micro;instead-of=opus;budget=small");
});

Deno.test("budgets that send requests in a circle refuse them", async () => {
  const { ask, expectSettled } = start(
    spentBudget("there", forModel("opus")),
    spentBudget("back", { ...forModel("lite"), whenSpent: { use: "opus" } }),
  );
  await ask();
  await ask();
  const refused = await ask();
  equal(refused.status, 429);
  await expectSettled(5);
});

Deno.test("a caller who may not use the other model is refused by the budget", async () => {
  const { ask } = start(spentBudget("team"));
  await ask({ as: BOB });
  const refused = await ask({ as: BOB });
  deepEqual([refused.status, refused.model, refused.sentTo], [429, null, ""]);
  match(refused.body, /budget \\"team\\" of 1 request a month is spent/);
});

Deno.test("a request that the other model cannot serve is refused, and counts as nothing", async () => {
  const { ask, expectSettled, budgets } = start(spentBudget("team", { whenSpent: { use: "llama" } }));
  await ask();
  const tools = [{ type: "function", function: { name: "f", parameters: { type: "object" } } }];
  const refused = await ask({ body: chatBody({ model: "opus", tools, tool_choice: "required" }) });
  deepEqual([refused.status, refused.model, refused.sentTo], [
    400,
    "llama;instead-of=opus;budget=team",
    "",
  ]);
  match(refused.body, /this model cannot be forced to call a tool/);
  equal(budgets.view()[0]?.held, "0");
  await expectSettled(3);
});

Deno.test("Messages and Responses requests are also sent to the other model", async () => {
  const { ask } = start(spentBudget("team"));
  await ask();
  const messages = await ask({
    path: "/v1/messages",
    body: JSON.stringify({ model: "opus", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }),
  });
  deepEqual([messages.status, messages.sentTo], [200, "us.amazon.nova-lite-v1:0"]);
  equal(JSON.parse(messages.body).model, "opus");
  const responses = await ask({
    path: "/v1/responses",
    body: JSON.stringify({ model: "opus", input: "Hi" }),
  });
  deepEqual([responses.status, responses.sentTo], [200, "us.amazon.nova-lite-v1:0"]);
});

const CONVERSE_BODY = JSON.stringify({ messages: [{ role: "user", content: [{ text: "Hi" }] }] });
const CLAUDE_BODY = JSON.stringify({
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: 9,
  messages: [{ role: "user", content: "Hi" }],
});

const NATIVE_CASES:
  readonly (readonly [name: string, use: string, path: string, body: string, to: string])[] = [
    ["Converse to any model", "lite", "/model/opus/converse", CONVERSE_BODY, "us.amazon.nova-lite-v1:0"],
    [
      "InvokeModel within the family",
      "haiku",
      "/model/opus/invoke",
      CLAUDE_BODY,
      "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    ],
    ["InvokeModel to another family", "lite", "/model/opus/invoke", CLAUDE_BODY, ""],
  ];

for (const [name, use, path, body, to] of NATIVE_CASES) {
  Deno.test(`Bedrock's own API: ${name} is ${to === "" ? "refused" : "sent on"}`, async () => {
    const { ask } = start(spentBudget("team", { whenSpent: { use } }));
    await ask();
    const { status, sentTo } = await ask({ path, body });
    deepEqual([status, sentTo], [to === "" ? 400 : 200, to]);
  });
}

Deno.test("the model name in a native request cannot break the header", async () => {
  const { ask, expectSettled } = start(spentBudget("team"));
  await ask();
  const path = `/model/${encodeURIComponent("amazon.é;budget=none\n x")}/converse`;
  const { status, model } = await ask({ path, body: CONVERSE_BODY });
  deepEqual([status, model], [200, "lite;instead-of=amazon.??budget=none??x;budget=team"]);
  await expectSettled(3);
});

Deno.test("embeddings are never sent to another model, whose vectors would not be comparable", async () => {
  const { ask } = start(spentBudget("team", { whenSpent: { use: "cohere" } }));
  await ask();
  const refused = await ask({
    path: "/v1/embeddings",
    body: JSON.stringify({ model: "titan", input: "Hi" }),
  });
  deepEqual([refused.status, refused.sentTo], [429, ""]);
});
