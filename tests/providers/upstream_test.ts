/** Addresses of providers, and authentication to them. */

import { deepEqual, equal } from "node:assert/strict";
import { verifySignature } from "../../lib/aws/sigv4/verify.ts";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { seal, unseal } from "../../lib/base/secret.ts";
import type { BedrockProvider, Provider } from "../../lib/snapshot/provider.ts";
import type { Operation } from "../../lib/providers/bedrock/operations.ts";
import { ProviderCredentials } from "../../lib/providers/bedrock/provider_credentials.ts";
import { Upstream } from "../../lib/providers/upstream.ts";
import { scriptedFetch } from "../fakes/fetch.ts";
import { SILENT } from "../fakes/log.ts";
import { provider, TIMEOUTS } from "../fakes/snapshot.ts";
import { fakeTime, START_MS } from "../fakes/time.ts";

const SECRET = seal("upstream-secret-key");
const BODY = encodeUtf8('{"messages":[]}');

function setUp() {
  const bedrock = scriptedFetch();
  const emulator = scriptedFetch();
  const time = fakeTime();
  const upstream = new Upstream({
    ...time,
    credentials: new ProviderCredentials({ ...time, logger: SILENT }),
    fetch: bedrock.fetch,
    emulator: { fetch: emulator.fetch, accessKeyId: "EMULATOR", secretAccessKey: unseal(SECRET) },
    probe: undefined,
    userAgent: "adit/test",
  });
  function open(
    from: Provider,
    modelId = "m",
    operation: Operation = "converse",
    headers?: HeadersInit,
  ): void {
    const call = { operation, body: BODY, ...(headers && { headers: new Headers(headers) }) };
    upstream.open({ provider: from, modelId, settings: undefined }, call, TIMEOUTS);
  }
  return { open, bedrock, emulator };
}

function bedrockProvider(overrides: Partial<BedrockProvider>): BedrockProvider {
  return { ...provider("east", "us-east-1"), ...overrides };
}

const HOST = "https://bedrock-runtime.us-east-1.amazonaws.com";

const URLS: readonly (readonly [Partial<BedrockProvider>, modelId: string, Operation, url: string])[] = [
  [{}, "amazon.nova-micro-v1:0", "converse", `${HOST}/model/amazon.nova-micro-v1%3A0/converse`],
  [{}, "m", "converseStream", `${HOST}/model/m/converse-stream`],
  [{}, "m", "invoke", `${HOST}/model/m/invoke`],
  [{}, "m", "invokeStream", `${HOST}/model/m/invoke-with-response-stream`],
  [
    {},
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x",
    "invoke",
    `${HOST}/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.x/invoke`,
  ],
  [{}, "a!'()*~ +%/ü?#", "invoke", `${HOST}/model/a%21%27%28%29%2A~%20%2B%25%2F%C3%BC%3F%23/invoke`],
  [{ fips: true }, "m", "invoke", "https://bedrock-runtime-fips.us-east-1.amazonaws.com/model/m/invoke"],
  [{ endpoint: "http://10.0.0.1:8000/gw" }, "m", "invoke", "http://10.0.0.1:8000/gw/model/m/invoke"],
];

for (const [overrides, modelId, operation, url] of URLS) {
  Deno.test(`${operation} of "${modelId}" goes to ${url}, and its signature is good`, async () => {
    const { open, bedrock } = setUp();
    open(bedrockProvider(overrides), modelId, operation);
    const { init, ...call } = await bedrock.call(0);
    equal(call.url, url);
    equal(init.method, "POST");
    equal(init.headers.get("user-agent"), "adit/test");
    deepEqual(init.body, BODY);
    const received = { method: "POST", url, headers: init.headers, body: BODY };
    const verified = verifySignature(received, {
      nowMs: START_MS,
      findSecret: (id) => id === "AKIDEXAMPLE" ? { secretAccessKey: unseal(SECRET) } : undefined,
      region: "us-east-1",
    });
    equal(verified.ok, true);
  });
}

Deno.test("headers of the call are sent, and those of Bedrock are signed", async () => {
  const { open, bedrock } = setUp();
  open(bedrockProvider({}), "m", "invoke", { accept: "image/png", "x-amzn-bedrock-trace": "ENABLED" });
  const { init } = await bedrock.call(0);
  equal(init.headers.get("accept"), "image/png");
  equal(init.headers.get("x-amzn-bedrock-trace"), "ENABLED");
  equal(init.headers.get("authorization")?.includes("host;x-amz-date;x-amzn-bedrock-trace"), true);
});

Deno.test("a call without headers has those of a JSON body, whatever other calls to the same model have", async () => {
  const { open, bedrock } = setUp();
  const others = { "content-type": "text/plain", "x-amzn-bedrock-trace": "ENABLED" };
  for (const headers of [undefined, others, undefined, others, undefined]) {
    open(bedrockProvider({}), "m", "invoke", headers);
  }
  const sent = await Promise.all([0, 1, 2, 3, 4].map((index) => bedrock.call(index)));
  deepEqual(
    sent.map(({ init: { headers } }) => [headers.get("content-type"), headers.get("x-amzn-bedrock-trace")])
      .sort(),
    [
      ["application/json", null],
      ["application/json", null],
      ["application/json", null],
      ["text/plain", "ENABLED"],
      ["text/plain", "ENABLED"],
    ],
  );
  for (const { init: { headers } } of sent) {
    const signed = /SignedHeaders=([^,]+)/.exec(headers.get("authorization") ?? "")?.[1];
    equal(signed, `host;x-amz-date${headers.has("x-amzn-bedrock-trace") ? ";x-amzn-bedrock-trace" : ""}`);
  }
});

Deno.test("an API key is sent as a bearer token", async () => {
  const { open, bedrock } = setUp();
  open(bedrockProvider({ credentials: { kind: "api_key", key: seal("ABSKkey") } }));
  const { init } = await bedrock.call(0);
  equal(init.headers.get("authorization"), "Bearer ABSKkey");
  equal(init.headers.has("x-amz-date"), false);
});

Deno.test("temporary credentials are sent with their session token", async () => {
  const { open, bedrock } = setUp();
  open(bedrockProvider({
    credentials: {
      kind: "static",
      accessKeyId: "ASIAEXAMPLE",
      secretAccessKey: SECRET,
      sessionToken: seal("session"),
    },
  }));
  const { init } = await bedrock.call(0);
  equal(init.headers.get("x-amz-security-token"), "session");
});

Deno.test("the emulator is reached by its own fetch, signed with its own key", async () => {
  const { open, bedrock, emulator } = setUp();
  open({ kind: "emulator", name: "local", region: "eu-west-1", quotas: [] });
  const { url, init } = await emulator.call(0);
  equal(url, "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse");
  equal(init.headers.get("authorization")?.includes("Credential=EMULATOR/20261120/eu-west-1/"), true);
  equal(bedrock.calls.length, 0);
});
