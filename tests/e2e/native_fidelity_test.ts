/** The native routes of the real program do not change requests and responses. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { verifySignature } from "../../lib/aws/sigv4/verify.ts";
import { concat, encodeUtf8 } from "../../lib/base/bytes.ts";
import { Secret } from "../../lib/base/secret.ts";
import { converseFrames, joined } from "../fakes/frames.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { startFakeUpstream } from "../fakes/upstream.ts";
import type { HttpMessage } from "../fakes/http_reader.ts";
import { KEY, keyHash } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SECRET = "wJalrXUtnFEMI-EXAMPLE";

/** `path` follows the endpoint's host. */
function configFor(endpoint: string, path = ""): string {
  return `providers:
  east:
    type: bedrock
    region: us-east-1
    endpoint: ${endpoint}${path}
    credentials: { access_key_id: AKIDEXAMPLE, secret_access_key: ${SECRET} }
callers:
  demo: { key: "${keyHash(KEY)}", native: [us-east-1] }
`;
}

const AUTHORIZATION = `Bearer ${KEY}`;
const EVENT_STREAM = "application/vnd.amazon.eventstream";

/** The whole response to a body that need not be text. */
async function post(
  { url }: Program,
  path: string,
  body: Bytes,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpMessage> {
  await using client = await connectRaw(url);
  const length = { "Content-Length": String(body.length) };
  client.send(requestText(`POST ${path}`, { ...length, Authorization: AUTHORIZATION, ...headers }));
  client.send(body);
  const answer = await client.answer();
  assert.ok(answer !== undefined);
  return answer;
}

/** Headers allowed in a request to Bedrock: the protocol's, the runtime's, the signature's, and the caller's own. */
const EXPECTED_HEADERS: ReadonlySet<string> = new Set([
  ...["host", "content-length", "connection", "accept-encoding", "accept-language", "accept", "user-agent"],
  ...["authorization", "x-amz-date", "content-type", "content-encoding"],
  ...["x-amzn-bedrock-trace", "x-amzn-bedrock-guardrailidentifier", "x-amzn-bedrock-future"],
]);

const BODIES: readonly (readonly [body: Bytes, headers: Readonly<Record<string, string>>])[] = [
  [encodeUtf8('{ "b":1.0, "a":[ ], "b":2 }\n'), { "Content-Type": "application/json" }],
  [new Uint8Array(gzipSync("{}")), { "Content-Type": "application/json", "Content-Encoding": "gzip" }],
  [Uint8Array.of(0, 255, 254, 13, 10, 0), { "Content-Type": "application/octet-stream" }],
  [new Uint8Array(0), {}],
  [new Uint8Array(25_000_000).fill(123), {}],
];

forEachRuntime(
  "request bytes arrive unchanged, with a valid signature and without additional headers",
  async (runtime) => {
    for (const prefix of ["", "/base/path"]) {
      await using upstream = await startFakeUpstream();
      upstream.always(({ head, write }) => head(200, { "Content-Length": "2" }).then(() => write("{}")));
      await using program = await startProgram(runtime, configFor(upstream.url, prefix));
      for (const [index, [body, headers]] of BODIES.entries()) {
        const answer = await post(program, "/model/amazon.nova-lite-v1:0/invoke?x=1", body, {
          ...headers,
          "X-Amzn-Bedrock-Trace": "ENABLED",
          "X-Amzn-Bedrock-GuardrailIdentifier": "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc",
          "X-Amzn-Bedrock-Future": "  two   blanks ",
          "X-Forwarded-For": "10.0.0.1",
          "X-Forwarded-Host": "evil.test",
          "Forwarded": "for=10.0.0.1",
          "Via": "1.1 proxy",
          "TE": "trailers",
          "Cookie": "a=b",
          "X-Amz-Date": "19990101T000000Z",
          "X-Amz-Security-Token": "stolen",
          "X-Amzn-Trace-Id": "Root=1",
        });
        assert.match(answer.startLine, / 200 /);
        const sent = await upstream.requestAt(index);
        const path = `${prefix}/model/amazon.nova-lite-v1%3A0/invoke`;
        assert.equal(sent.startLine, `POST ${path} HTTP/1.1`);
        assert.ok(Buffer.from(sent.body).equals(body), `body ${index}`);
        const foreign = [...sent.headers.keys()].filter((name) => !EXPECTED_HEADERS.has(name));
        assert.deepEqual(foreign, []);
        assert.equal(sent.headers.get("accept-encoding"), "identity");
        const received = { method: "POST", url: upstream.url + path, headers: sent.headers, body: sent.body };
        const verified = verifySignature(received, {
          nowMs: Date.now(),
          findSecret: (id) => id === "AKIDEXAMPLE" ? { secretAccessKey: new Secret(SECRET) } : undefined,
          region: "us-east-1",
        });
        assert.deepEqual(verified, { ok: true, accessKeyId: "AKIDEXAMPLE", region: "us-east-1" });
        const signed = /SignedHeaders=([^,]*)/.exec(sent.headers.get("authorization") ?? "")?.[1]?.split(";");
        assert.ok(signed?.includes("x-amzn-bedrock-future"));
        assert.ok(signed?.includes("x-amzn-bedrock-guardrailidentifier"));
      }
    }
  },
);

forEachRuntime(
  "responses are returned with status, headers and bytes, but with the gateway's date",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(runtime, configFor(upstream.url));
    const packed = new Uint8Array(gzipSync('{"a":1}'));
    const answers: readonly (readonly [status: number, headers: Record<string, string>, body: Bytes])[] = [
      [200, {
        "Content-Type": "application/json",
        "X-Amzn-RequestId": "r-1",
        "X-Amzn-Bedrock-Input-Token-Count": "7",
        "X-Amzn-Bedrock-Output-Token-Count": "3",
        "X-Amzn-Bedrock-Future": "yes",
      }, encodeUtf8('{ "a" : 1.0 }')],
      [200, { "Content-Type": "application/json", "Content-Encoding": "gzip" }, packed],
      [200, { "Content-Type": "image/png" }, Uint8Array.of(0, 255, 1)],
      [
        418,
        { "X-Amzn-ErrorType": "OddException:http://internal.amazon.com/" },
        encodeUtf8('{"message":"odd"}'),
      ],
      [
        429,
        { "X-Amzn-ErrorType": "ThrottlingException", "Retry-After": "7" },
        encodeUtf8('{"message":"slow"}'),
      ],
      [503, { "Content-Type": "text/html" }, encodeUtf8("<html>")],
    ];
    for (const [status, headers, body] of answers) {
      upstream.script(async ({ head, write }) => {
        await head(status, {
          ...headers,
          "Content-Length": String(body.length),
          "Date": "Fri, 20 Nov 1998 08:00:00 GMT",
          "Keep-Alive": "timeout=5",
        });
        await write(body);
      });
      const answer = await post(program, "/model/m/invoke", encodeUtf8("{}"));
      assert.match(answer.startLine, new RegExp(` ${status} `));
      assert.ok(Buffer.from(answer.body).equals(body));
      for (const [name, value] of Object.entries(headers)) {
        assert.equal(
          answer.headers.get(name),
          value,
          name,
        );
      }
      assert.equal(answer.headers.has("keep-alive"), false);
      assert.equal(answer.headers.has("x-adit-error"), false);
      assert.ok(Math.abs(Date.parse(answer.headers.get("date") ?? "") - Date.now()) < 60_000);
    }
    const refused = await post(program, "/model/m/nothing", encodeUtf8("{}"));
    assert.ok(Math.abs(Date.parse(refused.headers.get("date") ?? "") - Date.now()) < 60_000);
  },
);

