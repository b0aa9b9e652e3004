/** Requests that the caller has signed for AWS itself, on their way to a provider that leaves the signing to the caller. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { Secret } from "../../../lib/base/secret.ts";
import { verifySignature } from "../../../lib/aws/sigv4/verify.ts";
import type { BedrockProvider } from "../../../lib/snapshot/provider.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { signedHeaders, type SignOptions } from "../../fakes/signed.ts";
import { caller, model, native, provider, snapshot } from "../../fakes/snapshot.ts";
import { START_MS } from "../../fakes/time.ts";

const ACCESS_KEY_ID = "AKIACALLERSOWN";
const SECRET = new Secret("the-callers-own-secret");

/** A provider that signs nothing. */
function signedElsewhere(name: string, region: string): BedrockProvider {
  return { ...provider(name, region) as BedrockProvider, credentials: { kind: "caller" } };
}

const EAST = signedElsewhere("east", "us-east-1");
const WEST = provider("west", "eu-west-1");
const CALLER = caller("search", {
  models: new Set(["haiku", "nova", "opus"]),
  native: native(["us-east-1", "eu-west-1"], ["amazon.*", "arn:*"]),
});
const CONFIG = snapshot({
  models: [model("haiku", EAST), model("opus", WEST), model("nova", EAST, "amazon.nova-lite-v1:0")],
  callers: [CALLER],
});

const AWS = "https://bedrock-runtime.us-east-1.amazonaws.com";
const CLOUDFLARE = "/v1/account/gateway/aws-bedrock/bedrock-runtime/us-east-1";
const PATH = "/model/amazon.nova-lite-v1:0/invoke";
const BODY = '{ "inputText" : "grüße" }';

/** Signed for AWS's own URL, and then the caller's key is added. */
async function sign(options: Partial<SignOptions> = {}): Promise<Record<string, string>> {
  const signed = await signedHeaders({
    url: AWS + PATH,
    body: BODY,
    accessKeyId: ACCESS_KEY_ID,
    secretAccessKey: SECRET.reveal(),
    region: "us-east-1",
    nowMs: START_MS,
    ...options,
  });
  return { ...signed, "cf-aig-authorization": `Bearer ${CALLER.key}` };
}

const TARGETS: readonly (readonly [path: string, prefix: string])[] = [
  [PATH, CLOUDFLARE],
  [PATH, ""],
  [PATH, "/bedrock"],
  [PATH, "//aws-bedrock//bedrock-runtime/us-east-1"],
  ["/model/amazon.nova-lite-v1%3a0/converse", CLOUDFLARE],
  ["/model/arn:aws:bedrock:us-east-1:123456789012:inference-profile/amazon.x/converse", CLOUDFLARE],
  ["/model//amazon.nova/converse/", CLOUDFLARE],
  ["/model/amazon.nova-lite-v1:0/count-tokens?b=2&a=%20x&&c", CLOUDFLARE],
  ["/guardrail-checks/invoke", CLOUDFLARE],
];

for (const [path, prefix] of TARGETS) {
  Deno.test(`${prefix}${path} reaches AWS as it was signed, byte for byte`, async () => {
    const gateway = startGateway(CONFIG);
    const headers = await sign({ url: AWS + path });
    const { response } = gateway.send(prefix + path, { headers, body: BODY });
    const { url, init, ...call } = await gateway.bedrock.call(0);
    equal(url, AWS + path);
    deepEqual(init.body, encodeUtf8(BODY));
    equal(init.headers.has("cf-aig-authorization"), false);
    const received = { method: "POST", url, headers: init.headers, body: encodeUtf8(BODY) };
    const verified = verifySignature(received, {
      nowMs: START_MS,
      findSecret: (id) => id === ACCESS_KEY_ID ? { secretAccessKey: SECRET } : undefined,
    });
    deepEqual(verified, { ok: true, accessKeyId: ACCESS_KEY_ID, region: "us-east-1" });
    call.answerWhole(200, "{}");
    equal((await response).status, 200);
    await gateway.expectSettled(1);
  });
}

Deno.test("every signed header is passed on, and of the others only Bedrock's own and those about the body", async () => {
  const gateway = startGateway(CONFIG);
  const signed = await sign({
    headers: { "user-agent": "mine/1", "x-team": "search", "amz-sdk-request": "attempt=1", "accept": "*/*" },
    allHeaders: true,
  });
  const headers = {
    ...signed,
    "content-type": "application/json",
    "x-amzn-bedrock-trace": "ENABLED",
    "x-forwarded-for": "10.0.0.1",
    "x-api-key": "another",
    "cookie": "a=b",
  };
  const { response } = gateway.send(CLOUDFLARE + PATH, { headers, body: BODY });
  const { init, ...call } = await gateway.bedrock.call(0);
  const { authorization = "", ...sent } = Object.fromEntries(init.headers);
  match(authorization, new RegExp(`Credential=${ACCESS_KEY_ID}/.*user-agent;.*x-team`));
  deepEqual(sent, {
    "accept": "*/*",
    "amz-sdk-request": "attempt=1",
    "content-type": "application/json",
    "user-agent": "mine/1",
    "x-amz-date": "20261120T090000Z",
    "x-amzn-bedrock-trace": "ENABLED",
    "x-team": "search",
  });
  call.answerWhole(200, "{}");
  await response;
});

