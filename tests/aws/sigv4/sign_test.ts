/** The signers, against AWS's own implementation and against our verifier. */

import { SignatureV4 } from "@smithy/signature-v4";
import { deepEqual, equal, notEqual } from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import {
  bearerSigner,
  type SignableRequest,
  type SigningKey,
  sigV4Signer,
} from "../../../lib/aws/sigv4/sign.ts";
import { verifySignature } from "../../../lib/aws/sigv4/verify.ts";
import { EMPTY, encodeUtf8 } from "../../../lib/base/bytes.ts";
import { Secret } from "../../../lib/base/secret.ts";

const NOW_MS = Date.UTC(2026, 10, 20, 9, 0, 0, 123);
const ORIGIN = "https://bedrock-runtime.us-east-1.amazonaws.com";
const SESSION_TOKEN = "session//token+==";

const KEY: SigningKey = {
  region: "us-east-1",
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: new Secret("secret/with+signs="),
};
const TEMPORARY: SigningKey = { ...KEY, sessionToken: new Secret(SESSION_TOKEN) };

function request(overrides: Partial<SignableRequest> = {}): SignableRequest {
  return {
    method: "POST",
    url: `${ORIGIN}/model/anthropic.claude-x-v1%3A0/converse`,
    headers: new Headers({ "content-type": "application/json" }),
    body: encodeUtf8('{"messages":[]}'),
    ...overrides,
  };
}

