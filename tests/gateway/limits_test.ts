/** Rate limits through the whole pipeline: what callers see, what is taken, and what is given back. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { RateLimit } from "../../lib/snapshot/limits.ts";
import { USAGE } from "../fakes/frames.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, type KeyedCaller, model, native, provider, snapshot } from "../fakes/snapshot.ts";
import { rule } from "../suites/limit_rules.ts";
import { ANSWER, CHAT, chatBody } from "./requests.ts";

const EAST = provider("east", "us-east-1");
const MODELS = [model("haiku", EAST), model("opus", EAST)];
const ONE = caller("one", { models: ["*"], team: "red", native: native(["us-east-1"]) });
const TWO = caller("two", { models: ["*"], team: "red" });
const OTHER = caller("other", { models: ["*"], tags: { stage: "test" } });

interface Post {
  readonly as?: KeyedCaller;
  readonly path?: string;
  readonly body?: string;
}

function configuration(rateLimits: readonly RateLimit[]) {
  return snapshot({ models: MODELS, callers: [ONE, TWO, OTHER], rateLimits });
}

function start(...rules: readonly RateLimit[]) {
  const gateway = startGateway(configuration(rules));
  const { bedrock } = gateway;
  const send = ({ as = ONE, path = CHAT, body = chatBody() }: Post = {}) =>
    gateway.send(path, { headers: { authorization: `Bearer ${as.key}` }, body });
  return {
    bedrock,
    advance: gateway.advance,
    ask: send,
    logLines: () => gateway.logLines(),
    expectSettled: (requests: number) => gateway.expectSettled(requests),
    limits: gateway.limits,
    pipeline: gateway.pipeline,
    /** Sends a request that is refused before it reaches the upstream. */
    async refused(post: Post = {}): Promise<{ response: Response; body: string }> {
      const before = bedrock.calls.length;
      const response = await send(post).response;
      equal(bedrock.calls.length, before, "the upstream was asked");
      return { response, body: await response.text() };
    },
    /** Sends a request that the upstream answers; returns the response. */
    async served(post: Post = {}, answer = ANSWER): Promise<Response> {
      const index = bedrock.calls.length;
      const { response } = send(post);
      const call = await Promise.race([bedrock.call(index), response]);
      if (call instanceof Response) throw new Error(`refused: ${await call.text()}`);
      call.answerWhole(200, answer, { "content-type": "application/json" });
      return await response;
    },
  };
}

const MESSAGES = {
  path: "/v1/messages",
  body: JSON.stringify({ model: "haiku", max_tokens: 50, messages: [{ role: "user", content: "Hi" }] }),
};
const NATIVE = {
  path: "/model/anthropic.haiku-v1:0/converse",
  body: JSON.stringify({ messages: [{ role: "user", content: [{ text: "Hi" }] }] }),
};
const CLAUDE_ANSWER = JSON.stringify({
  id: "msg_1",
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: "Hello" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 5, output_tokens: 2 },
});

Deno.test("a request over the rate gets 429 with the rule, the limit and the time to wait", async () => {
  const { served, refused, advance } = start(rule("slow", { requests: "2/m" }));
  await served();
  await served();
  const { response, body } = await refused();
  equal(response.status, 429);
  deepEqual(JSON.parse(body).error, {
    message:
      'refused by this gateway: rate limit "slow" allows 2 requests per minute for each caller; retry in 30 s',
    type: "requests",
    param: null,
    code: "rate_limit_exceeded",
  });
  const headers = Object.fromEntries(response.headers);
  equal(headers["retry-after"], "30");
  equal(headers["retry-after-ms"], "30000");
  equal(headers["x-should-retry"], "true");
  equal(headers["x-adit-limit"], "slow;requests");
  equal(headers["x-ratelimit-limit-requests"], "2");
  equal(headers["x-ratelimit-remaining-requests"], "0");
  equal(headers["x-ratelimit-reset-requests"], "1m0s");
  advance(29_999);
  await refused();
  advance(1);
  await served();
});

