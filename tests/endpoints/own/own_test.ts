/** Requests in an API that Bedrock speaks itself: which bytes go where, and how a stream breaks. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { decodeUtf8, encodeUtf8 } from "../../../lib/base/bytes.ts";
import { seal } from "../../../lib/base/secret.ts";
import type { OwnApi, OwnApis } from "../../../lib/snapshot/snapshot.ts";
import { cutEvery } from "../../fakes/frames.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { caller, model, modelTarget, provider, snapshot, withSettings } from "../../fakes/snapshot.ts";

/** Until the stream waits for more. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

const EAST = provider("east", "us-east-1");
const ID = "us.openai.gpt-5.6-sol";

const NONE: OwnApis = {
  chat: undefined,
  responses: undefined,
  messages: undefined,
  mantlePath: "/v1",
  hoistsTools: false,
};

const RUNTIME = withSettings(model("runtime", EAST, ID), {
  ownApis: { ...NONE, chat: "runtime", responses: "runtime", messages: "runtime" },
  dropTools: ["web_search"],
});
const MANTLE = withSettings(model("mantle", EAST, "openai.gpt-5.6-sol"), {
  ownApis: { ...NONE, chat: "mantle", responses: "mantle", messages: "mantle" },
  dropTools: ["web_search"],
});
const KEYED = withSettings(
  model("keyed", {
    ...provider("keyed", "eu-west-1"),
    credentials: { kind: "api_key", key: seal("ABSKkey") },
  }, ID),
  { ownApis: { ...NONE, chat: "runtime", responses: "mantle", messages: "mantle" } },
);
const GUARDED = withSettings(RUNTIME, { guardrail: { id: "gr1", version: "2", trace: "disabled" } });
const PAIR = {
  ...RUNTIME,
  name: "pair",
  targets: [
    ...RUNTIME.targets,
    { ...modelTarget("pair", provider("west", "us-west-2"), ID), ownApis: RUNTIME.targets[0].ownApis },
  ] as const,
  routing: { ...RUNTIME.routing, retry: { ...RUNTIME.routing.retry, attempts: 2 } },
};
const models = [RUNTIME, MANTLE, KEYED, { ...GUARDED, name: "guarded" }, PAIR];
const TEAM = caller("team", { models: new Set(models.map(({ name }) => name)) });
const CONFIG = snapshot({ models, callers: [TEAM] });

const PATHS: Readonly<Record<OwnApi, string>> = {
  chat: "/v1/chat/completions",
  responses: "/v1/responses",
  messages: "/v1/messages",
};

function post(path: string, body: string, headers: Record<string, string> = {}) {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(path, {
    headers: { authorization: `Bearer ${TEAM.key}`, ...headers },
    body,
  });
  return { gateway, response };
}

const RUNTIME_HOST = "https://bedrock-runtime.us-east-1.amazonaws.com";
const MANTLE_HOST = "https://bedrock-mantle.us-east-1.api.aws";

const ADDRESSES: readonly (readonly [name: string, api: OwnApi, url: string, service: string])[] = [
  ["runtime", "chat", `${RUNTIME_HOST}/openai/v1/chat/completions`, "bedrock"],
  ["runtime", "responses", `${RUNTIME_HOST}/openai/v1/responses`, "bedrock"],
  ["runtime", "messages", `${RUNTIME_HOST}/anthropic/v1/messages`, "bedrock"],
  ["mantle", "chat", `${MANTLE_HOST}/v1/chat/completions`, "bedrock-mantle"],
  ["mantle", "responses", `${MANTLE_HOST}/v1/responses`, "bedrock-mantle"],
  ["mantle", "messages", `${MANTLE_HOST}/anthropic/v1/messages`, "bedrock-mantle"],
];

for (const [name, api, url, service] of ADDRESSES) {
  Deno.test(`${api} of a ${name} model goes to ${url}, signed for ${service}, with no byte changed but the model`, async () => {
    const body = `{ "future" : [1.0, 1e2],"model" :"${name}", "n":12345678901234567890 }`;
    const { gateway, response } = post(PATHS[api], body);
    const call = await gateway.bedrock.call(0);
    equal(call.url, url);
    match(call.init.headers.get("authorization") ?? "", new RegExp(`/us-east-1/${service}/aws4_request`));
    equal(call.init.headers.get("anthropic-version"), api === "messages" ? "2023-06-01" : null);
    const id = name === "runtime" ? ID : "openai.gpt-5.6-sol";
    ok(call.init.body instanceof Uint8Array);
    equal(decodeUtf8(call.init.body), body.replace(`"${name}"`, `"${id}"`));
    const answer =
      `{"model":"${id}" , "x": 1.0, "deep":{"model":"m"},"usage":{"input_tokens":9,"output_tokens":2}}`;
    call.answerWhole(200, answer, { "content-type": "application/json", "x-amzn-requestid": "r-1" });
    equal(await (await response).text(), answer.replace(`"${id}"`, `"${name}"`));
    await gateway.expectSettled(1);
    const [line] = await gateway.logLines();
    deepEqual([line?.["input_tokens"], line?.["output_tokens"], line?.["upstream_request_id"]], [
      9,
      2,
      "r-1",
    ]);
  });
}

Deno.test("a Bedrock API key is sent as a bearer token, to both endpoints", async () => {
  for (const api of ["chat", "responses", "messages"] as const) {
    const { gateway } = post(PATHS[api], '{"model":"keyed"}');
    const { url, init: { headers } } = await gateway.bedrock.call(0);
    const host = api === "chat"
      ? "bedrock-runtime.eu-west-1.amazonaws.com"
      : "bedrock-mantle.eu-west-1.api.aws";
    equal(new URL(url).host, host);
    equal(headers.get("authorization"), "Bearer ABSKkey");
    ok(!headers.has("x-amz-date"));
  }
});

Deno.test("tokens read from the cache and written to it are counted apart from the rest of the input", async () => {
  const chat = { prompt_tokens: 10, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } };
  const details = { cached_tokens: 4, cache_write_tokens: 5 };
  const responses = { input_tokens: 10, output_tokens: 3, input_tokens_details: details };
  for (
    const [api, usage, counts] of [["chat", chat, [6, 4, 0]], ["responses", responses, [1, 4, 5]]] as const
  ) {
    const { gateway, response } = post(`/openai${PATHS[api]}`, '{"model":"runtime"}');
    (await gateway.bedrock.call(0)).answerWhole(200, JSON.stringify({ usage }));
    await (await response).text();
    const [line] = await gateway.logLines();
    deepEqual(
      [line?.["input_tokens"], line?.["cache_read_tokens"], line?.["cache_write_tokens"]],
      [...counts],
    );
  }
});

Deno.test("tools that the model is told to drop are left out and named; others keep every digit", async () => {
  const tools = '[{"type":"web_search"},{"type":"function","name":"f","max":12345678901234567890}]';
  const { gateway, response } = post("/v1/responses", `{"model":"runtime","tools":${tools}}`);
  const call = await gateway.bedrock.call(0);
  ok(call.init.body instanceof Uint8Array);
  equal(
    decodeUtf8(call.init.body),
    `{"model":"${ID}","tools":[{"type":"function","name":"f","max":12345678901234567890}]}`,
  );
  call.answerWhole(200, "{}");
  equal((await response).headers.get("x-adit-ignored"), "tools[web_search]");
});

Deno.test("the operator's guardrail is sent, and a body that would narrow it is refused", async () => {
  const { gateway } = post("/v1/chat/completions", '{"model":"guarded"}');
  const call = await gateway.bedrock.call(0);
  equal(call.init.headers.get("x-amzn-bedrock-guardrailidentifier"), "gr1");
  equal(call.init.headers.get("x-amzn-bedrock-guardrailversion"), "2");
  const narrowed = post(
    "/v1/chat/completions",
    '{"model":"guarded","amazon-bedrock-guardrailConfig":{"tagSuffix":"x"}}',
  );
  equal((await narrowed.response).status, 400);
  equal(narrowed.gateway.bedrock.calls.length, 0);
});

/** Bodies that would let Bedrock read from a bucket with the operator's rights, and the path of the address. */
const FOREIGN: readonly (readonly [api: OwnApi, body: string, path: string])[] = [
  [
    "chat",
    '{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"s3://theirs/a.png"}}]}]}',
    "messages[0].content[0].image_url.url",
  ],
  [
    "responses",
    '{"input":[{"role":"user","content":[{"type":"input_image","image_url":"s3://theirs/a.png"}]}]}',
    "input[0].content[0].image_url",
  ],
  [
    "responses",
    '{"input":[{"role":"user","content":[{"type":"input_file","file_url":"\\u0073\\u0033:\\/\\/theirs/a"}]}]}',
    "input[0].content[0].file_url",
  ],
  [
    "messages",
    '{"messages":[{"role":"user","content":[{"type":"image","source":{"s3Location":{"uri":"s3://theirs/a"}}}]}]}',
    "messages[0].content[0].source.s3Location.uri",
  ],
  [
    "chat",
    '{"messages":[{"content":[{"image_url":{"url":"s3://theirs/a","url":"https://x/a"}}]}],"messages":[]}',
    "messages[0].content[0].image_url.url",
  ],
  [
    "responses",
    '{"input":[{"content":[{"image_urls":["s3://theirs/a"]}]}]}',
    "input[0].content[0].image_urls[0]",
  ],
];

