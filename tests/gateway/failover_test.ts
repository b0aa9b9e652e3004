/** Failover through the whole pipeline, as callers, the upstream and the log see it. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setImmediate } from "node:timers";
import { DIRECT } from "../../lib/snapshot/plan.ts";
import { AFTER_CLIENT_LEFT, type Model, type Routing } from "../../lib/snapshot/snapshot.ts";
import { converseFrames, eventFrame, exceptionFrame, invokeFrames } from "../fakes/frames.ts";
import { type SendOptions, startGateway } from "../fakes/gateway.ts";
import { caller, modelTarget, native, provider, snapshot } from "../fakes/snapshot.ts";
import { ANSWER, CHAT } from "./requests.ts";

const EAST = provider("east", "us-east-1");
const WEST = provider("west", "us-west-2");
const CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

const ROUTING: Routing = {
  ...DIRECT,
  retry: { attempts: 3, share: 0.2, backoffMs: 200, backoffMaxMs: 5_000, retryAfterMaxMs: 10_000 },
  commitWithinMs: 15_000,
  afterClientLeft: "abort",
};

function twoTargets(
  routing: Partial<Routing> = {},
  ids: readonly [string, string] = [CLAUDE, CLAUDE],
): Model {
  const target = (from: typeof EAST, id: string, priority: number) => ({
    ...modelTarget("m", from, id),
    priority,
  });
  return {
    name: "m",
    targets: [target(EAST, ids[0], 0), target(WEST, ids[1], 1)],
    routing: { ...ROUTING, ...routing },
  };
}

const TEAM = caller("team", { models: ["m"], native: native(["us-east-1", "us-west-2"]) });

function start(model: Model = twoTargets(), team = TEAM) {
  const gateway = startGateway(snapshot({ models: [model], callers: [team] }));
  const headers = { authorization: `Bearer ${team.key}` };
  return {
    ...gateway,
    logLines: () => gateway.logLines(),
    expectSettled: (requests: number) => gateway.expectSettled(requests),
    ask: (path: string, body: object, options: SendOptions = {}) =>
      gateway.send(path, {
        ...options,
        headers: { ...headers, ...options.headers },
        body: JSON.stringify(body),
      }),
    /** The host of each request to the upstream. */
    hosts: () => gateway.bedrock.calls.map(({ url }) => new URL(url).host.split(".")[1]),
  };
}

/** Lets everything that is ready to run do so. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const QUESTION = { model: "m", max_tokens: 50, messages: [{ role: "user", content: "Hi" }] };
const NATIVE = { messages: [{ role: "user", content: [{ text: "Hi" }] }] };

const WAYS: readonly (readonly [path: string, body: object])[] = [
  [CHAT, QUESTION],
  ["/model/m/converse", NATIVE],
];

for (const [path, body] of WAYS) {
  Deno.test(`${path}: the next target answers for one that is throttled, and the log names both`, async () => {
    const { ask, bedrock, hosts, logLines, expectSettled } = start();
    const { response } = ask(path, body);
    (await bedrock.call(0)).answerWhole(429, "{}", {
      "x-amzn-errortype": "ThrottlingException",
      "x-amzn-requestid": "r-0",
    });
    (await bedrock.call(1)).answerWhole(200, ANSWER, { "x-amzn-requestid": "r-1" });
    const answer = await response;
    match(await answer.text(), /Hello/);
    deepEqual(hosts(), ["us-east-1", "us-west-2"]);
    deepEqual(
      ["x-adit-target", "x-adit-attempts", "x-adit-tried"].map((name) => answer.headers.get(name)),
      ["west", "2", "east:rate_limit_exceeded"],
    );
    const [line] = await logLines();
    deepEqual([line?.["status"], line?.["target"], line?.["upstream_request_id"]], [200, "west", "r-1"]);
    deepEqual(line?.["attempts"], [
      { target: "east", error: "rate_limit_exceeded", ms: 0, upstream_request_id: "r-0" },
      { target: "west", ms: 0, upstream_request_id: "r-1" },
    ]);
    await expectSettled(1);
  });

  Deno.test(`${path}: the last refusal is the caller's, and clients need not repeat what was tried`, async () => {
    const { ask, bedrock, expectSettled } = start();
    const { response } = ask(path, body);
    (await bedrock.call(0)).fail();
    const refusal = JSON.stringify({ message: "down" });
    (await bedrock.call(1)).answerWhole(500, refusal, { "x-amzn-errortype": "InternalServerException" });
    // The last target is tried again, after a pause that the random number 0 makes empty.
    (await bedrock.call(2)).answerWhole(500, refusal, { "x-amzn-errortype": "InternalServerException" });
    const answer = await response;
    ok(answer.status >= 500);
    equal(answer.headers.get("x-adit-attempts"), "3");
    await answer.text();
    await expectSettled(1);
  });

  Deno.test(`${path}: what is wrong with the request is wrong everywhere`, async () => {
    const { ask, bedrock, hosts } = start();
    const { response } = ask(path, body);
    const refusal = JSON.stringify({ message: "The model returned the following errors: no" });
    (await bedrock.call(0)).answerWhole(400, refusal, { "x-amzn-errortype": "ValidationException" });
    equal((await response).status, 400);
    deepEqual(hosts(), ["us-east-1"]);
  });
}

const FRAMES = converseFrames("Hello");
const OVERLOADED = exceptionFrame("serviceUnavailableException", "busy");
const CLAUDE_START = { type: "message_start", message: { usage: {} } };
const CLAUDE_CHUNKS = [
  CLAUDE_START,
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } },
  { type: "message_stop" },
];

interface StreamCase {
  readonly path: string;
  readonly body: object;
  /** The frames before the first content. */
  readonly opening: readonly Uint8Array<ArrayBuffer>[];
  readonly whole: readonly Uint8Array<ArrayBuffer>[];
}

