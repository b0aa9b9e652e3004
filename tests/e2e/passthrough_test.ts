/**
 * Bedrock's own API through the program: bodies arrive byte for byte in both directions, and requests are signed again.
 */

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { verifySignature } from "../../lib/aws/sigv4/verify.ts";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { Secret } from "../../lib/base/secret.ts";
import { CLAUDE_STOP, converseFrames, invokeFrames, joined } from "../fakes/frames.ts";
import type { HttpMessage } from "../fakes/http_reader.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { type Answer, jsonAnswer, startFakeUpstream, streamAnswer } from "../fakes/upstream.ts";
import { endpointConfig, KEY } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";
import { answerOf, AUTHORIZED, CONVERSE, statusOf } from "./requests.ts";

const SECRET_KEY = "wJalrXUtnFEMI-EXAMPLE";

/** Asserts that the upstream's request carries a valid signature over exactly what was sent. */
function assertSigned(sent: HttpMessage, url: string, sessionToken?: string): void {
  const [method = "", path = ""] = sent.startLine.split(" ");
  const verification = verifySignature(
    { method, url: url + path, headers: sent.headers, body: sent.body },
    {
      nowMs: Date.now(),
      region: "us-east-1",
      findSecret: (id) =>
        id !== "AKIDEXAMPLE" ? undefined : {
          secretAccessKey: new Secret(SECRET_KEY),
          ...(sessionToken === undefined ? {} : { sessionToken: new Secret(sessionToken) }),
        },
    },
  );
  assert.deepEqual(verification, { ok: true, accessKeyId: "AKIDEXAMPLE", region: "us-east-1" });
}

/** Sends a native request whose body is bytes. */
async function sendBytes(
  url: string,
  line: string,
  { headers, body }: { headers: Record<string, string>; body: Uint8Array },
): Promise<HttpMessage> {
  await using client = await connectRaw(url);
  client.send(requestText(line, { ...AUTHORIZED, ...headers, "Content-Length": String(body.length) }));
  client.send(body);
  return await answerOf(client);
}

const OPERATIONS = ["converse", "converse-stream", "invoke", "invoke-with-response-stream"];
const ODD = encodeUtf8('{ "zukunft" :[1.0, 1e2 ],\t"messages":[ {"content":[{"text":"h\\u00e9"}]} ]  }\n');

forEachRuntime(
  "a request arrives byte for byte, signed, with only Bedrock's own headers",
  async (runtime, t) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(runtime, endpointConfig(upstream.url));
    upstream.always(jsonAnswer(400, { message: "seen" }));
    for (const operation of OPERATIONS) {
      for (const [encoding, body] of [["identity", ODD], ["gzip", new Uint8Array(gzipSync(ODD))]] as const) {
        await t.step(`${operation}, ${encoding}`, async () => {
          const headers = {
            Accept: "application/vnd.test+json",
            "Content-Type": "application/json; odd=1",
            ...(encoding === "gzip" ? { "Content-Encoding": "gzip" } : {}),
            "X-Amzn-Bedrock-Trace": "ENABLED",
            "X-Amzn-Bedrock-GuardrailIdentifier": "g-1",
            Cookie: "session=1",
            "X-Forwarded-For": "192.0.2.1",
            "X-Api-Key": "another",
            "X-Custom": "1",
            "User-Agent": "somebody/1",
          };
          const before = upstream.requests.length;
          await sendBytes(program.url, `POST /model/claude/${operation}`, { headers, body });
          const sent = await upstream.requestAt(before);
          assert.equal(
            sent.startLine,
            `POST /model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/${operation} HTTP/1.1`,
          );
          assert.deepEqual(sent.body, body);
          assertSigned(sent, upstream.url);
          assert.match(
            sent.headers.get("authorization") ?? "",
            /SignedHeaders=host;x-amz-date;x-amzn-bedrock-guardrailidentifier;x-amzn-bedrock-trace,/,
          );
          for (const name of ["accept", "content-type", "content-encoding", "x-amzn-bedrock-trace"]) {
            const given = Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
            assert.equal(sent.headers.get(name), given ?? null, name);
          }
          for (const name of ["cookie", "x-forwarded-for", "x-api-key", "x-custom"]) {
            assert.equal(sent.headers.get(name), null, name);
          }
          assert.match(sent.headers.get("user-agent") ?? "", /^adit\//);
          assert.doesNotMatch(sent.head, new RegExp(KEY));
        });
      }
    }
  },
);

const ARN =
  "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0";
const IDS: readonly (readonly [inPath: string, upstream: string])[] = [
  ["nova", "amazon.nova-lite-v1%3A0"],
  ["amazon.titan-text-v1:0:8k", "amazon.titan-text-v1%3A0%3A8k"],
  ["amazon.titan-text-v1%3A0%3a8k", "amazon.titan-text-v1%3A0%3A8k"],
  [ARN, encodeURIComponent(ARN)],
  [ARN.replaceAll("/", "%2F"), encodeURIComponent(ARN)],
  [encodeURIComponent(ARN), encodeURIComponent(ARN)],
];