for (const [api, body, path] of FOREIGN) {
  Deno.test(`${api}: the address ${path} is refused unless the caller's s3 lists the bucket`, async () => {
    const send = (s3: readonly string[] | undefined) => {
      const who = caller("team", { models: new Set(["runtime"]), ...(s3 !== undefined && { s3 }) });
      const gateway = startGateway(snapshot({ models: [RUNTIME], callers: [who] }));
      const { response } = gateway.send(PATHS[api], {
        headers: { authorization: `Bearer ${who.key}` },
        body: `{"model":"runtime",${body.slice(1)}`,
      });
      return { gateway, response };
    };
    for (const s3 of [undefined, ["ours"]]) {
      const refused = await send(s3).response;
      equal(refused.status, 400);
      ok((await refused.text()).includes(`${path}: this key is not allowed to use this S3 location`));
    }
    const { gateway } = send(["their*"]);
    ok((await gateway.bedrock.call(0)).url.startsWith(RUNTIME_HOST));
  });
}

Deno.test("S3 addresses in a user's text and in the input of tools are not checked", async () => {
  const { gateway } = post(
    PATHS.messages,
    '{"model":"runtime","tools":[{"name":"t","input_schema":{"default":{"url":"s3://a"}}}],' +
      '"messages":[{"role":"user","content":"s3://a/b"},{"role":"assistant","content":[{"type":"tool_use",' +
      '"id":"x","name":"t","input":{"url":"s3://a"}}]}]}',
  );
  ok((await gateway.bedrock.call(0)).url.startsWith(RUNTIME_HOST));
});

