import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { AwsClient } from "aws4fetch";
import assert from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { Secret } from "../../../lib/base/secret.ts";
import type { ReceivedRequest } from "../../../lib/aws/sigv4/canonical.ts";
import { sigV4Signer } from "../../../lib/aws/sigv4/sign.ts";
import { type SigningSecret, type Verification, verifySignature } from "../../../lib/aws/sigv4/verify.ts";

const ACCESS_KEY_ID = "ADITEXAMPLE";
const SECRET_ACCESS_KEY = "secret/with+signs=";
const SESSION_TOKEN = "session//token+==";

const PLAIN: SigningSecret = { secretAccessKey: new Secret(SECRET_ACCESS_KEY) };
const TEMPORARY: SigningSecret = { ...PLAIN, sessionToken: new Secret(SESSION_TOKEN) };

function verify(
  request: ReceivedRequest,
  options: { secret?: SigningSecret; nowMs?: number; region?: string } = {},
): Verification {
  return verifySignature(request, {
    nowMs: options.nowMs ?? Date.now(),
    findSecret: (id) => id === ACCESS_KEY_ID ? options.secret ?? PLAIN : undefined,
    ...(options.region === undefined ? {} : { region: options.region }),
  });
}

/** The requests that `send` makes to a listener which answers each with `{}`. */
async function capture(send: (endpoint: string) => Promise<unknown>): Promise<ReceivedRequest[]> {
  const captured: ReceivedRequest[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { method, url } = request;
    // Deno's own headers object is gone once the answer is sent.
    const headers = new Headers(request.headers);
    captured.push({ method, url, headers, body: new Uint8Array(await request.arrayBuffer()) });
    return new Response("{}", { headers: { "content-type": "application/json" } });
  });
  try {
    await send(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
  return captured;
}

const MODEL_IDS = [
  "amazon.nova-micro-v1:0",
  "us.anthropic.claude-haiku-4-5-20251001-v1:0",
  "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdef123456",
  "weird!'()*~ x+y/ü%3A&?#;,",
];

const HANDLERS = ["HTTP/2", "HTTP/1.1"] as const;

function clientConfig(handler: (typeof HANDLERS)[number], endpoint: string): BedrockRuntimeClientConfig {
  return {
    region: "us-east-1",
    endpoint,
    maxAttempts: 1,
    disableClockSkewCorrection: true,
    ...(handler === "HTTP/1.1" ? { requestHandler: new NodeHttpHandler() } : {}),
  } as BedrockRuntimeClientConfig;
}

for (const handler of HANDLERS) {
  for (const secret of [PLAIN, TEMPORARY]) {
    const credentials = {
      accessKeyId: ACCESS_KEY_ID,
      secretAccessKey: SECRET_ACCESS_KEY,
      ...(secret === TEMPORARY ? { sessionToken: SESSION_TOKEN } : {}),
    };
    const kind = secret === TEMPORARY ? "temporary" : "permanent";
    Deno.test(`the AWS SDK's requests over ${handler} with ${kind} credentials are accepted`, async () => {
      const requests = await capture(async (endpoint) => {
        for (const base of [endpoint, `${endpoint}/gw/`, `${endpoint}/gw//b`]) {
          const client = new BedrockRuntimeClient({ ...clientConfig(handler, base), credentials });
          for (const modelId of MODEL_IDS) {
            const messages = [{ role: "user" as const, content: [{ text: "grüße" }] }];
            await client.send(new ConverseCommand({ modelId, messages }));
            await client.send(new ConverseStreamCommand({ modelId, messages })).catch(() => undefined);
            await client.send(new InvokeModelCommand({ modelId, body: encodeUtf8("{}"), trace: "ENABLED" }));
            await client.send(new InvokeModelCommand({ modelId, body: new Uint8Array() }));
          }
          client.destroy();
        }
      });
      assert.equal(requests.length, 3 * 4 * MODEL_IDS.length);
      for (const request of requests) {
        assert.deepEqual(verify(request, { secret }), {
          ok: true,
          accessKeyId: ACCESS_KEY_ID,
          region: "us-east-1",
        }, request.url);
      }
    });
  }
}

const RAW_PATHS = [
  "/model/amazon.nova-micro-v1:0/converse",
  "/model/amazon.nova-micro-v1%3A0/converse",
  "/model/arn:aws:bedrock:us-east-1:1:inference-profile%2Fus.x/invoke",
  "//model//m/converse/",
  "/async-invoke?maxResults=5&nextToken=a%2Fb%20c%3D&sortBy=SubmissionTime&a&maxResults=4",
  "/",
];

for (const sessionToken of [undefined, SESSION_TOKEN]) {
  Deno.test(`aws4fetch's requests ${sessionToken ? "with" : "without"} session token are accepted`, async () => {
    const client = new AwsClient({
      accessKeyId: ACCESS_KEY_ID,
      secretAccessKey: SECRET_ACCESS_KEY,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: "bedrock",
      region: "eu-west-1",
      retries: 0,
    });
    const requests = await capture(async (endpoint) => {
      for (const path of RAW_PATHS) {
        for (const init of [{ method: "POST", body: "{}", headers: { "x-extra": " a   b " } }, {}]) {
          const response = await client.fetch(endpoint + path, init);
          await response.body?.cancel();
        }
      }
    });
    assert.equal(requests.length, RAW_PATHS.length * 2);
    for (const request of requests) {
      const result = verify(request, { secret: sessionToken ? TEMPORARY : PLAIN });
      assert.deepEqual(result, { ok: true, accessKeyId: ACCESS_KEY_ID, region: "eu-west-1" }, request.url);
    }
  });
}

const NOW = Date.UTC(2026, 10, 20, 9, 30);
const URL_SIGNED = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m%3A0/converse?a=1";

/** A request as `lib/aws/sigv4/sign.ts` signs it. */
async function signed(secret: SigningSecret = PLAIN): Promise<ReceivedRequest> {
  const body = encodeUtf8(`{"messages":[]}`);
  const sign = sigV4Signer({ region: "us-east-1", accessKeyId: ACCESS_KEY_ID, ...secret });
  const headers = await sign({
    method: "POST",
    url: URL_SIGNED,
    headers: new Headers({ "x-amzn-bedrock-trace": "ENABLED", "user-agent": "test" }),
    body,
  }, NOW);
  return { method: "POST", url: URL_SIGNED, headers, body };
}

function withHeader(request: ReceivedRequest, name: string, value: string | undefined): ReceivedRequest {
  const headers = new Headers(request.headers);
  if (value === undefined) headers.delete(name);
  else headers.set(name, value);
  return { ...request, headers };
}

function editAuthorization(request: ReceivedRequest, from: string | RegExp, to: string): ReceivedRequest {
  const header = request.headers.get("authorization") ?? "";
  assert.notEqual(header.replace(from, to), header);
  return withHeader(request, "authorization", header.replace(from, to));
}

Deno.test("this project's own signer and verifier agree", async () => {
  const accepted = { ok: true, accessKeyId: ACCESS_KEY_ID, region: "us-east-1" };
  assert.deepEqual(verify(await signed(), { nowMs: NOW }), accepted);
  assert.deepEqual(verify(await signed(TEMPORARY), { nowMs: NOW, secret: TEMPORARY }), accepted);
  assert.deepEqual(verify(await signed(), { nowMs: NOW, region: "us-east-1" }), accepted);
});

Deno.test("headers that are not signed may change", async () => {
  const request = withHeader(await signed(), "user-agent", "other");
  assert.equal(verify(withHeader(request, "x-forwarded-for", "10.0.0.1"), { nowMs: NOW }).ok, true);
});

const MISMATCH = /^The request signature we calculated does not match/;

const TAMPERED: readonly [
  what: string,
  change: (request: ReceivedRequest) => ReceivedRequest,
  name: string,
  message: RegExp,
][] = [
  ["the method", (r) => ({ ...r, method: "PUT" }), "InvalidSignatureException", MISMATCH],
  [
    "the host",
    (r) => ({ ...r, url: r.url.replace("us-east-1", "us-west-2") }),
    "InvalidSignatureException",
    MISMATCH,
  ],
  [
    "the path",
    (r) => ({ ...r, url: r.url.replace("m%3A0", "n%3A0") }),
    "InvalidSignatureException",
    MISMATCH,
  ],
  [
    "an escape of the path",
    (r) => ({ ...r, url: r.url.replace("%3A", ":") }),
    "InvalidSignatureException",
    MISMATCH,
  ],
  ["the query", (r) => ({ ...r, url: r.url.replace("a=1", "a=2") }), "InvalidSignatureException", MISMATCH],
  [
    "an added parameter",
    (r) => ({ ...r, url: `${r.url}&b=1` }),
    "InvalidSignatureException",
    MISMATCH,
  ],
  ["the body", (r) => ({ ...r, body: encodeUtf8("{}") }), "InvalidSignatureException", MISMATCH],
  [
    "a signed header",
    (r) => withHeader(r, "x-amzn-bedrock-trace", "DISABLED"),
    "InvalidSignatureException",
    MISMATCH,
  ],
  [
    "a signed header that is gone",
    (r) => withHeader(r, "x-amzn-bedrock-trace", undefined),
    "InvalidSignatureException",
    MISMATCH,
  ],
  [
    "the announced body hash",
    (r) => withHeader(r, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
    "InvalidSignatureException",
    /must be a 'SignedHeader'/,
  ],
  [
    "an announced body hash that is another body's",
    (r) => withHeader(r, "x-amz-content-sha256", "0".repeat(64)),
    "InvalidSignatureException",
    /must be a 'SignedHeader'/,
  ],
  [
    "the signature",
    (r) => editAuthorization(r, /Signature=./, "Signature=x"),
    "InvalidSignatureException",
    MISMATCH,
  ],
  [
    "an empty list of signed headers",
    (r) => editAuthorization(r, /SignedHeaders=[^,]*/, "SignedHeaders=x-amz-date"),
    "InvalidSignatureException",
    /must be a 'SignedHeader'/,
  ],
  [
    "a signed header name that HTTP does not allow",
    (r) => editAuthorization(r, "SignedHeaders=host", "SignedHeaders=host;a:b"),
    "InvalidSignatureException",
    MISMATCH,
  ],
  [
    "the signing time",
    (r) => withHeader(r, "x-amz-date", "20261120T093001Z"),
    "InvalidSignatureException",
    MISMATCH,
  ],
  [
    "a scope of another day",
    (r) => editAuthorization(r, "/20261120/", "/20261119/"),
    "InvalidSignatureException",
    /^Date in Credential scope .*'20261119' != '20261120'/,
  ],
  [
    "a scope of no day",
    (r) => editAuthorization(r, "/20261120/", "//"),
    "InvalidSignatureException",
    /^Date in Credential scope/,
  ],
  [
    "a scope of another region",
    (r) => editAuthorization(r, "/us-east-1/", "/us-west-2/"),
    "InvalidSignatureException",
    MISMATCH,
  ],
  [
    "a scope of another service",
    (r) => editAuthorization(r, "/bedrock/", "/s3/"),
    "InvalidSignatureException",
    /correct service: 'bedrock'/,
  ],
  [
    "another terminator",
    (r) => editAuthorization(r, "aws4_request", "aws5_request"),
    "InvalidSignatureException",
    /not 'aws5_request'/,
  ],
  [
    "an unreadable time",
    (r) => withHeader(r, "x-amz-date", "2026-11-20T09:30:00Z"),
    "InvalidSignatureException",
    /^Date must be in ISO-8601/,
  ],
  [
    "an unknown access key",
    (r) => editAuthorization(r, ACCESS_KEY_ID, "OTHER"),
    "UnrecognizedClientException",
    /^The security token included in the request is invalid\.$/,
  ],
  [
    "a session token that was not issued",
    (r) => withHeader(r, "x-amz-security-token", "x"),
    "UnrecognizedClientException",
    /invalid/,
  ],
  ...["x-amz-target", "x-amzn-bedrock-service-tier", "anthropic-beta"].map((
    name,
  ): typeof TAMPERED[number] => [
    `an added header ${name}`,
    (r) => withHeader(r, name, "x"),
    "InvalidSignatureException",
    new RegExp(`^'${name}' must be a 'SignedHeader'`),
  ]),
  [
    "no authorization",
    (r) => withHeader(r, "authorization", undefined),
    "MissingAuthenticationTokenException",
    /^Missing Authentication Token$/,
  ],
  [
    "another algorithm",
    (r) => editAuthorization(r, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
    "IncompleteSignatureException",
    /'AWS4-HMAC-SHA1'/,
  ],
  [
    "an authorization without signature",
    (r) => editAuthorization(r, /, Signature=.*/, ""),
    "IncompleteSignatureException",
    /requires 'Signature' parameter\.$/,
  ],
  [
    "a credential without scope",
    (r) => editAuthorization(r, /Credential=[^,]*/, "Credential=x"),
    "IncompleteSignatureException",
    /5 slash-delimited/,
  ],
];

for (const [what, change, name, message] of TAMPERED) {
  Deno.test(`a signed request is refused after a change of ${what}`, async () => {
    const result = verify(change(await signed()), { nowMs: NOW });
    assert.ok(!result.ok);
    assert.equal(result.error.name, name);
    assert.match(result.error.message, message);
    assert.equal(result.error.status, name === "IncompleteSignatureException" ? 400 : 403);
  });
}

Deno.test("the signing time may be five minutes off either way, and no more", async () => {
  const request = await signed();
  const at = (offsetMs: number) => verify(request, { nowMs: NOW + offsetMs });
  assert.equal(at(5 * 60_000).ok, true);
  assert.equal(at(-5 * 60_000).ok, true);
  const late = at(5 * 60_000 + 1000);
  assert.ok(!late.ok);
  assert.equal(
    late.error.message,
    "Signature expired: 20261120T093000Z is now earlier than 20261120T093001Z (20261120T093501Z - 5 min.)",
  );
  const early = at(-5 * 60_000 - 1000);
  assert.ok(!early.ok);
  assert.match(early.error.message, /^Signature not yet current: /);
});

Deno.test("temporary credentials are refused without their token and after their end", async () => {
  const bare = verify(await signed(), { nowMs: NOW, secret: TEMPORARY });
  assert.ok(!bare.ok);
  assert.equal(bare.error.name, "UnrecognizedClientException");
  const expired = verify(await signed(TEMPORARY), { nowMs: NOW, secret: { ...TEMPORARY, expiresAtMs: NOW } });
  assert.ok(!expired.ok);
  assert.equal(expired.error.name, "ExpiredTokenException");
});

Deno.test("a scope of another region than the listener's is refused", async () => {
  const result = verify(await signed(), { nowMs: NOW, region: "eu-west-1" });
  assert.ok(!result.ok);
  assert.equal(result.error.message, "Credential should be scoped to a valid region.");
});

Deno.test("an unsigned payload is accepted where the signer announced it", async () => {
  const base = await signed();
  const client = new AwsClient({
    accessKeyId: ACCESS_KEY_ID,
    secretAccessKey: SECRET_ACCESS_KEY,
    service: "bedrock",
    region: "us-east-1",
  });
  const request = await client.sign(base.url, {
    method: "POST",
    headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
  });
  const received = { ...base, headers: request.headers };
  assert.equal(verify(received).ok, true);
  assert.equal(verify({ ...received, body: encodeUtf8("another") }).ok, true);
});