const STREAMS: readonly StreamCase[] = [
  {
    path: CHAT,
    body: { ...QUESTION, stream: true },
    opening: FRAMES.slice(0, 1),
    whole: FRAMES,
  },
  {
    path: "/v1/messages",
    body: { ...QUESTION, stream: true },
    opening: invokeFrames(...CLAUDE_CHUNKS.slice(0, 2)),
    whole: invokeFrames(...CLAUDE_CHUNKS),
  },
  { path: "/model/m/converse-stream", body: NATIVE, opening: FRAMES.slice(0, 1), whole: FRAMES },
  {
    path: "/model/m/invoke-with-response-stream",
    body: QUESTION,
    opening: invokeFrames(...CLAUDE_CHUNKS.slice(0, 2)),
    whole: invokeFrames(...CLAUDE_CHUNKS),
  },
];

/** An answer decoded as text; the words inside binary frames remain readable. */
async function textOf(answer: Response): Promise<string> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return new TextDecoder().decode(bytes) + decodedChunks(bytes);
}

function decodedChunks(bytes: Uint8Array): string {
  const text = new TextDecoder("latin1").decode(bytes);
  return [...text.matchAll(/"bytes":"([^"]+)"/g)].map(([, base64 = ""]) => atob(base64)).join("");
}

for (const { path, body, opening, whole } of STREAMS) {
  Deno.test(`${path}: a stream that breaks before its content comes from the next target, whole`, async () => {
    const { ask, bedrock, hosts, expectSettled } = start();
    const { response } = ask(path, body);
    const first = (await bedrock.call(0)).answer(200);
    first.push(...opening, OVERLOADED);
    first.end();
    const second = (await bedrock.call(1)).answer(200);
    second.push(...whole);
    second.end();
    const text = await textOf(await response);
    equal(text.match(/Hello/g)?.length, 1);
    equal(/busy|error/.test(text), false, text);
    deepEqual(hosts(), ["us-east-1", "us-west-2"]);
    await expectSettled(1);
  });

  Deno.test(`${path}: a stream that breaks after its content ends with an error, never with another's text`, async () => {
    const { ask, bedrock, hosts, logLines } = start();
    const { response } = ask(path, body);
    const first = (await bedrock.call(0)).answer(200);
    first.push(...whole.slice(0, 3));
    const answer = await response;
    first.fail();
    const text = await textOf(answer);
    match(text, /error|exception/i);
    deepEqual(hosts(), ["us-east-1"]);
    equal((await logLines())[0]?.["error"], "stream_truncated");
  });

  Deno.test(`${path}: a stream is held back no longer than commit_within`, async () => {
    const { ask, bedrock, advance, hosts, expectSettled } = start();
    const { response } = ask(path, body);
    const first = (await bedrock.call(0)).answer(200);
    first.push(...opening);
    await first.pulled(2);
    advance(15_100);
    const answer = await response;
    first.push(...whole.slice(opening.length));
    first.end();
    match(await textOf(answer), /Hello/);
    deepEqual(hosts(), ["us-east-1"]);
    await expectSettled(1);
  });

  Deno.test(`${path}: a stream is held back for no more than 64 frames or 256 KiB`, async () => {
    const unknown = (size: number) => eventFrame("news", { text: "x".repeat(size) });
    for (const pieces of [Array.from({ length: 63 }, () => unknown(1)), [unknown(256 * 1024)]]) {
      const { ask, bedrock, hosts, expectSettled } = start();
      const { response } = ask(path, body);
      const first = (await bedrock.call(0)).answer(200);
      first.push(...opening, ...pieces);
      // The clock stands still, so it is the last frame that lets the answer begin.
      const answer = await response;
      first.push(...whole.slice(opening.length));
      first.end();
      match(await textOf(answer), /Hello/);
      deepEqual(hosts(), ["us-east-1"]);
      await expectSettled(1);
    }
  });

  Deno.test(`${path}: a target that is silent for first_token is left for the next`, async () => {
    const { ask, bedrock, advance, hosts, expectSettled } = start(twoTargets({ firstTokenMs: 5_000 }));
    const { response } = ask(path, body);
    const first = (await bedrock.call(0)).answer(200);
    first.push(...opening);
    await first.pulled(2);
    advance(5_100);
    const second = (await bedrock.call(1)).answer(200);
    second.push(...whole);
    second.end();
    match(await textOf(await response), /Hello/);
    deepEqual(hosts(), ["us-east-1", "us-west-2"]);
    await expectSettled(1);
  });
}