Deno.test("a compressed body is passed on without its encoding, and does not bypass a check", async () => {
  const compressed = (body: string) => {
    const gateway = startGateway(CONFIG);
    const headers = { authorization: `Bearer ${TEAM.key}`, "content-encoding": "gzip" };
    const sent = gateway.send(PATHS.chat, { headers, body: new Uint8Array(gzipSync(body)) });
    return { gateway, response: sent.response };
  };
  const { gateway } = compressed('{"model":"runtime","max_tokens":12345678901234567890}');
  const call = await gateway.bedrock.call(0);
  equal(decodeUtf8(call.init.body ?? encodeUtf8("")), `{"model":"${ID}","max_tokens":12345678901234567890}`);
  equal(call.init.headers.get("content-encoding"), null);
  const foreign = compressed(
    '{"model":"runtime","messages":[{"content":[{"image_url":{"url":"s3://theirs/a"}}]}]}',
  );
  equal((await foreign.response).status, 400);
  const narrowed = compressed('{"model":"guarded","amazon-bedrock-guardrailConfig":{"tagSuffix":"x"}}');
  equal((await narrowed.response).status, 400);
  equal(foreign.gateway.bedrock.calls.length + narrowed.gateway.bedrock.calls.length, 0);
});

Deno.test("a previous response is refused if the model has several targets, which do not share responses", async () => {
  const body = (name: string) => JSON.stringify({ model: name, previous_response_id: "resp_1" });
  const pair = post("/v1/responses", body("pair"));
  const refused = await pair.response;
  equal(refused.status, 400);
  equal((await refused.json()).error.param, "previous_response_id");
  const { gateway } = post("/v1/responses", body("runtime"));
  ok(await gateway.bedrock.call(0));
});

