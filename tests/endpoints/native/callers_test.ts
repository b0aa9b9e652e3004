/** Callers who sign their requests with the AWS key pair that the configuration gives them. */

import { deepEqual, equal, match } from "node:assert/strict";
import { seal } from "../../../lib/base/secret.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { signedHeaders, type SignOptions } from "../../fakes/signed.ts";
import { caller, model, native, provider, snapshot } from "../../fakes/snapshot.ts";
import { START_MS } from "../../fakes/time.ts";

const ACCESS_KEY_ID = "ADITSEARCHTEAM01";
const SECRET = "search-team-secret-0123456789abcdef";

const PAIR = { accessKeyId: ACCESS_KEY_ID, secretAccessKey: seal(SECRET) };
const EAST = provider("east", "us-east-1");
const WEST = provider("west", "eu-west-1");
const SEARCH = caller("search", {
  models: new Set(["haiku", "opus"]),
  native: native(["us-east-1", "eu-west-1"]),
  aws: PAIR,
});

function configFor(who = SEARCH) {
  return snapshot({ models: [model("haiku", EAST), model("opus", WEST)], callers: [who] });
}

const PATH = "/model/amazon.nova-lite-v1%3A0/invoke";

function sign(options: Partial<SignOptions> = {}) {
  return signedHeaders({
    url: `http://adit.test${PATH}`,
    body: "{}",
    accessKeyId: ACCESS_KEY_ID,
    secretAccessKey: SECRET,
    region: "us-east-1",
    nowMs: START_MS,
    ...options,
  });
}

Deno.test("a signed request is answered, and the upstream sees only Adit's own signature", async () => {
  const gateway = startGateway(configFor());
  const { response } = gateway.send(PATH, { headers: await sign(), body: "{}" });
  const call = await gateway.bedrock.call(0);
  equal(call.url, `https://bedrock-runtime.us-east-1.amazonaws.com${PATH}`);
  const sent = Object.fromEntries(call.init.headers);
  match(sent["authorization"] ?? "", /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\//);
  equal(JSON.stringify(sent).includes(ACCESS_KEY_ID), false);
  call.answerWhole(200, "{}");
  equal((await response).status, 200);
  const [line] = await gateway.logLines();
  equal(line?.["caller"], "search");
});

Deno.test("a signature's region is that of the request, where path and ARN name none", async () => {
  const gateway = startGateway(configFor());
  const { response } = gateway.send(PATH, { headers: await sign({ region: "eu-west-1" }), body: "{}" });
  const call = await gateway.bedrock.call(0);
  equal(new URL(call.url).host, "bedrock-runtime.eu-west-1.amazonaws.com");
  call.answerWhole(200, "{}");
  await response;
});

Deno.test("a signature is good on the routes of the other dialects, too", async () => {
  const gateway = startGateway(configFor());
  const url = "http://adit.test/v1/models";
  const headers = await signedHeaders({
    url,
    method: "GET",
    accessKeyId: ACCESS_KEY_ID,
    secretAccessKey: SECRET,
    region: "us-east-1",
    nowMs: START_MS,
  });
  const answer = await gateway.send("/v1/models", { method: "GET", headers }).response;
  equal(answer.status, 200);
  equal((await answer.json()).data.length, 2);
});

type Forgery = Partial<SignOptions> & {
  readonly target?: string;
  readonly sent?: Record<string, string>;
  readonly sentBody?: string;
  readonly caller?: typeof SEARCH;
};

const FORGERIES: readonly (readonly [name: string, forgery: Forgery, status: number, exception: string])[] = [
  ["a wrong secret", { secretAccessKey: "x".repeat(32) }, 403, "InvalidSignatureException"],
  ["an access key id that is nobody's", { accessKeyId: "NOBODY" }, 403, "UnrecognizedClientException"],
  ["another body", { sentBody: '{"a":1}' }, 403, "InvalidSignatureException"],
  ["another path", { target: PATH.replace("lite", "pro") }, 403, "InvalidSignatureException"],
  ["a parameter more", { target: `${PATH}?a=1` }, 403, "InvalidSignatureException"],
  ["another authority", { url: `http://other.test${PATH}` }, 403, "InvalidSignatureException"],
  ["another time", { sent: { "x-amz-date": "20261120T090001Z" } }, 403, "InvalidSignatureException"],
  ["a time long past", { nowMs: START_MS - 5 * 60_000 - 1000 }, 403, "InvalidSignatureException"],
  ["a time to come", { nowMs: START_MS + 5 * 60_000 + 1000 }, 403, "InvalidSignatureException"],
  ["another service", { service: "s3" }, 403, "InvalidSignatureException"],
  ["a session token", { sent: { "x-amz-security-token": "t" } }, 403, "UnrecognizedClientException"],
  [
    "a changed header that was signed",
    { headers: { "x-amzn-bedrock-trace": "ENABLED" }, sent: { "x-amzn-bedrock-trace": "DISABLED" } },
    403,
    "InvalidSignatureException",
  ],
  [
    "an announced hash of another body",
    { sent: { "x-amz-content-sha256": "0".repeat(64) } },
    403,
    "InvalidSignatureException",
  ],
  [
    "no signature in its header",
    { sent: { authorization: "AWS4-HMAC-SHA256 Credential=x/20261120/us-east-1/bedrock/aws4_request" } },
    400,
    "IncompleteSignatureException",
  ],
  ["an expired caller", { caller: { ...SEARCH, expiresAtMs: START_MS } }, 403, "ExpiredTokenException"],
  ["a disabled caller", { caller: { ...SEARCH, disabled: true } }, 403, "UnrecognizedClientException"],
  ["a region that is not the caller's", { region: "us-west-2" }, 403, "AccessDeniedException"],
];

for (const [name, forgery, status, exception] of FORGERIES) {
  Deno.test(`a signed request with ${name} is refused with ${status} ${exception}, and nothing is sent`, async () => {
    const { target = PATH, sent = {}, sentBody = "{}", caller = SEARCH, ...options } = forgery;
    const gateway = startGateway(configFor(caller));
    const headers = { ...await sign(options), ...sent };
    const answer = await gateway.send(target, { headers, body: sentBody }).response;
    deepEqual([answer.status, answer.headers.get("x-amzn-errortype")], [status, exception]);
    equal(typeof (await answer.json()).message, "string");
    equal(gateway.bedrock.calls.length, 0);
    await gateway.expectSettled(1);
  });
}

Deno.test("the body of a request that nobody's access key id has signed is not read", async () => {
  const gateway = startGateway(configFor());
  let pulls = 0;
  const body = new ReadableStream({
    pull: () => {
      pulls++;
    },
  }, { highWaterMark: 0 });
  const headers = await sign({ accessKeyId: "NOBODY" });
  const answer = await gateway.send(PATH, { headers, body }).response;
  equal(answer.headers.get("x-amzn-errortype"), "UnrecognizedClientException");
  equal(pulls, 0);
});

Deno.test("the body of a signed request is bounded, whether or not the signature is good", async () => {
  const config = configFor();
  const gateway = startGateway({ ...config, limits: { ...config.limits, bodyBytes: 10 } });
  const answer = await gateway.send(PATH, { headers: await sign(), body: "x".repeat(11) }).response;
  equal(answer.status, 413);
});