Deno.test("a client that leaves ends the attempt, and no other target is tried", async () => {
  const { ask, bedrock, hosts, logLines } = start();
  const { response, leave } = ask(CHAT, QUESTION);
  await bedrock.call(0);
  leave();
  await response;
  deepEqual(hosts(), ["us-east-1"]);
  const [line] = await logLines();
  // Bedrock may finish the response, which is at most as long as the request allows.
  deepEqual([line?.["error"], line?.["output_tokens"], line?.["estimated"]], ["client_gone", 50, true]);
});

for (const afterClientLeft of AFTER_CLIENT_LEFT) {
  Deno.test(`a client that leaves while a refused request waits for its retry uses nothing: ${afterClientLeft}`, async () => {
    const model = twoTargets({ afterClientLeft });
    const { ask, bedrock, logLines, advance, pipeline } = start({ ...model, targets: [model.targets[0]] });
    const { response, leave } = ask(CHAT, QUESTION);
    (await bedrock.call(0)).answerWhole(429, "{}", {
      "x-amzn-errortype": "ThrottlingException",
      "retry-after": "5",
    });
    while (pipeline.oldest(1).requests[0]?.failedAttempts !== 1) await turn();
    leave();
    await turn();
    advance(5_000);
    await response;
    const [line] = await logLines();
    deepEqual([line?.["error"], line?.["output_tokens"], line?.["estimated"]], [
      "client_gone",
      undefined,
      undefined,
    ]);
    equal(bedrock.calls.length, 1);
  });
}

Deno.test("a request past its deadline tries no further target", async () => {
  const timeouts = { ...snapshot().timeouts, totalMs: 1_000 };
  const gateway = startGateway(snapshot({ models: [twoTargets()], callers: [TEAM], timeouts }));
  const { response } = gateway.send(CHAT, {
    headers: { authorization: `Bearer ${TEAM.key}` },
    body: JSON.stringify(QUESTION),
  });
  await gateway.bedrock.call(0);
  gateway.advance(1_001);
  equal((await response).status, 504);
  const [line] = await gateway.logLines();
  equal(JSON.stringify(line?.["attempts"]).includes("west"), false);
});

Deno.test("while every target rests, the response says when to retry", async () => {
  const { ask, bedrock, advance, logLines } = start();
  const { response } = ask(CHAT, QUESTION);
  for (const index of [0, 1]) {
    (await bedrock.call(index)).answerWhole(429, "{}", {
      "x-amzn-errortype": "ThrottlingException",
      "retry-after": "30",
    });
  }
  equal((await response).status, 429);
  advance(1_000);
  const answer = await ask(CHAT, QUESTION).response;
  deepEqual([answer.status, answer.headers.get("retry-after")], [503, "29"]);
  equal((await answer.json()).error.code, "no_target");
  equal(bedrock.calls.length, 2);
  const [, line] = await logLines();
  deepEqual(line?.["passed_over"], [
    "east: resting after rate_limit_exceeded",
    "west: resting after rate_limit_exceeded",
  ]);
});

Deno.test("a failed request reports which targets were skipped because they rest", async () => {
  const { ask, bedrock, logLines } = start();
  const first = ask(CHAT, QUESTION);
  (await bedrock.call(0)).answerWhole(429, "{}", {
    "x-amzn-errortype": "ThrottlingException",
    "retry-after": "30",
  });
  (await bedrock.call(1)).answerWhole(200, ANSWER);
  equal((await first.response).status, 200);
  const second = ask(CHAT, QUESTION);
  (await bedrock.call(2)).answerWhole(400, "{}", { "x-amzn-errortype": "ValidationException" });
  equal((await second.response).status, 400);
  const [answered, failed] = await logLines();
  equal(answered?.["passed_over"], undefined);
  deepEqual(failed?.["passed_over"], ["east: resting after rate_limit_exceeded"]);
});