Deno.test("a refusal becomes the caller's error, in OpenAI's shape or AWS's", async () => {
  const message = "Bad input for 123456789012";
  const bodies: readonly (readonly [body: object, headers: Record<string, string>])[] = [
    [{ error: { message, code: "validation_error", type: "invalid_request_error" } }, {}],
    [{ message }, { "x-amzn-requestid": "r-1" }],
  ];
  for (const [body, headers] of bodies) {
    const { gateway, response } = post("/v1/chat/completions", '{"model":"runtime"}');
    (await gateway.bedrock.call(0)).answerWhole(400, JSON.stringify(body), headers);
    const answer = await response;
    equal(answer.status, 400);
    const { error } = await answer.json();
    match(error.message, /^Bad input for/);
    ok(!error.message.includes("123456789012"));
  }
});

Deno.test("the code and the parameter of a refusal, on which clients act, are Bedrock's own", async () => {
  const wanted = { code: "invalid_encrypted_content", param: "input[1]" };
  const { gateway, response } = post("/v1/responses", '{"model":"runtime"}');
  (await gateway.bedrock.call(0)).answerWhole(
    400,
    JSON.stringify({ error: { message: "not verified", type: "invalid_request_error", ...wanted } }),
  );
  const { error: { code, param } } = await (await response).json();
  deepEqual({ code, param }, wanted);
});

Deno.test("a throttled Responses request says when to try again, and that it is a rate limit", async () => {
  for (
    const [status, body] of [
      [429, { error: { message: "slow down", code: "insufficient_quota", type: "insufficient_quota" } }],
      [400, { __type: "ServiceQuotaExceededException", message: "used up" }],
    ] as const
  ) {
    const { gateway, response } = post("/v1/responses", '{"model":"runtime"}');
    (await gateway.bedrock.call(0)).answerWhole(status, JSON.stringify(body), { "x-amzn-requestid": "r-1" });
    const answer = await response;
    deepEqual([answer.status, answer.headers.get("retry-after")], [429, "2"]);
    equal((await answer.json()).error.code, "rate_limit_exceeded");
  }
});

Deno.test("a throttled target is followed by the next one", async () => {
  const { gateway, response } = post("/v1/chat/completions", '{"model":"pair"}');
  const first = await gateway.bedrock.call(0);
  first.answerWhole(429, '{"error":{"message":"slow down"}}');
  const second = await gateway.bedrock.call(1);
  equal(second.url, "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1/chat/completions");
  second.answerWhole(200, `{"model":"${ID}"}`);
  equal(await (await response).text(), '{"model":"pair"}');
});

Deno.test("an answer other than a JSON object is an error", async () => {
  for (const body of ["<html>", "[1]", '{"cut":']) {
    const { gateway, response } = post("/v1/chat/completions", '{"model":"runtime"}');
    (await gateway.bedrock.call(0)).answerWhole(200, body);
    equal((await response).status, 502);
  }
});

