/** The cost of requests, for every way in which they can end. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { compilePrices } from "../../lib/facts/price_table.ts";
import type { SnapshotParts } from "../fakes/snapshot.ts";
import { model, provider, snapshot } from "../fakes/snapshot.ts";
import { CLAUDE_STOP, converseFrames, eventFrame, invokeFrames, joined, USAGE } from "../fakes/frames.ts";
import { startGateway } from "../fakes/gateway.ts";
import { budget } from "../suites/budget_rules.ts";
import { ANSWER, CHAT, chatBody, CONVERSE, KEY, PARTS } from "./requests.ts";

/** Prices that give every part of the usage its own digit. */
const ROWS = compilePrices([{
  match: "*",
  usd_per_million: { input: "1", output: "10", cache_read: "0.1", cache_write: "2", cache_write_1h: "3" },
  tiers: { flex: "x0.5" },
}], "prices_file");

function priced(parts: Partial<SnapshotParts> = {}) {
  return startGateway(
    snapshot({ ...PARTS, prices: { rows: ROWS, unknown: "allow", assume: undefined }, ...parts }),
  );
}

Deno.test("a whole answer and the log name the cost", async () => {
  const gateway = priced();
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody() });
  (await gateway.bedrock.call(0)).answerWhole(200, ANSWER);
  // 7 input, 3 output and 2 read from the cache: 7 + 30 + 0.2 millionths.
  assert.equal((await response).headers.get("x-adit-cost"), "0.0000372");
  const [line] = await gateway.logLines();
  assert.deepEqual([line?.["cost_usd"], line?.["estimated"]], ["0.0000372", undefined]);
});

Deno.test("a whole answer that is sent in pieces names its cost, too", async () => {
  const gateway = priced();
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody() });
  const long = ANSWER.replace("Hello", "x".repeat(100_000));
  (await gateway.bedrock.call(0)).answerWhole(200, long);
  const answer = await response;
  assert.equal(answer.headers.get("x-adit-cost"), "0.0000372");
  assert.ok((await answer.text()).length > 100_000);
  assert.equal((await gateway.logLines())[0]?.["cost_usd"], "0.0000372");
});

Deno.test("the cost in the header includes attempts that broke off, as in the log", async () => {
  const [east, west] = [provider("east", "us-east-1"), provider("west", "us-west-2")];
  const haiku = model("haiku", east);
  const gateway = priced({
    models: [{
      ...haiku,
      targets: [haiku.targets[0], { ...model("haiku", west).targets[0], priority: 1 }],
      routing: { ...haiku.routing, retry: { ...haiku.routing.retry, attempts: 2 } },
    }],
  });
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody() });
  const broken = (await gateway.bedrock.call(0)).answer(200);
  broken.push(encodeUtf8(ANSWER.slice(0, 20)));
  broken.fail();
  (await gateway.bedrock.call(1)).answerWhole(200, ANSWER);
  const cost = (await response).headers.get("x-adit-cost");
  const [line] = await gateway.logLines();
  assert.ok(Number(cost) > 0.0000372, `${cost}`);
  assert.deepEqual([line?.["cost_usd"], line?.["estimated"]], [cost, true]);
});

Deno.test("the service tier that served the request decides, and the header can be turned off", async () => {
  const gateway = priced({ responseHeaders: { target: true, cost: false, streamCost: false } });
  const { response } = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  (await gateway.bedrock.call(0)).answerWhole(
    200,
    JSON.stringify({
      ...JSON.parse(ANSWER),
      serviceTier: { type: "flex" },
    }),
  );
  assert.equal((await response).headers.get("x-adit-cost"), null);
  assert.equal((await gateway.logLines())[0]?.["cost_usd"], "0.0000186");
});

/** The trace of a guardrail with a content filter, for a text of up to 1,000 characters. */
const TRACE = {
  guardrail: { inputAssessment: { gr: { invocationMetrics: { usage: { contentPolicyUnits: 1 } } } } },
};