Deno.test("a client that waits for as long as the refusal says is served", async () => {
  const { served, refused, advance } = start(
    rule("minute", { requests: "3/m", burstMs: 20_000 }),
    rule("hour", { requests: "30/h", burstMs: 1_000 }),
  );
  await served();
  const { response } = await refused();
  equal(response.headers.get("x-adit-limit"), "hour;requests", "the rule that takes longest");
  advance(Number(response.headers.get("retry-after-ms")));
  await served();
});

Deno.test("a daily rate can be used at once, and then refills over the day", async () => {
  const { served, refused, advance } = start(rule("daily", { requests: "4/d" }));
  for (let count = 0; count < 4; count++) await served();
  const { response, body } = await refused();
  match(body, /rate limit \\"daily\\" allows 4 requests per day for each caller; retry in 21600 s/);
  equal(response.headers.get("retry-after"), "21600");
  equal(response.headers.get("x-ratelimit-reset-requests"), "24h0m0s");
  equal(response.headers.get("x-should-retry"), "false", "no client is to wait for hours");
  advance(21_600_000 - 1);
  await refused();
  advance(1);
  await served();
  await refused();
});

Deno.test("a client is told to retry only if it has to wait for at most 10 minutes", async () => {
  for (const [requests, expected] of [["6/h", "true"], ["5/h", "false"]] as const) {
    const { served, refused } = start(rule("hourly", { requests, burstMs: 1_000 }));
    await served();
    const { response } = await refused();
    equal(response.headers.get("x-should-retry"), expected, requests);
  }
});

Deno.test("every rate of a list applies, each with its own burst", async () => {
  const { served, refused, advance, limits } = start(rule("both", { requests: ["2/m", "5/d"] }));
  const left = () => limits.view().map(({ periodMs, remaining }) => [periodMs, remaining]);
  deepEqual(left(), [[60_000, 2], [86_400_000, 5]], "nobody has used it");
  await served();
  const { headers } = await served();
  equal(headers.get("x-ratelimit-limit-requests"), "2", "the rate with least left");
  match((await refused()).body, /allows 2 requests per minute/);
  deepEqual(left(), [[60_000, 0], [86_400_000, 3]], "a refused request has taken nothing");
  advance(60_000);
  await served();
  await served();
  advance(60_000);
  await served();
  match((await refused()).body, /allows 5 requests per day/);
  deepEqual(left(), [[60_000, 1], [86_400_000, 0]]);
});

Deno.test("a reload keeps what was used of each rate of a list", async () => {
  const { served, refused, limits } = start(rule("both", { requests: ["2/m", "5/d"] }));
  await served();
  await served();
  limits.use(configuration([rule("both", { requests: ["100/m", "5/d"] })]));
  for (let count = 0; count < 3; count++) await served();
  match((await refused()).body, /allows 5 requests per day/);
  limits.use(configuration([rule("both", { requests: ["100/m", "6/d"] })]));
  await served();
  await refused();
});

Deno.test("responses report the rate with the least left", async () => {
  const { served } = start(
    rule("wide", { requests: "100/m", tokens: "1M/m" }),
    rule("narrow", { requests: "10/m" }),
  );
  const { headers } = await served();
  equal(headers.get("x-ratelimit-limit-requests"), "10");
  equal(headers.get("x-ratelimit-remaining-requests"), "9");
  equal(headers.get("x-ratelimit-reset-requests"), "6s");
  equal(headers.get("x-ratelimit-limit-tokens"), "1000000");
  match(headers.get("x-ratelimit-reset-tokens") ?? "", /^\d+ms$/);
});

