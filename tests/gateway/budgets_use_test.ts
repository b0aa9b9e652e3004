/** Spent budgets that send requests to a cheaper model: what callers see, and what is refused all the same. */

import { deepEqual, equal, match } from "node:assert/strict";
import { compilePrices } from "../../lib/facts/price_table.ts";
import type { Budget } from "../../lib/snapshot/budget.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, native, provider, snapshot } from "../fakes/snapshot.ts";
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

function budget(name: string, overrides: Partial<Budget> = {}): Budget {
  return {
    name,
    path: ["budgets", name],
    scope: { callers: undefined, teams: undefined, models: undefined, tags: {} },
    each: "none",
    unit: "requests",
    limit: 1,
    window: "month",
    timeZone: "UTC",
    warn: [1],
    whenSpent: { use: "lite" },
    webhook: undefined,
    reserve: "typical",
    cutStreams: false,
    ...overrides,
  };
}

function forModel(name: string): Pick<Budget, "scope"> {
  return { scope: { callers: undefined, teams: undefined, models: [name], tags: {} } };
}

interface Post {
  readonly as?: typeof ANN;
  readonly path?: string;
  readonly body?: string;
}

function start(...budgets: readonly Budget[]) {
  const prices = compilePrices([{ match: "*", usd_per_million: { input: "1", output: "1" } }], "prices_file");
  const gateway = startGateway(snapshot({
    models: MODELS,
    callers: [ANN, BOB],
    budgets,
    prices: { rows: prices, unknown: "allow", assume: undefined },
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

Deno.test("a spent budget sends requests to its model, which is named in header, record and log", async () => {
  const { ask, logLines, expectSettled, budgets } = start(budget("team"));
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
  // The model itself is served as well, and counted.
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

Deno.test("the model's own budget may send requests on, and the last one refuses", async () => {
  const { ask } = start(
    budget("large", forModel("opus")),
    budget("small", { ...forModel("lite"), whenSpent: { use: "micro" } }),
    budget("last", { ...forModel("micro"), whenSpent: "refuse" }),
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
  match(last.body, /budget \\"last\\" of 1 requests a month is spent/);
  equal(last.model, "micro;instead-of=opus;budget=small");
});

Deno.test("budgets that send requests in a circle, as only two configurations at once can, refuse", async () => {
  const { ask, expectSettled } = start(
    budget("there", forModel("opus")),
    budget("back", { ...forModel("lite"), whenSpent: { use: "opus" } }),
  );
  await ask();
  await ask();
  const refused = await ask();
  equal(refused.status, 429);
  await expectSettled(5);
});

Deno.test("a caller who may not use the model is refused by the budget", async () => {
  const { ask } = start(budget("team"));
  await ask({ as: BOB });
  const refused = await ask({ as: BOB });
  deepEqual([refused.status, refused.model, refused.sentTo], [429, null, ""]);
  match(refused.body, /budget \\"team\\" of 1 requests a month is spent/);
});

Deno.test("what the model cannot do is refused as for any model, and nothing is counted as used", async () => {
  const { ask, expectSettled, budgets } = start(budget("team", { whenSpent: { use: "llama" } }));
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

Deno.test("Messages and Responses are sent to the model, too", async () => {
  const { ask } = start(budget("team"));
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
    const { ask } = start(budget("team", { whenSpent: { use } }));
    await ask();
    const { status, sentTo } = await ask({ path, body });
    deepEqual([status, sentTo], [to === "" ? 400 : 200, to]);
  });
}

Deno.test("the name that a native request sends cannot break the header", async () => {
  const { ask, expectSettled } = start(budget("team"));
  await ask();
  const path = `/model/${encodeURIComponent("amazon.é;budget=none\n x")}/converse`;
  const { status, model } = await ask({ path, body: CONVERSE_BODY });
  deepEqual([status, model], [200, "lite;instead-of=amazon.??budget=none??x;budget=team"]);
  await expectSettled(3);
});

Deno.test("embeddings are never made by another model, whose vectors are not comparable", async () => {
  const { ask } = start(budget("team", { whenSpent: { use: "cohere" } }));
  await ask();
  const refused = await ask({
    path: "/v1/embeddings",
    body: JSON.stringify({ model: "titan", input: "Hi" }),
  });
  deepEqual([refused.status, refused.sentTo], [429, ""]);
});