Deno.test("the units of a guardrail are added to the cost if the answer reports them", async () => {
  for (const [path, body] of [[CHAT, chatBody()], [CONVERSE, "{}"]] as const) {
    const gateway = priced();
    const { response } = gateway.send(path, { headers: KEY, body });
    (await gateway.bedrock.call(0)).answerWhole(200, JSON.stringify({ ...JSON.parse(ANSWER), trace: TRACE }));
    assert.equal((await response).headers.get("x-adit-cost"), "0.0001872");
  }
  const gateway = priced();
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody({ stream: true }) });
  const metadata = { metrics: { latencyMs: 9 }, usage: USAGE, trace: TRACE };
  const frames = [...converseFrames("Hello").slice(0, -1), eventFrame("metadata", metadata)];
  (await gateway.bedrock.call(0)).answerWhole(200, joined(...frames), {
    "content-type": "application/vnd.amazon.eventstream",
  });
  await (await response).text();
  assert.equal((await gateway.logLines())[0]?.["cost_usd"], "0.0001872");
});

Deno.test("a prompt that a guardrail blocks costs the guardrail's units, and no tokens are estimated", async () => {
  const gateway = priced();
  const { response } = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  (await gateway.bedrock.call(0)).answerWhole(
    200,
    JSON.stringify({
      ...JSON.parse(ANSWER),
      stopReason: "guardrail_intervened",
      usage: { inputTokens: 0, outputTokens: 0, totalTokens: 0 },
      trace: TRACE,
    }),
  );
  assert.equal((await response).headers.get("x-adit-cost"), "0.00015");
  const [line] = await gateway.logLines();
  assert.deepEqual([line?.["output_tokens"], line?.["estimated"]], [0, undefined]);
});

const APPLY = "/guardrail/gr1/version/1/apply";

Deno.test("a guardrail without a model is billed by its units, and units without a price make the cost unknown", async () => {
  const applied = async (usage: unknown) => {
    const gateway = priced();
    const { response } = gateway.send(APPLY, { headers: KEY, body: "{}" });
    (await gateway.bedrock.call(0)).answerWhole(200, JSON.stringify({ action: "NONE", usage }));
    const cost = (await response).headers.get("x-adit-cost");
    assert.equal((await gateway.logLines())[0]?.["cost_usd"] ?? null, cost);
    return cost;
  };
  assert.equal(await applied({ contentPolicyUnits: 2, topicPolicyUnits: 2, wordPolicyUnits: 2 }), "0.0006");
  assert.equal(await applied({ contentPolicyUnits: 1, futurePolicyUnits: 1 }), null);
  assert.equal(await applied(undefined), null);
});

Deno.test("budgets of money count guardrails, and refuse them once they are spent", async () => {
  const gateway = priced({
    budgets: [budget("small", { limit: 200_000 }), budget("tokens", { unit: "tokens", limit: 1 })],
  });
  for (let count = 0; count < 2; count++) {
    const { response } = gateway.send(APPLY, { headers: KEY, body: "{}" });
    (await gateway.bedrock.call(count)).answerWhole(200, '{"usage":{"contentPolicyUnits":1}}');
    await (await response).text();
  }
  const refused = await gateway.send(APPLY, { headers: KEY, body: "{}" }).response;
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /budget .*small.* is spent/);
  assert.deepEqual(gateway.budgets.view().map(({ spent, held }) => [spent, held]), [["0.0003", "0.00"], [
    "0",
    "0",
  ]]);
});