Deno.test("a provider with credentials of its own is not sent the caller's signature, but Adit's", async () => {
  const gateway = startGateway(CONFIG);
  const path = "/model/opus/invoke";
  const { response } = gateway.send(path, { headers: await sign(), body: BODY });
  const { init, ...call } = await gateway.bedrock.call(0);
  ok(init.headers.get("authorization")?.includes("Credential=AKIDEXAMPLE/"));
  call.answerWhole(200, "{}");
  await response;
});

interface Refusal {
  readonly name: string;
  readonly options?: Partial<SignOptions>;
  readonly headers?: Record<string, string>;
  readonly target?: string;
  readonly body?: string;
  readonly status: number;
  readonly exception: string;
}

const START = '{"modelId":"amazon.nova-reel-v1:0","modelInput":{}}';

const REFUSALS: readonly Refusal[] = [
  {
    name: "a signature for another region",
    options: { region: "eu-west-1" },
    target: CLOUDFLARE + PATH,
    status: 403,
    exception: "InvalidSignatureException",
  },
  {
    name: "a signature for another service",
    options: { service: "s3" },
    status: 403,
    exception: "InvalidSignatureException",
  },
  {
    name: "a region in the path that is not the caller's",
    target: `/aws-bedrock/bedrock-runtime/us-west-2${PATH}`,
    status: 403,
    exception: "AccessDeniedException",
  },
  {
    name: "an ARN of a region that is not the caller's",
    target: "/model/arn:aws:bedrock:us-west-2:123456789012:inference-profile%2Fx/invoke",
    status: 403,
    exception: "AccessDeniedException",
  },
  {
    name: "a model id that is not the caller's",
    target: "/model/anthropic.x/invoke",
    status: 403,
    exception: "AccessDeniedException",
  },
  {
    name: "a configured name, which AWS does not know",
    target: "/model/haiku/invoke",
    status: 400,
    exception: "ValidationException",
  },
  {
    name: "a signed header that belongs to one connection",
    options: { headers: { "x-forwarded-for": "10.0.0.1" }, allHeaders: true },
    status: 400,
    exception: "ValidationException",
  },
  {
    name: "the caller's key among the signed headers",
    options: { headers: { "cf-aig-authorization": `Bearer ${CALLER.key}` }, allHeaders: true },
    status: 400,
    exception: "ValidationException",
  },
  {
    name: "a path that a URL writes otherwise",
    target: '/model/amazon."x"/invoke',
    status: 400,
    exception: "ValidationException",
  },
  {
    name: "no signature",
    headers: { "x-api-key": CALLER.key },
    status: 403,
    exception: "MissingAuthenticationTokenException",
  },
  {
    name: "a bearer token in the signature's place",
    headers: { authorization: `Bearer ${CALLER.key}` },
    status: 400,
    exception: "IncompleteSignatureException",
  },
  {
    name: "two models to choose from",
    target: "/async-invoke",
    body: START.replace("{", '{"modelId":"anthropic.x",'),
    status: 400,
    exception: "ValidationException",
  },
];

for (const { name, options, headers, target = PATH, body = BODY, status, exception } of REFUSALS) {
  Deno.test(`${name}: refused with ${status} ${exception}, and nothing is sent`, async () => {
    const gateway = startGateway(CONFIG);
    const answer = await gateway.send(target, { headers: headers ?? await sign(options), body }).response;
    deepEqual([answer.status, answer.headers.get("x-amzn-errortype")], [status, exception]);
    equal(gateway.bedrock.calls.length, 0);
    await gateway.expectSettled(1);
  });
}

Deno.test("a job that the caller has signed keeps its body", async () => {
  const gateway = startGateway(CONFIG);
  const headers = await sign({ url: `${AWS}/async-invoke`, body: START });
  const { response } = gateway.send("/async-invoke", { headers, body: START });
  const call = await gateway.bedrock.call(0);
  deepEqual(call.init.body, encodeUtf8(START));
  call.answerWhole(200, "{}");
  await response;
});

Deno.test("routes of other dialects refuse a model whose provider leaves the signing to the caller", async () => {
  const gateway = startGateway(CONFIG);
  const answer = await gateway.send("/v1/chat/completions", {
    headers: { "x-api-key": CALLER.key },
    body: JSON.stringify({ model: "haiku", messages: [{ role: "user", content: "Hi" }] }),
  }).response;
  equal(answer.status, 400);
  match((await answer.json()).error.message, /signed for AWS/);
  equal(gateway.bedrock.calls.length, 0);
});