Deno.test("responses of Messages report the rates in Anthropic's headers", async () => {
  const { served, refused } = start(
    rule("all", { requests: "1/m", tokens: "1M/m" }),
    rule("input", { tokens: "5k/m", weights: { output: 0 } }),
    rule("output", { tokens: "6k/m", weights: { input: 0, cacheWrite: 0 } }),
  );
  const { headers } = await served(MESSAGES, CLAUDE_ANSWER);
  deepEqual(
    [...headers].filter(([name]) => /^anthropic-ratelimit-.*-limit$/.test(name)).sort(),
    [
      ["anthropic-ratelimit-input-tokens-limit", "5000"],
      ["anthropic-ratelimit-output-tokens-limit", "6000"],
      ["anthropic-ratelimit-requests-limit", "1"],
      ["anthropic-ratelimit-tokens-limit", "1000000"],
    ],
  );
  equal(headers.get("anthropic-ratelimit-requests-remaining"), "0");
  equal(headers.get("anthropic-ratelimit-requests-reset"), "2026-11-20T09:01:00Z");
  const { response, body } = await refused(MESSAGES);
  equal(response.status, 429);
  equal(JSON.parse(body).error.type, "rate_limit_error");
  equal(response.headers.get("anthropic-ratelimit-requests-remaining"), "0");
});

Deno.test("a refusal on Bedrock's own API is AWS's exception for throttling", async () => {
  const { served, refused } = start(rule("slow", { requests: "1/m" }));
  const { headers } = await served(NATIVE);
  deepEqual([...headers].filter(([name]) => name.includes("ratelimit")), []);
  const { response, body } = await refused(NATIVE);
  equal(response.status, 429);
  equal(response.headers.get("x-amzn-errortype"), "ThrottlingException");
  match(JSON.parse(body).message, /^refused by this gateway: rate limit "slow"/);
});

interface Sharing {
  readonly name: string;
  readonly rule: RateLimit;
  readonly first: Post;
  readonly shared: readonly Post[];
  readonly own: readonly Post[];
}

const OPUS = { body: chatBody({ model: "opus" }) };

const SHARING: readonly Sharing[] = [
  {
    name: "each caller",
    rule: rule("r", { requests: "1/m", each: "caller" }),
    first: {},
    shared: [OPUS, NATIVE],
    own: [{ as: TWO }],
  },
  {
    name: "each team, and all callers without a team",
    rule: rule("r", { requests: "1/m", each: "team" }),
    first: {},
    shared: [{ as: TWO }],
    own: [{ as: OTHER }],
  },
  {
    name: "each model",
    rule: rule("r", { requests: "1/m", each: "model" }),
    first: {},
    shared: [{ as: OTHER }, NATIVE],
    own: [OPUS],
  },
  {
    name: "each caller and model",
    rule: rule("r", { requests: "1/m", each: "caller_model" }),
    first: {},
    shared: [NATIVE],
    own: [OPUS, { as: TWO }],
  },
  {
    name: "all callers together",
    rule: rule("r", { requests: "1/m", each: "none" }),
    first: {},
    shared: [{ as: TWO }, { as: OTHER, ...OPUS }],
    own: [],
  },
  {
    name: "only the callers of a team",
    rule: rule("r", { requests: "1/m", each: "none", scope: { teams: ["red"] } }),
    first: {},
    shared: [{ as: TWO }],
    own: [{ as: OTHER }, { as: OTHER }],
  },
  {
    name: "only callers with a tag",
    rule: rule("r", { requests: "1/m", scope: { tags: { stage: ["t*"] } } }),
    first: { as: OTHER },
    shared: [{ as: OTHER, ...OPUS }],
    own: [{}, {}],
  },
  {
    name: "only one model, even if it is requested by its id",
    rule: rule("r", { requests: "1/m", scope: { models: ["ha*"] } }),
    first: NATIVE,
    shared: [{}],
    own: [OPUS, OPUS],
  },
];

