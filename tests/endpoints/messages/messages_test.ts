/** Anthropic's Messages through the pipeline, by InvokeModel and by Converse: addresses, answers, streams, errors, log. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { decodeUtf8 } from "../../../lib/base/bytes.ts";
import { AditError, codeOf, type ErrorKind } from "../../../lib/base/errors.ts";
import { corrupt, errorFrame, eventFrame, exceptionFrame } from "../../fakes/frames.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { snapshot, withSettings } from "../../fakes/snapshot.ts";
import { CONFIG, KEY, MESSAGES, messagesBody, PARTS, type Way, WAYS } from "./requests.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The body that went upstream. */
function sentBody({ init }: { readonly init: { readonly body?: unknown } }) {
  ok(init.body instanceof Uint8Array);
  return JSON.parse(decodeUtf8(init.body));
}

for (const { model, operation, answer } of WAYS) {
  Deno.test(`a message of ${model} goes to ${operation}, and its answer carries the caller's names`, async () => {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send(`${MESSAGES}?beta=true`, {
      headers: KEY,
      body: messagesBody({ model }),
    });
    const call = await gateway.bedrock.call(0);
    equal(new URL(call.url).pathname, operation);
    equal(sentBody(call).model, undefined);
    call.answerWhole(200, answer, { "x-amzn-requestid": "r-1" });
    const { status, headers } = await response;
    equal(status, 200);
    equal(headers.get("content-type"), "application/json");
    equal(headers.get("request-id"), headers.get("x-request-id"));
    match(headers.get("request-id") ?? "", /^req_/);
    equal(headers.has("x-amzn-requestid"), false);
    const message = await (await response).json();
    deepEqual(
      [message.type, message.model, message.content, message.stop_reason],
      ["message", model, [{ type: "text", text: "Hello" }], "end_turn"],
    );
    deepEqual(message.usage, {
      input_tokens: 7,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 2,
      output_tokens: 3,
    });
    const [line] = await gateway.logLines();
    deepEqual(
      ["dialect", "model", "input_tokens", "output_tokens", "cache_read_tokens", "stop_reason"].map((key) =>
        line?.[key]
      ),
      ["anthropic", model, 7, 3, 2, "end_turn"],
    );
    equal(line?.["upstream_request_id"], "r-1");
    await gateway.expectSettled(1);
  });
}

Deno.test("the operator's api decides which Bedrock API is used", async () => {
  for (const [index, api] of (["converse", "invoke"] as const).entries()) {
    const models = (PARTS.models ?? []).map((each) => withSettings(each, { api }));
    const gateway = startGateway(snapshot({ ...PARTS, models }));
    const { model } = WAYS[index] as Way;
    const { response } = gateway.send(MESSAGES, { headers: KEY, body: messagesBody({ model }) });
    const call = await gateway.bedrock.call(0);
    ok(call.url.endsWith(`/${api}`), call.url);
    call.answerWhole(400, "{}", { "x-amzn-requestid": "r-1" });
    equal((await response).status, 400);
  }
});

Deno.test("ignored flags and fields are listed in x-adit-ignored and in the log", async () => {
  const betas = { "anthropic-beta": "context-1m-2025-08-07, files-api-2025-04-14,never-heard-of-2030-01-01" };
  const expected = {
    claude: ["anthropic-beta[files-api-2025-04-14]", "anthropic-beta[never-heard-of-2030-01-01]"],
    nova: ["top_k_of_mine", "anthropic-beta"],
  };
  for (const { model, answer } of WAYS) {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send(MESSAGES, {
      headers: { ...KEY, ...betas },
      body: messagesBody({ model, top_k_of_mine: 1 }),
    });
    const call = await gateway.bedrock.call(0);
    const { anthropic_beta: sent, top_k_of_mine: unknown } = sentBody(call);
    deepEqual([sent, unknown], model === "claude" ? [["context-1m-2025-08-07"], 1] : [undefined, undefined]);
    call.answerWhole(200, answer);
    equal((await response).headers.get("x-adit-ignored"), expected[model].join(", "));
    const [line] = await gateway.logLines();
    deepEqual(line?.["ignored"], expected[model]);
  }
});

