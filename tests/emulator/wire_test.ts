import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { sigV4Signer } from "../../lib/aws/sigv4/sign.ts";
import { EMULATOR_API_KEY, EMULATOR_CREDENTIALS } from "../../lib/emulator/server/credentials.ts";
import { createEmulator } from "../../lib/emulator/emulator.ts";
import {
  ask,
  CLAUDE,
  fixedClock,
  framesOf,
  LEAK_CHECKED,
  messageOf,
  NOVA,
  pathOf,
  payloadOf,
  postTo,
  withServer,
} from "./harness.ts";

const BODY = { messages: [ask("reply with: one two")] };
const CORAL = ":http://internal.amazon.com/coral/com.amazon.bedrock/";

Deno.test("frames have the service's header order, sorted keys and padding", async () => {
  const response = await postTo()(pathOf(CLAUDE, "converse-stream"), BODY);
  assert.equal(response.headers.get("content-type"), "application/vnd.amazon.eventstream");
  assert.equal(response.headers.get("x-amzn-bedrock-content-type"), null);
  const frames = await framesOf(response);
  for (const frame of frames) {
    assert.deepEqual([...frame.headers.keys()], [":event-type", ":content-type", ":message-type"]);
    assert.equal(frame.headers.get(":content-type"), "application/json");
    assert.equal(frame.headers.get(":message-type"), "event");
    const payload: Record<string, unknown> = JSON.parse(payloadOf(frame));
    assert.deepEqual(Object.keys(payload), Object.keys(payload).sort());
    assert.match(String(payload["p"]), /^abcd?e?f?g?h?[a-zA-Z0-9]*$|^ab?c?$/);
  }
  const paddings = frames.map((frame) => JSON.parse(payloadOf(frame)).p.length);
  assert.ok(new Set(paddings).size > 3 && Math.min(...paddings) >= 2 && Math.max(...paddings) <= 61);
});

Deno.test("a response has sorted keys, and members that are not in AWS's model", async () => {
  const response = await postTo()(pathOf(CLAUDE, "converse"), BODY);
  const body = await response.json();
  assert.deepEqual(Object.keys(body), ["metrics", "output", "stopReason", "usage"]);
  assert.deepEqual(body.usage.serverToolUsage, {});
  assert.equal(body.usage.cacheReadInputTokenCount, 0);
  assert.equal(response.headers.get("x-amzn-bedrock-input-token-count"), null);
});

Deno.test("InvokeModel reports its token counts in headers and repeats the requested settings", async () => {
  const body = {
    anthropic_version: "bedrock-2023-05-31",
    max_tokens: 9,
    messages: [{ role: "user", content: "hi" }],
  };
  const response = await postTo()(pathOf(CLAUDE, "invoke"), body, { "x-amzn-bedrock-service-tier": "flex" });
  await response.body?.cancel();
  assert.equal(response.headers.get("x-amzn-bedrock-input-token-count"), "4");
  assert.equal(response.headers.get("x-amzn-bedrock-output-token-count"), "9");
  assert.equal(response.headers.get("x-amzn-bedrock-service-tier"), "flex");
});

Deno.test("every response has a request id and the clock's date", async () => {
  const post = postTo({ newId: () => "the-id" });
  for (const path of [pathOf(CLAUDE, "converse"), pathOf("unknown", "converse"), "/nowhere"]) {
    const response = await post(path, BODY);
    await response.body?.cancel();
    assert.equal(response.headers.get("x-amzn-requestid"), "the-id");
    assert.equal(response.headers.get("date"), "Fri, 20 Nov 2026 00:00:00 GMT");
  }
});

Deno.test("a gzipped body is read", async () => {
  const body = gzipSync(encodeUtf8(JSON.stringify(BODY)));
  const response = await postTo()(pathOf(CLAUDE, "converse"), body, { "content-encoding": "gzip" });
  assert.equal((await response.json()).output.message.content[0].text, "one two");
  const bad = await postTo()(pathOf(CLAUDE, "converse"), BODY, { "content-encoding": "gzip" });
  assert.equal(bad.status, 400);
});

const ROUTES: readonly [path: string, status: number][] = [
  [`/model/${CLAUDE}/converse`, 200],
  [`/model/${encodeURIComponent(CLAUDE)}/converse`, 200],
  [`/base//model//${CLAUDE}/converse`, 200],
  [`/a/b/model/${CLAUDE}/converse?x=1`, 200],
  [pathOf(`arn:aws:bedrock:us-east-1:123456789012:inference-profile/${CLAUDE}`, "converse"), 200],
  [
    pathOf("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdef123456", "converse"),
    200,
  ],
  [pathOf(`arn:aws:bedrock:us-east-1::foundation-model/${NOVA}`, "converse"), 200],
  [`/model/arn:aws:bedrock:us-east-1::foundation-model/${NOVA}/converse`, 404],
  [`/model/${CLAUDE}/converse/more`, 404],
  [`/model/${CLAUDE}/unknown`, 404],
  [`/model/%zz/converse`, 404],
  [`/`, 404],
];