/** SHA-256 and HMAC in the SDK's form. */
class NodeSha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()));
  }

  reset(): void {}
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return encodeUtf8(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** The headers that AWS's signer returns, given only the headers that ours signs. */
async function awsAuthorization(key: SigningKey, { method, url, headers, body }: SignableRequest) {
  const { protocol, hostname, port, pathname } = new URL(url);
  const signer = new SignatureV4({
    service: "bedrock",
    region: key.region,
    credentials: {
      accessKeyId: key.accessKeyId,
      secretAccessKey: key.secretAccessKey.reveal(),
      ...(key.sessionToken === undefined ? {} : { sessionToken: key.sessionToken.reveal() }),
    },
    sha256: NodeSha256,
    applyChecksum: false,
  });
  const bedrockHeaders = [...headers].filter(([name]) => name.startsWith("x-amzn-bedrock-"));
  const signed = await signer.sign({
    method,
    protocol,
    hostname,
    ...(port === "" ? {} : { port: Number(port) }),
    path: pathname,
    query: {},
    headers: { host: new URL(url).host, ...Object.fromEntries(bedrockHeaders) },
    body,
  }, { signingDate: new Date(NOW_MS) });
  return signed.headers["authorization"];
}

const BEDROCK_HEADERS = new Headers({
  "content-type": "application/json",
  "accept": "*/*",
  "user-agent": "adit/1",
  "x-amzn-bedrock-trace": "ENABLED",
  "x-amzn-bedrock-guardrailidentifier": "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc",
  "x-amzn-bedrock-request-metadata": '{"team":  "search"}',
});

const REQUESTS: Readonly<Record<string, SignableRequest>> = {
  "a model id with a colon": request(),
  "a model id with a bare colon": request({ url: `${ORIGIN}/model/amazon.nova-micro-v1:0/invoke` }),
  "an ARN as one segment": request({
    url: `${ORIGIN}/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aprovisioned-model%2Fabc/converse`,
  }),
  "an ARN with a raw slash": request({ url: `${ORIGIN}/model/arn:aws:bedrock:us-east-1::x/abc/invoke` }),
  "odd characters": request({ url: `${ORIGIN}/model/weird%21%27%28%29%2A~%20x%2By%2F%C3%BC%253A/invoke` }),
  "Bedrock's own headers": request({ headers: BEDROCK_HEADERS }),
  "a port and a path prefix": request({ url: "http://127.0.0.1:8123/gw/model/m/converse-stream" }),
  "an empty body": request({ body: EMPTY }),
  "a body of text": request({ body: '{"text":"Grüße, 世界 🌍"}' }),
  "bytes that are no text": request({ body: Uint8Array.of(0, 255, 128, 10, 13, 0) }),
  "a part of a larger buffer": request({ body: encodeUtf8("xx{}xx").subarray(2, 4) }),
};

for (const [name, toSign] of Object.entries(REQUESTS)) {
  for (const [kind, key] of Object.entries({ "a key pair": KEY, "temporary credentials": TEMPORARY })) {
    Deno.test(`the signature over ${name} with ${kind} is AWS's own and passes our verifier`, async () => {
      const headers = await sigV4Signer(key)(toSign, NOW_MS);
      equal(headers.get("authorization"), await awsAuthorization(key, toSign));
      const { method, url, body: sent = EMPTY } = toSign;
      const body = typeof sent === "string" ? encodeUtf8(sent) : sent;
      const verification = verifySignature({ method, url, headers, body }, {
        nowMs: NOW_MS,
        findSecret: (id) => id === key.accessKeyId ? key : undefined,
        region: "us-east-1",
      });
      deepEqual(verification, { ok: true, accessKeyId: "AKIDEXAMPLE", region: "us-east-1" });
    });
  }
}

Deno.test("a request that is signed again is as it was: its own headers stay single, whichever way it is signed", async () => {
  for (const sign of [sigV4Signer(TEMPORARY), bearerSigner(new Secret("ABSKexample"))]) {
    const toSign = request();
    const first = await sign(toSign, NOW_MS);
    const again = await sign(toSign, NOW_MS);
    deepEqual(Object.fromEntries(again), Object.fromEntries(first));
    deepEqual(Object.fromEntries(toSign.headers), { "content-type": "application/json" });
    equal(again.get("content-type"), "application/json");
  }
});

Deno.test("nothing is signed that a proxy may change", async () => {
  const toSign = request({ headers: BEDROCK_HEADERS });
  const headers = await sigV4Signer(TEMPORARY)(toSign, NOW_MS);
  equal(
    /SignedHeaders=([^,]+)/.exec(headers.get("authorization") ?? "")?.[1],
    "host;x-amz-date;x-amz-security-token;x-amzn-bedrock-guardrailidentifier;" +
      "x-amzn-bedrock-request-metadata;x-amzn-bedrock-trace",
  );
  equal(headers.get("x-amz-date"), "20261120T090000Z");
  equal(headers.get("x-amz-security-token"), SESSION_TOKEN);
  for (const [name, value] of BEDROCK_HEADERS) equal(headers.get(name), value);
});

Deno.test("headers of the request never replace those that authenticate it, and are left as they were", async () => {
  const own = new Headers({ authorization: "Bearer stolen", "x-amz-date": "19990101T000000Z" });
  const headers = await sigV4Signer(KEY)(request({ headers: own }), NOW_MS);
  equal(headers.get("authorization")?.startsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/"), true);
  equal(headers.get("x-amz-date"), "20261120T090000Z");
  equal(own.get("authorization"), "Bearer stolen");
});

Deno.test("one signer signs on either side of midnight, and back again", async () => {
  const sign = sigV4Signer(KEY);
  const dayMs = 24 * 3_600_000;
  const toSign = request();
  for (const nowMs of [NOW_MS, NOW_MS + dayMs, NOW_MS, NOW_MS + 2 * dayMs]) {
    const headers = await sign(toSign, nowMs);
    const fresh = await sigV4Signer(KEY)(toSign, nowMs);
    equal(headers.get("authorization"), fresh.get("authorization"));
  }
});

Deno.test("requests that are signed at once on either side of midnight get the key of their own day", async () => {
  const sign = sigV4Signer(KEY);
  const times = [NOW_MS, NOW_MS + 24 * 3_600_000];
  const together = await Promise.all(times.map((nowMs) => sign(request(), nowMs)));
  for (const [index, nowMs] of times.entries()) {
    const alone = await sigV4Signer(KEY)(request(), nowMs);
    equal(together[index]?.get("authorization"), alone.get("authorization"));
  }
});

Deno.test("keys are derived once a day, and yesterday's are not kept", async () => {
  const sign = sigV4Signer(KEY);
  const importKey = crypto.subtle.importKey;
  let derivations = 0;
  // Only the first step of a derivation imports text with this prefix; later ones import bytes.
  crypto.subtle.importKey = function (this: SubtleCrypto, ...args: unknown[]) {
    const [, data] = args;
    if (data instanceof Uint8Array && new TextDecoder().decode(data).startsWith("AWS4")) derivations++;
    return Reflect.apply(importKey, this, args);
  };
  try {
    const dayMs = 24 * 3_600_000;
    const counts: number[] = [];
    for (const nowMs of [NOW_MS, NOW_MS, NOW_MS + 1_000, NOW_MS + dayMs, NOW_MS + dayMs, NOW_MS]) {
      await sign(request(), nowMs);
      counts.push(derivations);
    }
    deepEqual(counts, [1, 1, 1, 2, 2, 3]);
  } finally {
    crypto.subtle.importKey = importKey;
  }
});

Deno.test("concurrent requests of one signer do not mix", async () => {
  const sign = sigV4Signer(KEY);
  const bodies = Array.from({ length: 20 }, (_, index) => encodeUtf8(`{"n":${index}}`));
  const together = await Promise.all(bodies.map((body) => sign(request({ body }), NOW_MS)));
  for (const [index, body] of bodies.entries()) {
    const alone = await sigV4Signer(KEY)(request({ body }), NOW_MS);
    equal(together[index]?.get("authorization"), alone.get("authorization"));
  }
  notEqual(together[0]?.get("authorization"), together[1]?.get("authorization"));
});

Deno.test("requests of one second share nothing but what they have in common, however many they are", async () => {
  const sign = sigV4Signer(TEMPORARY);
  const requests = Array.from(
    { length: 150 },
    (_, index) => request({ url: `${ORIGIN}/model/m${index}/invoke` }),
  );
  const others = [
    request({ method: "GET", url: `${ORIGIN}/model/m0/invoke`, body: EMPTY }),
    request({ url: `${ORIGIN}/model/m0/invoke`, headers: BEDROCK_HEADERS }),
    request({
      url: `${ORIGIN}/model/m0/invoke`,
      headers: new Headers({ "x-amzn-bedrock-trace": "DISABLED" }),
    }),
    request({ url: `${ORIGIN}/model/m0/invoke`, body: encodeUtf8("another") }),
  ];
  for (const toSign of [...requests, ...others, ...requests]) {
    const headers = await sign(toSign, NOW_MS);
    equal(headers.get("authorization"), await awsAuthorization(TEMPORARY, toSign), toSign.url);
  }
});

Deno.test("an API key is sent as a bearer token, with the request's own headers", async () => {
  const own = new Headers({ "content-type": "application/json", "x-amzn-bedrock-trace": "ENABLED" });
  const headers = await bearerSigner(new Secret("ABSKexample"))(request({ headers: own }), NOW_MS);
  deepEqual(Object.fromEntries(headers), {
    "authorization": "Bearer ABSKexample",
    "content-type": "application/json",
    "x-amzn-bedrock-trace": "ENABLED",
  });
  equal(own.has("authorization"), false);
});