Deno.test("a reloaded table of beta flags holds for the next request", async () => {
  const gateway = startGateway(CONFIG);
  const sentFlags = async (index: number) => {
    const headers = { ...KEY, "anthropic-beta": "memory-2025-08-18" };
    const { response } = gateway.send(MESSAGES, { headers, body: messagesBody() });
    const call = await gateway.bedrock.call(index);
    call.answerWhole(200, WAYS[0]?.answer ?? "");
    await response;
    return sentBody(call).anthropic_beta;
  };
  equal(await sentFlags(0), undefined);
  gateway.pipeline.use(snapshot({ ...PARTS, betaFlags: { ...CONFIG.betaFlags, drop: [], unknown: "pass" } }));
  deepEqual(await sentFlags(1), ["memory-2025-08-18"]);
});

Deno.test("a stream of a structured answer that Bedrock could not read ends with an error, not as an answer", async () => {
  const gateway = startGateway(CONFIG);
  const format = { type: "json_schema", schema: { type: "object", properties: {} } };
  const { response } = gateway.send(MESSAGES, {
    headers: KEY,
    body: messagesBody({ model: "nova", stream: true, output_config: { format } }),
  });
  const upstream = (await gateway.bedrock.call(0)).answer(200);
  upstream.push(
    eventFrame("messageStart", { role: "assistant" }),
    eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "<function_calls>" } }),
    eventFrame("messageStop", { stopReason: "malformed_tool_use" }),
    eventFrame("metadata", { usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 } }),
  );
  upstream.end();
  const text = await (await response).text();
  match(text, /^event: error\ndata: [^\n]*malformed_tool_use[^\n]*\n\n$/);
  equal(text.includes("message_stop"), false);
  const [line] = await gateway.logLines();
  equal(line?.["error"], codeOf("model_error"));
  await gateway.expectSettled(1);
});

async function openStream({ model }: Way) {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(MESSAGES, { headers: KEY, body: messagesBody({ model, stream: true }) });
  const call = await gateway.bedrock.call(0);
  const upstream = call.answer(200, { "x-amzn-requestid": "r-1" });
  return { gateway, response, upstream, call };
}