forEachRuntime(
  "model ids and ARNs, raw and encoded, are sent as AWS's SDKs encode them",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(runtime, endpointConfig(upstream.url));
    upstream.always(jsonAnswer(400, { message: "seen" }));
    for (const [index, [inPath, expected]] of IDS.entries()) {
      await sendBytes(program.url, `POST /model/${inPath}/invoke`, { headers: {}, body: ODD });
      const sent = await upstream.requestAt(index);
      assert.equal(sent.startLine, `POST /model/${expected}/invoke HTTP/1.1`);
      assertSigned(sent, upstream.url);
    }
  },
);

forEachRuntime(
  "a session token is sent and signed; an API key is sent as a bearer token without a signature",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    upstream.always(jsonAnswer(400, { message: "seen" }));
    const config = endpointConfig(upstream.url);
    const withToken = config.replace(`${SECRET_KEY} }`, `${SECRET_KEY}, session_token: session-1 }`);
    {
      await using program = await startProgram(runtime, withToken);
      await sendBytes(program.url, CONVERSE.line, { headers: {}, body: ODD });
      const sent = await upstream.requestAt(0);
      assert.equal(sent.headers.get("x-amz-security-token"), "session-1");
      assertSigned(sent, upstream.url, "session-1");
    }
    const withApiKey = config.replace(/credentials: .*/, "credentials: { api_key: bedrock-key-1 }");
    await using program = await startProgram(runtime, withApiKey);
    await sendBytes(program.url, CONVERSE.line, { headers: {}, body: ODD });
    const sent = await upstream.requestAt(1);
    assert.equal(sent.headers.get("authorization"), "Bearer bedrock-key-1");
    assert.equal(sent.headers.get("x-amz-date"), null);
  },
);

/** A response of bytes, with headers that a client may use. */
function bytesAnswer(status: number, body: Uint8Array, headers: Record<string, string>): Answer {
  return async (exchange) => {
    await exchange.head(status, { ...headers, "Content-Length": String(body.length) });
    await exchange.write(body);
  };
}

const ANSWERS: readonly (readonly [status: number, headers: Record<string, string>, body: Uint8Array])[] = [
  [200, {
    "content-type": "application/json",
    "x-amzn-requestid": "r-1",
    "x-amzn-bedrock-input-token-count": "7",
  }, ODD],
  [200, { "content-type": "application/json", "content-encoding": "gzip" }, new Uint8Array(gzipSync(ODD))],
  [400, {
    "content-type": "application/json",
    "x-amzn-errortype": "ValidationException:http://internal.amazon.com/",
  }, encodeUtf8('{"message" : "arn:aws:iam::123456789012:role/x"}')],
  [
    429,
    { "content-type": "application/json", "x-amzn-errortype": "ThrottlingException", "retry-after": "7" },
    encodeUtf8("{}"),
  ],
  [424, { "x-amzn-errortype": "ModelErrorException" }, new Uint8Array()],
  [502, { "content-type": "text/html" }, encodeUtf8("<html>")],
];

forEachRuntime("a response is returned byte for byte, refusals included", async (runtime, t) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url));
  for (const [status, headers, body] of ANSWERS) {
    for (const operation of ["converse", "invoke"]) {
      await t.step(`${status} ${JSON.stringify(headers)} ${operation}`, async () => {
        upstream.script(bytesAnswer(status, body, headers));
        const answer = await sendBytes(program.url, `POST /model/claude/${operation}`, {
          headers: {},
          body: ODD,
        });
        assert.equal(statusOf(answer), status);
        assert.deepEqual(answer.body, body);
        for (const [name, value] of Object.entries(headers)) {
          assert.equal(answer.headers.get(name), value, name);
        }
        assert.equal(answer.headers.get("x-adit-error"), null);
      });
    }
  }
});

const STREAMS: Readonly<Record<string, readonly Uint8Array<ArrayBuffer>[]>> = {
  "converse-stream": converseFrames("one", "two", "three"),
  "invoke-with-response-stream": invokeFrames({ type: "one" }, { type: "two" }, CLAUDE_STOP),
};

for (const [operation, frames] of Object.entries(STREAMS)) {
  forEachRuntime(`each frame of ${operation} comes at once, and all of them unchanged`, async (runtime) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(runtime, endpointConfig(upstream.url));
    // A frame is not written until the client has the one before.
    const turns = frames.map(() => Promise.withResolvers<void>());
    upstream.script(streamAnswer([], {
      headers: { "x-amzn-requestid": "r-2" },
      then: async (exchange) => {
        for (const [index, frame] of frames.entries()) {
          await turns[index]?.promise;
          await exchange.chunk(frame);
        }
        await exchange.end();
      },
    }));
    turns[0]?.resolve();
    const url = `${program.url}/model/claude/${operation}`;
    const response = await fetch(url, { method: "POST", headers: AUTHORIZED, body: "{}" });
    assert.equal(response.headers.get("content-type"), "application/vnd.amazon.eventstream");
    assert.equal(response.headers.get("x-amzn-requestid"), "r-2");
    const reader = response.body?.getReader() ?? assert.fail("no body");
    let seen = new Uint8Array();
    for (const index of frames.keys()) {
      turns[index]?.resolve();
      const expected = joined(...frames.slice(0, index + 1));
      while (seen.length < expected.length) {
        const { value } = await reader.read();
        seen = joined(seen, value ?? assert.fail("ended early"));
      }
      assert.deepEqual(seen, expected);
    }
    assert.equal((await reader.read()).done, true);
  });
}