for (const [path, status] of ROUTES) {
  Deno.test(`POST ${path} is ${status === 200 ? "answered" : "no operation"}`, async () => {
    const response = await postTo()(path, BODY);
    assert.equal(response.status, status);
    if (status === 404) assert.equal(response.headers.get("x-amzn-errortype"), "UnknownOperationException");
    await response.body?.cancel();
  });
}

Deno.test("GET is not an operation", async () => {
  const emulator = createEmulator({ clock: fixedClock(0) });
  const response = await emulator.handle(new Request(`http://bedrock/model/${CLAUDE}/converse`));
  assert.equal(response.status, 404);
});

const WRONG_KEYS: readonly [authorization: string, message: string][] = [
  ["Bearer nonsense", "Invalid API Key format: Must start with pre-defined prefix"],
  ["Bearer ABSKnonsense", "Authentication failed: Please make sure your API Key is valid."],
  ["Bearer bedrock-api-key-nonsense", "Authentication failed: Please make sure your API Key is valid."],
];

for (const [authorization, message] of WRONG_KEYS) {
  Deno.test(`"${authorization}" is refused with a capital Message`, async () => {
    const response = await postTo()(pathOf(CLAUDE, "converse"), BODY, { authorization });
    assert.equal(response.status, 403);
    assert.deepEqual(await response.json(), { Message: message });
  });
}

Deno.test("a request without a signature, or with a wrong one, is refused with AWS's error names", async () => {
  const clock = fixedClock(Date.UTC(2026, 10, 20));
  const emulator = createEmulator({ clock, region: "us-east-1" });
  const url = `http://bedrock${pathOf(CLAUDE, "converse")}`;
  const body = encodeUtf8(JSON.stringify(BODY));
  async function send(
    key: { region: string; accessKeyId: string },
    nowMs: number,
  ): Promise<[number, string | null]> {
    const sign = sigV4Signer({ secretAccessKey: EMULATOR_CREDENTIALS.secretAccessKey, ...key });
    const headers = await sign({ method: "POST", url, headers: new Headers(), body }, nowMs);
    const response = await emulator.handle(new Request(url, { method: "POST", headers, body }));
    await response.body?.cancel();
    return [response.status, response.headers.get("x-amzn-errortype")];
  }
  const { accessKeyId } = EMULATOR_CREDENTIALS;
  const right = { region: "us-east-1", accessKeyId };
  assert.deepEqual(await send(right, clock.now()), [200, null]);
  assert.deepEqual(await send(right, clock.now() - 600_000), [403, `InvalidSignatureException${CORAL}`]);
  assert.deepEqual(await send({ ...right, region: "eu-west-1" }, clock.now()), [
    403,
    `InvalidSignatureException${CORAL}`,
  ]);
  assert.deepEqual(await send({ ...right, accessKeyId: "OTHER" }, clock.now()), [
    403,
    `UnrecognizedClientException${CORAL}`,
  ]);
  const bare = await emulator.handle(new Request(url, { method: "POST", body }));
  assert.equal(bare.headers.get("x-amzn-errortype"), `MissingAuthenticationTokenException${CORAL}`);
  assert.equal(await messageOf(bare), "Missing Authentication Token");
});

Deno.test("a body over the service's limit is refused, compressed or not", async () => {
  const big = new Uint8Array(25_000_001);
  for (const [body, headers] of [[big, {}], [gzipSync(big), { "content-encoding": "gzip" }]] as const) {
    const response = await postTo()(pathOf(CLAUDE, "invoke"), body, headers);
    assert.equal(response.status, 413);
    await response.body?.cancel();
  }
});

Deno.test(
  "a stream is produced as it is read, and its timer ends when the reader leaves",
  LEAK_CHECKED,
  async () => {
    const response = await postTo({ tokenDelayMs: 60_000 })(pathOf(CLAUDE, "converse-stream"), BODY);
    const reader = response.body!.getReader();
    const first = await reader.read();
    assert.ok(!first.done && first.value.length > 0);
    const second = reader.read();
    // After one turn of the event loop, the stream is in its pause.
    await new Promise((resolve) => setTimeout(resolve, 0));
    await reader.cancel();
    assert.equal((await second).done, true);
  },
);

Deno.test("a stalled stream ends when its client closes the socket", LEAK_CHECKED, async () => {
  await withServer({}, async (endpoint) => {
    const leave = new AbortController();
    const response = await fetch(`${endpoint}/model/${CLAUDE}.fault-stall:1/converse-stream`, {
      method: "POST",
      headers: { authorization: `Bearer ${EMULATOR_API_KEY.reveal()}` },
      body: JSON.stringify(BODY),
      signal: leave.signal,
    });
    const reader = response.body!.getReader();
    assert.ok(!(await reader.read()).done);
    leave.abort();
    await assert.rejects(reader.read());
    // `withServer` waits for the server to shut down, which waits for this stream.
  });
});