forEachRuntime("every frame of a stream is passed on before the next one arrives", async (runtime) => {
  const frames = converseFrames("Hello", "world");
  const taken = frames.map(() => Promise.withResolvers<void>());
  await using upstream = await startFakeUpstream(async ({ head, chunk, end }) => {
    await head(200, { "Content-Type": EVENT_STREAM, "Transfer-Encoding": "chunked" });
    for (const [index, frame] of frames.entries()) {
      await chunk(frame);
      await taken[index]?.promise;
    }
    await end();
  });
  await using program = await startProgram(runtime, configFor(upstream.url));
  const response = await fetch(`${program.url}/model/m/converse-stream`, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: "{}",
  });
  assert.equal(response.headers.get("content-type"), EVENT_STREAM);
  const reader = response.body?.getReader();
  assert.ok(reader !== undefined);
  let received = new Uint8Array(0);
  for (const index of frames.keys()) {
    const expected = joined(...frames.slice(0, index + 1));
    while (received.length < expected.length) {
      const { value } = await reader.read();
      assert.ok(value !== undefined);
      received = concat([received, value]);
    }
    assert.ok(Buffer.from(received).equals(expected));
    taken[index]?.resolve();
  }
  assert.equal((await reader.read()).done, true);
});

forEachRuntime(
  "a client that expects a 100 before it sends its body gets one",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    upstream.always(({ head, write }) => head(200, { "Content-Length": "2" }).then(() => write("{}")));
    await using program = await startProgram(runtime, configFor(upstream.url));
    const expecting = { "Expect": "100-continue", "Content-Length": "7" };
    await using client = await connectRaw(program.url);
    client.send(requestText("POST /model/m/invoke", { ...expecting, Authorization: AUTHORIZATION }));
    assert.match(await client.through("\r\n\r\n") ?? "", /^HTTP\/1\.1 100 /);
    client.send('{"a":1}');
    assert.match((await client.answer())?.startLine ?? "", / 200 /);
    const sent = await upstream.requestAt(0);
    assert.deepEqual([Buffer.from(sent.body).toString(), sent.headers.has("expect")], ['{"a":1}', false]);
  },
);