Deno.test("with stream_cost, a comment after the last event of a complete stream names its cost", async () => {
  const responseHeaders = { target: true, cost: true, streamCost: true };
  const streamed = async (gateway: ReturnType<typeof priced>, path: string, body: string, isWhole = true) => {
    const { response } = gateway.send(path, { headers: KEY, body });
    const upstream = (await gateway.bedrock.call(0)).answer(200);
    upstream.push(...converseFrames("Hello").slice(0, isWhole ? undefined : 3));
    upstream.end();
    const text = await (await response).text();
    await gateway.expectSettled(1);
    return text;
  };
  const comment = /\n\n: x-adit-cost: 0\.0000372\n\n$/;
  const chat = chatBody({ stream: true });
  assert.match(
    await streamed(priced({ responseHeaders }), CHAT, chat),
    /data: \[DONE\]\n\n: x-adit-cost: 0\.0000372\n\n$/,
  );
  const responses = JSON.stringify({ model: "haiku", input: "Hi", stream: true });
  assert.match(await streamed(priced({ responseHeaders }), "/v1/responses", responses), comment);
  const messages = priced({
    responseHeaders,
    models: [model("haiku", provider("east", "us-east-1"), "us.amazon.nova-lite-v1:0")],
  });
  const body = JSON.stringify({ ...JSON.parse(chat), max_tokens: 9 });
  assert.match(await streamed(messages, "/v1/messages", body), comment);
  // No comment by default, if the cost is unknown, after an error, or among binary frames.
  assert.doesNotMatch(await streamed(priced(), CHAT, chat), /x-adit-cost/);
  assert.doesNotMatch(
    await streamed(startGateway(snapshot({ ...PARTS, responseHeaders })), CHAT, chat),
    /x-adit-cost/,
  );
  assert.doesNotMatch(await streamed(priced({ responseHeaders }), CHAT, chat, false), /x-adit-cost/);
  assert.doesNotMatch(await streamed(priced({ responseHeaders }), `${CONVERSE}-stream`, "{}"), /x-adit-cost/);
});

Deno.test("an unknown price is not shown as zero", async () => {
  const gateway = startGateway(snapshot(PARTS));
  const { response } = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  (await gateway.bedrock.call(0)).answerWhole(200, ANSWER);
  assert.equal((await response).headers.get("x-adit-cost"), null);
  assert.equal((await gateway.logLines())[0]?.["cost_usd"], undefined);
});

Deno.test("a refused request costs nothing", async () => {
  const gateway = priced();
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody() });
  (await gateway.bedrock.call(0)).answerWhole(400, JSON.stringify({ message: "no" }), {
    "x-amzn-errortype": "ValidationException",
  });
  await (await response).text();
  assert.equal((await gateway.logLines())[0]?.["cost_usd"], "0.00");
});

Deno.test("a stream is charged by the last counts that it reports", async () => {
  const gateway = priced();
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody({ stream: true }) });
  const body = (await gateway.bedrock.call(0)).answer(200);
  body.push(...converseFrames("Hello"));
  body.end();
  await (await response).text();
  assert.equal((await gateway.logLines())[0]?.["cost_usd"], "0.0000372");
});

Deno.test("a native stream of Claude that breaks off is charged for its prompt, and flagged as estimated", async () => {
  const gateway = priced();
  const { response } = gateway.send("/model/m/invoke-with-response-stream", { headers: KEY, body: "{}" });
  const body = (await gateway.bedrock.call(0)).answer(200);
  body.push(...invokeFrames(
    { type: "message_start", message: { usage: { input_tokens: 1000, output_tokens: 1 } } },
    { type: "content_block_delta", delta: { type: "text_delta", text: "Hello" } },
  ));
  body.end();
  await (await response).bytes();
  const [line] = await gateway.logLines();
  assert.equal(line?.["estimated"], true);
  assert.ok(Number(line?.["cost_usd"]) >= 0.00101, String(line?.["cost_usd"]));
  await gateway.expectSettled(1);
});

Deno.test("a complete native stream of Claude is charged exactly", async () => {
  const gateway = priced();
  const { response } = gateway.send("/model/m/invoke-with-response-stream", { headers: KEY, body: "{}" });
  const body = (await gateway.bedrock.call(0)).answer(200);
  body.push(...invokeFrames(
    { type: "message_start", message: { usage: { input_tokens: 7, output_tokens: 1 } } },
    { type: "content_block_delta", delta: { type: "text_delta", text: "Hello" } },
    CLAUDE_STOP,
  ));
  body.end();
  assert.ok(Buffer.from(await (await response).bytes()).length > 0);
  assert.equal((await gateway.logLines())[0]?.["cost_usd"], "0.0000372");
});