for (const way of WAYS) {
  const { model, streamOperation, frames } = way;
  const [START, ...REST] = frames as [Bytes, ...Bytes[]];

  Deno.test(`a stream of ${model} goes on event by event, and ends with message_stop`, async () => {
    const { gateway, response, upstream, call } = await openStream(way);
    equal(new URL(call.url).pathname, streamOperation);
    upstream.push(...frames);
    upstream.end();
    const answer = await response;
    equal(answer.status, 200);
    ok(answer.headers.get("content-type")?.startsWith("text/event-stream"));
    equal(answer.headers.get("cache-control"), "no-cache");
    const text = await answer.text();
    deepEqual([...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name), [
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    equal(text.includes("invocationMetrics"), false);
    const [line] = await gateway.logLines();
    deepEqual(
      ["status", "input_tokens", "output_tokens", "stop_reason", "upstream_request_id"].map((key) =>
        line?.[key]
      ),
      [200, 7, 3, "end_turn", "r-1"],
    );
    await gateway.expectSettled(1);
  });

  Deno.test(`a client of ${model} that leaves with message_stop has been answered`, async () => {
    const { gateway, response, upstream } = await openStream(way);
    upstream.push(...frames);
    const reader = (await response).body?.getReader();
    ok(reader !== undefined);
    let text = "";
    while (!text.includes("message_stop")) {
      text += decodeUtf8((await reader.read()).value ?? new Uint8Array());
    }
    await reader.cancel();
    upstream.end();
    await settle();
    const [line] = await gateway.logLines();
    deepEqual([line?.["status"], line?.["error"], line?.["output_tokens"]], [200, undefined, 3]);
  });

  Deno.test(`an error before the first event of ${model} is a status in Anthropic's shape`, async () => {
    const { gateway, response, upstream } = await openStream(way);
    upstream.push(exceptionFrame("serviceUnavailableException", "later"));
    const answer = await response;
    equal(answer.status, 529);
    const { type, error, request_id: id } = await answer.json();
    deepEqual([type, error.type, id], ["error", "overloaded_error", answer.headers.get("request-id")]);
    await gateway.expectSettled(1);
  });

  const BROKEN:
    readonly (readonly [name: string, frames: readonly Bytes[], end: "end" | "fail", kind: ErrorKind])[] = [
      ["an exception", [exceptionFrame("modelStreamErrorException", "broke")], "end", "model_error"],
      ["an error", [errorFrame("InternalFailure", "broke")], "end", "upstream_error"],
      ["a wrong checksum", [corrupt(START)], "end", "upstream_protocol"],
      ["a silent end", [], "end", "stream_truncated"],
      ["a lost connection", [], "fail", "stream_truncated"],
    ];
  for (const [name, then, end, kind] of BROKEN) {
    Deno.test(`${name} in a stream of ${model} is event: error and no message_stop`, async () => {
      const { gateway, response, upstream } = await openStream(way);
      upstream.push(...frames.slice(0, 3), ...then);
      upstream[end]();
      const text = await (await response).text();
      ok(text.includes('"text":"Hello"'));
      match(
        text,
        /\n\nevent: error\ndata: \{"type":"error","error":\{[^\n]*\},"request_id":"req_\w+"\}\n\n$/,
      );
      equal(text.includes("message_stop"), false);
      equal([...text.matchAll(/event: error/g)].length, 1);
      const [line] = await gateway.logLines();
      deepEqual([line?.["status"], line?.["error"]], [200, codeOf(kind)]);
      await gateway.expectSettled(1);
    });
  }

  Deno.test(`an unknown event is skipped and logged, in a stream of ${model}`, async () => {
    const { gateway, response, upstream } = await openStream(way);
    upstream.push(START, eventFrame("surprise", { a: 1 }), ...REST);
    upstream.end();
    match(await (await response).text(), /message_stop"\}\n\n$/);
    const [line] = await gateway.logLines();
    deepEqual(line?.["anomalies"], ['event "surprise"']);
  });

  Deno.test(`a silent stream of ${model} is kept alive by ping events`, async () => {
    const { gateway, response, upstream } = await openStream(way);
    upstream.push(...frames.slice(0, 2));
    const text = (await response).text();
    await upstream.pulled(3);
    gateway.advance(CONFIG.timeouts.keepaliveMs + 100);
    upstream.push(...frames.slice(2));
    upstream.end();
    const pings = (await text).split("\n\n").filter((event) =>
      event === 'event: ping\ndata: {"type":"ping"}'
    );
    equal(pings.length, 1);
    await gateway.expectSettled(1);
  });

  Deno.test(`at shutdown a stream of ${model} is ended with an error event`, async () => {
    const { gateway, response, upstream } = await openStream(way);
    upstream.push(...frames.slice(0, 3));
    const text = (await response).text();
    await upstream.pulled(4);
    gateway.pipeline.abortAll(new AditError("draining"));
    match(await text, /\nevent: error\ndata: \{"type":"error","error":\{"type":"overloaded_error"/);
    await gateway.expectSettled(1);
  });
}

Deno.test("a chunk that is not an event breaks the stream after the events before it, and stops the upstream", async () => {
  const { gateway, response, upstream, call } = await openStream(WAYS[0] as Way);
  const [start, ...rest] = WAYS[0]?.frames as [Bytes, ...Bytes[]];
  const bad = eventFrame("chunk", { bytes: "bm8ganNvbg==" });
  // One network chunk, so that the good and the bad are in one batch.
  upstream.push(new Uint8Array([...start, ...rest.slice(0, 2).flatMap((frame) => [...frame]), ...bad]));
  const text = await (await response).text();
  ok(text.includes('"text":"Hello"'));
  match(text, /\nevent: error\n/);
  equal(call.init.signal.aborted, true);
  const [line] = await gateway.logLines();
  equal(line?.["error"], "upstream_protocol");
  await gateway.expectSettled(1);
});

/** What upstreams refuse with, and what Anthropic's clients get. */
/** Until the stream waits for more. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

const REFUSALS: readonly {
  readonly exception: string;
  readonly status: number;
  readonly message: string;
  readonly expected: readonly [status: number, type: string, message?: RegExp];
}[] = [
  {
    exception: "ValidationException",
    status: 400,
    message: "prompt is too long: 210000 tokens > 200000 maximum",
    expected: [400, "invalid_request_error", /^prompt is too long: 210000 tokens > 200000 maximum$/],
  },
  {
    exception: "ValidationException",
    status: 400,
    message: "no access to arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x",
    expected: [400, "invalid_request_error", /^(?!.*123456789012)no access to /],
  },
  { exception: "AccessDeniedException", status: 403, message: "x", expected: [403, "permission_error"] },
  { exception: "ResourceNotFoundException", status: 404, message: "x", expected: [404, "not_found_error"] },
  {
    exception: "ThrottlingException",
    status: 429,
    message: "slow",
    expected: [429, "rate_limit_error", /^slow$/],
  },
  { exception: "ModelTimeoutException", status: 408, message: "x", expected: [504, "timeout_error"] },
  { exception: "InternalServerException", status: 500, message: "x", expected: [502, "api_error"] },
  {
    exception: "ServiceUnavailableException",
    status: 503,
    message: "x",
    expected: [529, "overloaded_error"],
  },
  { exception: "ModelNotReadyException", status: 429, message: "x", expected: [529, "overloaded_error"] },
];

for (const { exception, status, message, expected: [shown, type, text = /./] } of REFUSALS) {
  Deno.test(`${exception} "${message}" is ${shown} ${type} in Anthropic's shape`, async () => {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send(MESSAGES, { headers: KEY, body: messagesBody() });
    const call = await gateway.bedrock.call(0);
    call.answerWhole(status, JSON.stringify({ message }), {
      "x-amzn-errortype": exception,
      "retry-after": "7",
    });
    const answer = await response;
    equal(answer.status, shown);
    equal(answer.headers.get("retry-after"), "7");
    const body = await answer.json();
    equal(body.error.type, type);
    match(body.error.message, text);
    deepEqual(Object.keys(body), ["type", "error", "request_id"]);
    equal(body.request_id, answer.headers.get("request-id"));
  });
}

Deno.test("invalid requests are refused in Anthropic's words, before anything is sent", async () => {
  const faults: readonly (readonly [body: string, status: number, message: RegExp])[] = [
    ["{", 400, /^the request body is not valid JSON at line 1/],
    [messagesBody({ model: undefined }), 400, /^model: Field required$/],
    [messagesBody({ messages: undefined }), 400, /^messages: Field required$/],
    [messagesBody({ max_tokens: undefined }), 400, /^max_tokens: Field required$/],
    [messagesBody({ model: "nova", max_tokens: undefined }), 400, /^max_tokens: Field required$/],
    [messagesBody({ stream: "yes" }), 400, /^stream: Input should be a valid boolean$/],
    [messagesBody({ model: "opus" }), 404, /^the model "opus" does not exist/],
    [
      messagesBody({ messages: [{ role: "user", content: [{ type: "x", n: 0.5 }] }] }).replace(
        "0.5",
        "1e400",
      ),
      400,
      /^messages\.0\.content\.0\.n: the number is out of range$/,
    ],
    [
      messagesBody({
        model: "nova",
        tools: [{ type: "web_search_20250305", name: "web_search" }],
        tool_choice: { type: "any" },
      }),
      400,
      /^tools\.0\.type: Bedrock does not have this tool/,
    ],
  ];
  for (const [body, status, message] of faults) {
    const gateway = startGateway(CONFIG);
    const answer = await gateway.send(MESSAGES, { headers: KEY, body }).response;
    equal(answer.status, status);
    const { type, error } = await answer.json();
    equal(type, "error");
    match(error.message, message);
    equal(gateway.bedrock.calls.length, 0);
    await gateway.expectSettled(1);
  }
});

Deno.test("a thread is refused by the code at which clients send the whole conversation", async () => {
  for (const path of [MESSAGES, "/anthropic/v1/messages/count_tokens"]) {
    const gateway = startGateway(CONFIG);
    const body = messagesBody({ thread: { type: "create" } });
    const answer = await gateway.send(path, { headers: KEY, body }).response;
    equal(answer.status, 400);
    const { error } = await answer.json();
    deepEqual(error.details, { error_code: "thread_unsupported_request" });
    await gateway.expectSettled(1);
  }
});

Deno.test("prompts and answers stay out of the log, whatever goes wrong", async () => {
  for (const { model, frames } of WAYS) {
    for (const end of ["end", "fail"] as const) {
      for (const count of [0, 2, frames.length]) {
        const gateway = startGateway(CONFIG);
        const { response } = gateway.send(MESSAGES, {
          headers: KEY,
          body: messagesBody({
            model,
            stream: true,
            system: "Confidential system",
            messages: [{ role: "user", content: "Confidential prompt" }],
          }),
        });
        const upstream = (await gateway.bedrock.call(0)).answer(200);
        upstream.push(...frames.slice(0, count), eventFrame("chunk", { bytes: "Confidential" }));
        upstream[end]();
        await (await response).text();
        const text = await gateway.logText();
        equal(/Confidential|Hello/.test(text), false, text);
      }
    }
  }
});
