/** What requests cost, on every way in which they can end. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { compilePrices } from "../../lib/facts/price_table.ts";
import type { SnapshotParts } from "../fakes/snapshot.ts";
import { snapshot } from "../fakes/snapshot.ts";
import { CLAUDE_STOP, converseFrames, invokeFrames } from "../fakes/frames.ts";
import { startGateway } from "../fakes/gateway.ts";
import { ANSWER, CHAT, chatBody, CONVERSE, KEY, PARTS } from "./requests.ts";

/** Every part of the usage has a digit of its own. */
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

Deno.test("a whole answer says what it cost, and so does the log", async () => {
  const gateway = priced();
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody() });
  (await gateway.bedrock.call(0)).answerWhole(200, ANSWER);
  // 7 input, 3 output and 2 read from the cache: 7 + 30 + 0.2 millionths.
  assert.equal((await response).headers.get("x-adit-cost"), "0.0000372");
  const [line] = await gateway.logLines();
  assert.deepEqual([line?.["cost_usd"], line?.["estimated"]], ["0.0000372", undefined]);
});

Deno.test("the service tier that served the request decides, and the header can be turned off", async () => {
  const gateway = priced({ responseHeaders: { target: true, cost: false } });
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

Deno.test("a stream is charged by its last counts", async () => {
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