/** A stream of each API, whose events name the model. */
const STREAMS: Readonly<Record<OwnApi, string>> = {
  chat: [
    `data: {"id":"c","model":"${ID}","choices":[{"delta":{"role":"assistant","content":""}}]}`,
    `data: {"id":"c","model":"${ID}","choices":[{"delta":{"content":"Grüß\u2028data: \\"model\\""}}]}`,
    `data: {"id":"c","model":"${ID}","choices":[{"delta":{},"finish_reason":"stop"}]}`,
    `data: {"id":"c","model":"${ID}","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}`,
    "data: [DONE]",
    "",
  ].join("\n\n"),
  responses: [
    `event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"r","model":"${ID}","usage":null}}`,
    `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":1,"delta":"Hi"}`,
    `event: response.completed\ndata: {"type":"response.completed","sequence_number":2,"response":{"id":"r","status":"completed","model":"${ID}","usage":{"input_tokens":7,"output_tokens":2}}}`,
    "",
  ].join("\n\n"),
  messages: [
    `event: message_start\ndata: {"type":"message_start","message":{"model":"${ID}","usage":{"input_tokens":7,"output_tokens":1}}}`,
    'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}',
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}',
    'event: message_stop\ndata: {"type":"message_stop"}',
    "",
  ].join("\n\n"),
};

async function stream(api: OwnApi, pieces: readonly Uint8Array<ArrayBuffer>[], fails = false) {
  const { gateway, response } = post(PATHS[api], '{"model":"runtime","stream":true}');
  const body = (await gateway.bedrock.call(0)).answer(200, { "content-type": "text/event-stream" });
  body.push(...pieces);
  if (fails) body.fail();
  else body.end();
  const answer = await response;
  const text = await answer.text();
  await gateway.expectSettled(1);
  const [line] = await gateway.logLines();
  return { status: answer.status, type: answer.headers.get("content-type"), text, line };
}