for (const { name, rule, first, shared, own } of SHARING) {
  Deno.test(`an allowance of ${name}`, async () => {
    const { served, refused } = start(rule);
    await served(first);
    for (const post of shared) equal((await refused(post)).response.status, 429, JSON.stringify(post));
    for (const post of own) equal((await served(post)).status, 200, JSON.stringify(post));
  });
}

Deno.test("a refused request uses nothing from any rule", async () => {
  const { served, refused, limits, advance } = start(
    rule("requests", { requests: "2/m" }),
    rule("tokens", { tokens: "2k/m", concurrent: 5 }),
  );
  const long = { body: chatBody({ messages: [{ role: "user", content: "word ".repeat(1200) }] }) };
  await served();
  for (let index = 0; index < 20; index++) {
    equal((await refused(long)).response.headers.get("x-adit-limit"), "tokens;tokens");
  }
  equal(limits.status().held, 0);
  await served();
  advance(1);
  equal((await refused()).response.headers.get("x-adit-limit"), "requests;requests");
});

Deno.test("tokens are reserved, and replaced by what Bedrock reports", async () => {
  const { ask, bedrock, limits, expectSettled } = start(rule("t", { tokens: "100k/m", reserveOutput: 300 }));
  const { response } = ask({ body: chatBody({ max_tokens: 5000 }) });
  const call = await bedrock.call(0);
  ok(limits.status().held >= 300 && limits.status().held < 400, String(limits.status().held));
  call.answerWhole(200, ANSWER, { "content-type": "application/json" });
  const { headers } = await response;
  equal(headers.get("x-ratelimit-limit-tokens"), "100000");
  await expectSettled(1);
  const { response: next } = ask();
  (await bedrock.call(1)).answerWhole(200, ANSWER, { "content-type": "application/json" });
  const left = Number((await next).headers.get("x-ratelimit-remaining-tokens"));
  // The first has used its 12 tokens, the second reserves 300 and a few.
  ok(left < 100_000 - 300 - 12 && left > 100_000 - 400 - 12, String(left));
  equal(USAGE.inputTokens + USAGE.outputTokens > 0, true);
});

Deno.test("a request without max_tokens is counted, and max_tokens limits the reservation", async () => {
  const { ask, bedrock, limits } = start(rule("t", { tokens: "100k/m" }));
  void ask();
  await bedrock.call(0);
  const whole = limits.status().held;
  ok(whole > 1024, String(whole));
  void ask({ body: chatBody({ max_tokens: 10 }) });
  await bedrock.call(1);
  ok(limits.status().held - whole < 100, String(limits.status().held));
});

Deno.test("a request that needs more than can ever be taken at once passes when nothing is used", async () => {
  const { served, refused, advance, logLines } = start(rule("t", { tokens: "100/m" }));
  await served({}, ANSWER.replace(/"outputTokens":\d+/, '"outputTokens":500'));
  // The first refusal is made before the request's size is known, the second one after.
  for (let times = 0; times < 2; times++) {
    const { response } = await refused();
    equal(response.headers.get("x-adit-limit"), "t;tokens");
    advance(Number(response.headers.get("retry-after-ms")));
  }
  await served();
  const warnings = (await logLines()).filter(({ level }) => level === "warn");
  deepEqual(warnings.map(({ limit }) => limit), ["t"]);
});

Deno.test("concurrent requests: the slot is free when the response has ended", async () => {
  const { ask, bedrock, refused, served, limits } = start(rule("few", { concurrent: 1 }));
  const { response } = ask();
  const call = await bedrock.call(0);
  const { response: refusal, body } = await refused();
  equal(refusal.status, 429);
  equal(JSON.parse(body).error.code, "concurrency_limit_exceeded");
  equal(refusal.headers.get("x-adit-limit"), "few;concurrent");
  call.answerWhole(200, ANSWER, { "content-type": "application/json" });
  await response;
  equal(limits.status().held, 0);
  await served();
});

