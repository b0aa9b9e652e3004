/** Embeddings through the pipeline: how a list becomes requests, and what happens when one of them fails. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { decodeUtf8 } from "../../../lib/base/bytes.ts";
import type { Model } from "../../../lib/snapshot/snapshot.ts";
import type { ScriptedCall } from "../../fakes/fetch.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { caller, model, modelTarget, provider, snapshot } from "../../fakes/snapshot.ts";

const EAST = provider("east", "us-east-1");
const WEST = provider("west", "us-west-2");
const WEST_HOST = "bedrock-runtime.us-west-2.amazonaws.com";
const TITAN_ID = "amazon.titan-embed-text-v2:0";
const TITAN = model("titan", EAST, TITAN_ID);
const COHERE = model("cohere", EAST, "us.cohere.embed-v4:0");
const PICTURES = model("pictures", EAST, "amazon.titan-embed-image-v1");
const CHAT = model("nova", EAST, "amazon.nova-lite-v1:0");

/** Titan in two regions, with a model of other vectors between them. */
const SPREAD: Model = {
  ...TITAN,
  name: "spread",
  targets: [
    modelTarget("spread", EAST, TITAN_ID),
    { ...modelTarget("spread", EAST, "cohere.embed-english-v3"), name: "other" },
    modelTarget("spread", WEST, TITAN_ID),
  ],
  routing: { ...TITAN.routing, retry: { ...TITAN.routing.retry, attempts: 3, share: 1 } },
};

const models = [TITAN, COHERE, PICTURES, CHAT, SPREAD];
const TEAM = caller("team", { models: new Set(models.map(({ name }) => name)) });
const CONFIG = snapshot({ models, callers: [TEAM] });

function post(body: object) {
  const gateway = startGateway(CONFIG);
  const sent = gateway.send("/v1/embeddings", {
    headers: { authorization: `Bearer ${TEAM.key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return {
    ...gateway,
    ...sent,
    expectSettled: (requests: number) => gateway.expectSettled(requests),
    logLines: () => gateway.logLines(),
  };
}

function textOf({ init: { body } }: ScriptedCall): string {
  ok(body instanceof Uint8Array);
  return String(JSON.parse(decodeUtf8(body)).inputText);
}

/** Answers with a vector that is made of the text's number. */
function answerTitan(call: ScriptedCall): void {
  const embedding = [Number(textOf(call))];
  call.answerWhole(200, JSON.stringify({ embedding, inputTextTokenCount: 2 }), { "x-amzn-requestid": "r" });
}

const NUMBERS = Array.from({ length: 20 }, (_, index) => String(index));

Deno.test("at most eight requests run at once, and the answers keep the order of the inputs", async () => {
  const { bedrock, response, expectSettled, ...gateway } = post({ model: "titan", input: NUMBERS });
  await bedrock.call(7);
  let answered = 0;
  while (answered < NUMBERS.length) {
    ok(bedrock.calls.length <= answered + 8);
    // The last of those that run is answered first.
    for (const call of bedrock.calls.slice(answered).reverse()) answerTitan(call);
    answered = bedrock.calls.length;
    if (answered < NUMBERS.length) await bedrock.call(answered);
  }
  const answer = await response;
  equal(answer.status, 200);
  const { data, usage, model } = await answer.json();
  deepEqual(
    data.map((each: { embedding: number[] }) => each.embedding),
    NUMBERS.map((each) => [Number(each)]),
  );
  deepEqual(data.map((each: { index: number }) => each.index), NUMBERS.map(Number));
  deepEqual({ usage, model }, { usage: { prompt_tokens: 40, total_tokens: 40 }, model: "titan" });
  await expectSettled(1);
  const [line] = await gateway.logLines();
  equal(line?.["input_tokens"], 40);
  equal(line?.["upstream_request_id"], "r");
});

Deno.test("the first failure fails the list, names its input and ends the other requests", async () => {
  const { bedrock, response, expectSettled } = post({ model: "titan", input: NUMBERS });
  await bedrock.call(7);
  const failing = bedrock.calls.find((call) => textOf(call) === "3");
  failing?.answerWhole(400, '{"message":"Too many input tokens."}', {
    "x-amzn-errortype": "ValidationException",
  });
  const answer = await response;
  equal(answer.status, 400);
  const { error } = await answer.json();
  equal(error.param, "input[3]");
  match(error.message, /Too many input tokens/);
  equal(bedrock.calls.length, 8);
  deepEqual(
    bedrock.calls.map((call) => call.init.signal.aborted),
    bedrock.calls.map((call) => call !== failing),
  );
  await expectSettled(1);
});

Deno.test("a further attempt sends only unanswered inputs, and never asks a model with other vectors", async () => {
  const inputs = NUMBERS.slice(0, 9);
  const { bedrock, response, expectSettled } = post({ model: "spread", input: inputs });
  await bedrock.call(7);
  const [first, second] = bedrock.calls as [ScriptedCall, ScriptedCall];
  answerTitan(second);
  // The ninth is sent once the second has been read.
  await bedrock.call(8);
  first.answerWhole(429, '{"message":"Too many requests"}', { "x-amzn-errortype": "ThrottlingException" });
  await bedrock.call(16);
  const again = bedrock.calls.slice(9);
  deepEqual(new Set(again.map(({ url }) => new URL(url).host)), new Set([WEST_HOST]));
  deepEqual(again.map(textOf).sort(), inputs.filter((each) => each !== textOf(second)));
  for (const call of again) answerTitan(call);
  const answer = await response;
  const { data } = await answer.json();
  deepEqual(
    data.map((each: { embedding: number[] }) => each.embedding),
    inputs.map((each) => [Number(each)]),
  );
  equal(answer.headers.get("x-adit-target"), "west");
  await expectSettled(1);
});

Deno.test("a client that leaves ends every request", async () => {
  const { bedrock, response, leave, expectSettled } = post({ model: "titan", input: NUMBERS });
  await bedrock.call(7);
  leave();
  equal((await response).status, 499);
  ok(bedrock.calls.every((call) => call.init.signal.aborted));
  await expectSettled(1);
});

Deno.test("an answer without a vector for each input is an error", async () => {
  const { bedrock, response } = post({ model: "cohere", input: ["a", "b"] });
  (await bedrock.call(0)).answerWhole(200, '{"embeddings":{"float":[[1]]}}');
  const answer = await response;
  equal(answer.status, 502);
  equal((await answer.json()).error.code, "upstream_protocol");
});

Deno.test("a refusal with status 200 is a refusal, without the account's identifiers", async () => {
  const { bedrock, response } = post({ model: "pictures", input: [{ text: "a" }, { text: "b" }] });
  await bedrock.call(1);
  const message = "Too long for arn:aws:bedrock:us-east-1:123456789012:custom-model/x.";
  bedrock.calls.find((call) => textOf(call) === "b")?.answerWhole(
    200,
    JSON.stringify({ embedding: null, message }),
  );
  const answer = await response;
  equal(answer.status, 400);
  const { error } = await answer.json();
  equal(error.param, "input[1]");
  ok(!error.message.includes("123456789012"));
  match(error.message, /^Too long/);
});

Deno.test("a wrong size is refused before any request", async () => {
  const { bedrock, response } = post({ model: "titan", input: NUMBERS, dimensions: 100 });
  equal((await response).status, 400);
  equal(bedrock.calls.length, 0);
});