for (const api of Object.keys(STREAMS) as OwnApi[]) {
  const sent = encodeUtf8(STREAMS[api]);
  const expected = STREAMS[api].replaceAll(`"model":"${ID}"`, '"model":"runtime"');

  Deno.test(`a stream of ${api} comes through byte for byte but the model, wherever it is cut`, async () => {
    for (const size of [1, 2, 7, sent.length]) {
      const { status, type, text, line } = await stream(api, cutEvery(size, sent));
      deepEqual({ status, type, text }, { status: 200, type: "text/event-stream", text: expected });
      deepEqual([line?.["input_tokens"], line?.["output_tokens"]], [7, 2]);
      ok(line?.["error"] === undefined);
    }
  });

  Deno.test(`a client that leaves with the last event of a stream of ${api} has been answered`, async () => {
    const { gateway, response } = post(PATHS[api], '{"model":"runtime","stream":true}');
    const body = (await gateway.bedrock.call(0)).answer(200, { "content-type": "text/event-stream" });
    body.push(sent);
    const reader = (await response).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    body.end();
    await settle();
    const [line] = await gateway.logLines();
    deepEqual([line?.["status"], line?.["error"], line?.["output_tokens"]], [200, undefined, 2]);
  });

  Deno.test(`a stream of ${api} that breaks off ends with an error after the last whole event`, async () => {
    const cut = STREAMS[api].lastIndexOf("\n\n", STREAMS[api].length - 3);
    const whole = STREAMS[api].slice(0, cut + 2);
    for (const fails of [true, false]) {
      const { text, line } = await stream(api, [encodeUtf8(STREAMS[api].slice(0, cut + 9))], fails);
      const kept = whole.replaceAll(`"model":"${ID}"`, '"model":"runtime"');
      ok(text.startsWith(kept), text);
      const rest = text.slice(kept.length);
      match(rest, /^(?:event: error\n)?data: \{/);
      ok(!rest.includes("[DONE]"));
      if (api === "responses") {
        match(rest, /"type":"error","sequence_number":2/);
        match(rest, /"type":"response.failed","sequence_number":3.*"id":"r".*"status":"failed"/s);
      }
      equal(line?.["error"], "stream_truncated");
    }
  });
}

const FIRST_ERRORS: Readonly<Record<OwnApi, string>> = {
  chat: 'data: {"error":{"message":"slow down","code":"rate_limit_exceeded"}}\n\n',
  responses: 'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"slow down"}\n\n',
  messages:
    'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}\n\n',
};

for (const [api, event] of Object.entries(FIRST_ERRORS) as [OwnApi, string][]) {
  Deno.test(`a stream of ${api} that begins with an error is an error status`, async () => {
    const { status, text } = await stream(api, [encodeUtf8(event)]);
    equal(status, 429);
    match(text, /slow down/);
  });
}

Deno.test("an error event alone is followed by the failed response that some clients wait for", async () => {
  const [start = "", delta = ""] = STREAMS.responses.split("\n\n");
  const error =
    'data: {"type":"error","code":"rate_limit_exceeded","message":"slow down","sequence_number":2}';
  const { text, line } = await stream("responses", [encodeUtf8(`${[start, delta, error].join("\n\n")}\n\n`)]);
  const [, , , failed = ""] = text.split("\n\n");
  const { sequence_number, response } = JSON.parse(failed.split("data: ")[1] ?? "");
  deepEqual([sequence_number, response.id, response.model, response.status], [3, "r", "runtime", "failed"]);
  deepEqual(response.error, { code: "rate_limit_exceeded", message: "slow down" });
  equal(line?.["error"], "rate_limit_exceeded");
});

Deno.test("Responses that are passed on have keepalive events while idle, others comments", async () => {
  const quiet = snapshot({ models, callers: [TEAM], timeouts: { ...CONFIG.timeouts, keepaliveMs: 2_000 } });
  for (
    const [api, expected] of [
      ["responses", 'event: keepalive\ndata: {"type":"keepalive","sequence_number":0}\n\n'],
      ["chat", ": keep-alive\n\n"],
    ] as const
  ) {
    const gateway = startGateway(quiet);
    const { response } = gateway.send(PATHS[api], {
      headers: { authorization: `Bearer ${TEAM.key}` },
      body: '{"model":"runtime","stream":true}',
    });
    const body = (await gateway.bedrock.call(0)).answer(200, { "content-type": "text/event-stream" });
    const [first = ""] = STREAMS[api].split("\n\n");
    body.push(encodeUtf8(`${first}\n\n`));
    const reader = (await response).body?.getReader();
    ok(reader !== undefined);
    await reader.read();
    const waiting = reader.read();
    await new Promise((resolve) => setTimeout(resolve, 0));
    gateway.advance(2_100);
    equal(decodeUtf8((await waiting).value ?? new Uint8Array()), expected);
    await reader.cancel();
  }
});

Deno.test("a stream that begins with a mistake of the caller has its status and its code", async () => {
  for (const code of ["context_length_exceeded", "invalid_encrypted_content"]) {
    const failed = { type: "response.failed", response: { error: { code, message: "no" } } };
    const { status, text } = await stream("responses", [encodeUtf8(`data: ${JSON.stringify(failed)}\n\n`)]);
    equal(status, 400);
    equal(JSON.parse(text).error.code, code);
  }
});

Deno.test("an error within a stream is passed on, and logged", async () => {
  const [start = ""] = STREAMS.responses.split("\n\n");
  const delta = 'data: {"type":"response.output_text.delta","delta":"Hi"}\n\n';
  const failed =
    'data: {"type":"response.failed","response":{"error":{"code":"server_error","message":"oh"}}}\n\n';
  const { text, line } = await stream("responses", [encodeUtf8(`${start}\n\n${delta}${failed}`)]);
  ok(text.endsWith(failed));
  equal(line?.["error"], "model_error");
});