/** This answer of the assistant cannot be sent to another family unchanged. */
const THINKING = {
  ...QUESTION,
  messages: [
    { role: "user", content: "Hi" },
    {
      role: "assistant",
      content: [{ type: "thinking", thinking: "hm", signature: "c2ln" }, { type: "text", text: "Hello" }],
    },
    { role: "user", content: "And?" },
  ],
};

Deno.test("a target of another family is skipped if the request would lose something", async () => {
  const { ask, bedrock, hosts, logLines } = start(twoTargets({}, [CLAUDE, "amazon.nova-lite-v1:0"]));
  const denied = { "x-amzn-errortype": "AccessDeniedException" };
  const refused = ask("/v1/messages", THINKING);
  (await bedrock.call(0)).answerWhole(403, "{}", denied);
  equal((await refused.response).status, 403);
  match(String((await logLines()).at(-1)?.["passed_over"]), /^west: would lose messages/);

  // The first target is resting: requests that the second can serve without loss go there, and the others wait.
  const served = ask("/v1/messages", QUESTION);
  (await bedrock.call(1)).answerWhole(200, ANSWER);
  equal((await served.response).status, 200);
  equal((await ask("/v1/messages", THINKING).response).status, 529);
  deepEqual(hosts(), ["us-east-1", "us-west-2"]);
});

Deno.test("a target that is skipped after each attempt is logged once", async () => {
  const { ask, bedrock, logLines } = start(twoTargets({}, [CLAUDE, "amazon.nova-lite-v1:0"]));
  const unavailable = { "x-amzn-errortype": "ServiceUnavailableException" };
  const { response } = ask("/v1/messages", THINKING);
  (await bedrock.call(0)).answerWhole(503, "{}", unavailable);
  (await bedrock.call(1)).answerWhole(503, "{}", unavailable);
  equal((await response).status, 529);
  const passedOver = (await logLines()).at(-1)?.["passed_over"];
  equal(Array.isArray(passedOver) ? passedOver.length : 0, 1, String(passedOver));
});

Deno.test("missing access to a target is logged once, with the line of the file to fix", async () => {
  const { ask, bedrock, logLines } = start();
  for (const index of [0, 1]) {
    const { response } = ask(CHAT, QUESTION);
    if (index === 0) {
      (await bedrock.call(0)).answerWhole(403, "{}", { "x-amzn-errortype": "AccessDeniedException" });
    }
    (await bedrock.call(index + 1)).answerWhole(200, ANSWER);
    await (await response).text();
  }
  const warnings = (await logLines()).filter(({ level }) => level === "warn");
  deepEqual(warnings.map(({ message, setting, error }) => [message, setting, error]), [
    ["target is not usable", "models.m (adit.yaml:1)", "permission_denied"],
  ]);
});

Deno.test("native requests stay in the region of their path and in the regions of the caller", async () => {
  const inPath = start();
  inPath.ask("/aws-bedrock/bedrock-runtime/us-west-2/model/m/converse", NATIVE);
  await inPath.bedrock.call(0);
  deepEqual(inPath.hosts(), ["us-west-2"]);

  const limited = start(twoTargets(), caller("team", { models: ["m"], native: native(["us-west-2"]) }));
  limited.ask("/model/m/converse", NATIVE);
  await limited.bedrock.call(0);
  deepEqual(limited.hosts(), ["us-west-2"]);
});

Deno.test("a caller whose requests must stay in a geography never reaches a target outside it", async () => {
  const both = twoTargets({}, [CLAUDE, "global.anthropic.claude-haiku-4-5-20251001-v1:0"]);
  const { ask, bedrock, hosts } = start(both, caller("team", { models: ["m"], dataResidency: ["us"] }));
  const { response } = ask(CHAT, QUESTION);
  for (const attempt of [0, 1, 2]) {
    (await bedrock.call(attempt)).answerWhole(429, "{}", { "x-amzn-errortype": "ThrottlingException" });
  }
  equal((await response).status, 429);
  deepEqual(new Set(hosts()), new Set(["us-east-1"]));
  const nowhere = start(both, caller("team", { models: ["m"], dataResidency: ["eu"] }));
  equal((await nowhere.ask(CHAT, QUESTION).response).status, 403);
});