Deno.test("a rule in shadow refuses nothing and reports what it would refuse", async () => {
  const { served, logLines, limits } = start(
    rule("trial", { requests: "1/m", concurrent: 5, mode: "shadow" }),
  );
  const first = await served();
  equal(first.headers.get("x-ratelimit-limit-requests"), null);
  await served();
  await served();
  deepEqual((await logLines()).map(({ shadow_limits }) => shadow_limits), [
    undefined,
    ["trial;requests"],
    ["trial;requests"],
  ]);
  deepEqual(limits.status(), { held: 0, rules: { trial: { mode: "shadow", refused: 0, would_refuse: 2 } } });
});

Deno.test("a caller over a limit is refused before its body is read", async () => {
  const { served, pipeline } = start(rule("slow", { requests: "1/m" }));
  await served();
  let read = false;
  const body = new ReadableStream({
    pull: () => {
      read = true;
      return new Promise(() => {});
    },
  }, { highWaterMark: 0 });
  const request = new Request(`http://adit.test${CHAT}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ONE.key}` },
    body,
    duplex: "half",
  } as RequestInit);
  const connection = {
    target: CHAT,
    clientGone: new AbortController().signal,
    remoteAddress: "192.0.2.7",
    truncatesStreams: false,
  };
  equal((await pipeline.handle(request, connection)).status, 429);
  equal(read, false);
});

Deno.test("requests that run no model use no tokens, and lists of models use nothing", async () => {
  const { served, limits } = start(rule("r", { requests: "100/m", tokens: "1/m" }));
  await served(
    { path: "/model/anthropic.haiku-v1:0/count-tokens", body: '{"input":{}}' },
    '{"inputTokens":1}',
  );
  const { headers } = await served(
    { path: "/model/anthropic.haiku-v1:0/count-tokens", body: '{"input":{}}' },
    '{"inputTokens":1}',
  );
  equal(headers.get("content-type"), "application/json");
  equal(limits.status().held, 0);
});

Deno.test("an operation whose tokens Bedrock does not report is refused to callers with a token limit", async () => {
  const tokens = start(rule("t", { tokens: "1M/m" }));
  const post = {
    path: "/async-invoke",
    body: JSON.stringify({ modelId: "anthropic.haiku-v1:0", modelInput: {} }),
  };
  const { response, body } = await tokens.refused(post);
  equal(response.status, 403);
  equal(response.headers.get("x-should-retry"), "false");
  equal(response.headers.get("x-amzn-errortype"), "AccessDeniedException");
  match(JSON.parse(body).message, /by this gateway: rate limit "t" limits tokens/);
  equal((await start(rule("r", { requests: "1/m" })).served(post, '{"invocationArn":"a"}')).status, 200);
});

Deno.test("a reload keeps what has been used, in units, and forgets renamed rules", async () => {
  const { served, refused, limits, pipeline } = start(rule("r", { requests: "4/m" }));
  const reload = (...rules: readonly RateLimit[]) => {
    const next = configuration(rules);
    limits.use(next);
    pipeline.use(next);
  };
  await served();
  await served();
  reload(rule("r", { requests: "3/m" }));
  await served();
  await refused();
  reload(rule("r", { requests: "4/m" }), rule("unrelated", { requests: "1k/m" }));
  await served();
  await refused();
  reload(rule("renamed", { requests: "1/m" }));
  await served();
});

Deno.test("a request that is in flight during a reload settles with the current rule", async () => {
  const { ask, bedrock, limits, pipeline, expectSettled } = start(
    rule("r", { tokens: "10k/m", concurrent: 3 }),
  );
  const { response } = ask();
  const call = await bedrock.call(0);
  const next = configuration([rule("r", { tokens: "20k/m", concurrent: 1 })]);
  limits.use(next);
  pipeline.use(next);
  equal((await ask().response).headers.get("x-adit-limit"), "r;concurrent");
  call.answerWhole(200, ANSWER, { "content-type": "application/json" });
  await response;
  await expectSettled(2);
});
