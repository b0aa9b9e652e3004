/** The snapshot is plain data: it can be sent to a thread, works there, and no way of printing it shows a secret. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { inspect } from "node:util";
import { MessageChannel, Worker } from "node:worker_threads";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { verifySignature } from "../../lib/aws/sigv4/verify.ts";
import { PieceReader, toPieces } from "../../lib/base/pieces.ts";
import { sealingKey } from "../../lib/base/seal.ts";
import { Secret } from "../../lib/base/secret.ts";
import { loadConfig } from "../../lib/config/load.ts";
import type { Snapshot } from "../../lib/snapshot/snapshot.ts";
import { selfSignedCertificate } from "../fakes/certificate.ts";
import { startGateway } from "../fakes/gateway.ts";
import { signedHeaders } from "../fakes/signed.ts";
import { START_MS } from "../fakes/time.ts";
import { ANSWER, chatBody } from "../gateway/requests.ts";
import type { WorkerData } from "./unseal_worker.ts";

const { certificate, key: privateKey } = selfSignedCertificate();
const KEY = "adit-key-of-search";
const SECRETS = {
  accessKey: "the-secret-access-key/of+the+provider",
  session: "the-session-token==",
  apiKey: "the-bedrock-api-key",
  base: "the-secret-access-key-of-the-roles-base",
  caller: "the-secret-access-key-of-the-caller",
};

const RICH = `
listen: ["[::1]:0", 127.0.0.1:0]
admin: unix:/run/adit/admin.sock
admin_api: { key: sha256:${"a1".repeat(32)} }
admin_tls: { certificate: ${JSON.stringify(certificate)}, key: ${JSON.stringify(privateKey)} }
metrics_key: sha256:${"b2".repeat(32)}
tls: { certificate: ${JSON.stringify(certificate)}, key: ${JSON.stringify(privateKey)} }
providers:
  east:
    type: bedrock
    region: us-east-1
    credentials:
      access_key_id: AKIDEXAMPLE
      secret_access_key: ${SECRETS.accessKey}
      session_token: ${SECRETS.session}
  west: { type: bedrock, region: us-west-2, credentials: { api_key: ${SECRETS.apiKey} }, endpoint: https://vpce.example/a }
  north:
    type: bedrock
    region: eu-north-1
    credentials:
      access_key_id: AKIDBASE
      secret_access_key: ${SECRETS.base}
      role: { arn: "arn:aws:iam::111122223333:role/adit", session_name: adit, tags: { team: search } }
  chain: { type: bedrock, region: eu-west-1 }
  profile: { type: bedrock, region: eu-central-1, credentials: { profile: prod } }
  theirs: { type: bedrock, region: eu-west-2, credentials: { caller: true } }
  local: { type: emulator, region: us-west-2 }
models:
  haiku:
    provider: east
    id: us.anthropic.claude-haiku-4-5-20251001-v1:0
    defaults: { max_tokens: 7, stop: [END], additional_model_request_fields: { a: { b: [1, null, "x"] } } }
    guardrail: { id: abc123, version: 3, trace: enabled_full }
    metadata: { team: search }
  opus: { provider: west, id: us.anthropic.claude-opus-4-5-20251101-v1:0, api: invoke }
  odd: { provider: local, id: nobody.knows-v1, traits: { tool_choice: [], reasoning_effort: { low: { r: { x: 1 } } } } }
routes:
  /team: { model: haiku }
callers:
  search: { key: sha256:${sha256(KEY)}, models: ["hai*"], native: [us-east-1] }
  robots:
    models: [haiku, "o*"]
    native: { regions: [us-west-2], ids: ["anthropic.*"] }
    aws: { access_key_id: ADITAAAAAAAAAAAA, secret_access_key: ${SECRETS.caller} }
    expires: 2030-01-01
`;

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function loadRich(): Promise<Snapshot> {
  const loaded = await loadConfig("/etc/adit/adit.yaml", {
    env: {},
    readFile: () => Promise.resolve(encodeUtf8(RICH)),
  });
  if (!loaded.ok) {
    throw new Error(loaded.problems.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  }
  return loaded.snapshot;
}

/** The snapshot as another thread gets it. */
async function sent(snapshot: Snapshot): Promise<Snapshot> {
  const { port1, port2 } = new MessageChannel();
  const received = new Promise<Snapshot>((resolve) => port2.on("message", resolve));
  port1.postMessage(snapshot);
  try {
    return await received;
  } finally {
    port1.close();
    port2.close();
  }
}

/** Paths of values that are not plain data: functions, symbols, and objects of classes that threads cannot copy. */
function beyondData(value: unknown, path = "snapshot"): readonly string[] {
  if (typeof value === "function" || typeof value === "symbol") return [`${path}: ${typeof value}`];
  if (typeof value !== "object" || value === null) return [];
  if (value instanceof Map) {
    return [...value].flatMap((
      [key, each],
    ) => [...beyondData(key, path), ...beyondData(each, `${path}(${key})`)]);
  }
  if (value instanceof Set) return [...value].flatMap((each) => beyondData(each, `${path}()`));
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = prototype === Object.prototype || prototype === Array.prototype;
  const own = Object.getOwnPropertyDescriptors(value);
  const accessors = Object.entries(own).filter(([, { get, set }]) => get !== undefined || set !== undefined);
  return [
    ...(plain ? [] : [`${path}: an object of a class`]),
    ...accessors.map(([name]) => `${path}.${name}: an accessor`),
    ...Object.entries(value).flatMap(([name, each]) => beyondData(each, `${path}.${name}`)),
  ];
}

Deno.test("a snapshot is plain data, and arrives complete through a message channel", async () => {
  const snapshot = await loadRich();
  deepEqual(beyondData(snapshot), []);
  deepEqual(await sent(snapshot), snapshot);
});

Deno.test("a snapshot arrives complete in pieces", async () => {
  const snapshot = await loadRich();
  const reader = new PieceReader();
  for (const piece of toPieces(snapshot)) reader.add(structuredClone(piece));
  deepEqual(reader.value, snapshot);
});

Deno.test("a gateway works from a snapshot that was sent to it, with its secrets", async () => {
  const gateway = startGateway(await sent(await loadRich()));
  const byKey = gateway.send("/team", {
    headers: { authorization: `Bearer ${KEY}` },
    body: chatBody({ model: undefined }),
  });
  const first = await gateway.bedrock.call(0);
  equal(new URL(first.url).host, "bedrock-runtime.us-east-1.amazonaws.com");
  equal(first.init.headers.get("x-amz-security-token"), SECRETS.session);
  const { init, url } = first;
  const verified = verifySignature({
    method: init.method,
    url,
    headers: init.headers,
    body: init.body ?? new Uint8Array(),
  }, {
    nowMs: START_MS,
    region: "us-east-1",
    findSecret: () => ({
      secretAccessKey: new Secret(SECRETS.accessKey),
      sessionToken: new Secret(SECRETS.session),
    }),
  });
  equal(verified.ok, true);
  first.answerWhole(200, ANSWER);
  equal((await byKey.response).status, 200);

  const path = "/model/opus/converse";
  const body = '{"messages":[]}';
  const bySignature = gateway.send(path, {
    headers: await signedHeaders({
      url: `http://adit.test${path}`,
      body,
      accessKeyId: "ADITAAAAAAAAAAAA",
      secretAccessKey: SECRETS.caller,
      region: "us-west-2",
      nowMs: START_MS,
    }),
    body,
  });
  const second = await gateway.bedrock.call(1);
  ok(second.url.startsWith("https://vpce.example/a/model/"), second.url);
  equal(second.init.headers.get("authorization"), `Bearer ${SECRETS.apiKey}`);
  second.answerWhole(200, ANSWER);
  equal((await bySignature.response).status, 200);
  await gateway.expectSettled(2);
});

Deno.test("no way of printing a snapshot shows its secrets, as text or encoded", async () => {
  const snapshot = await loadRich();
  const plain = JSON.stringify(
    snapshot,
    (_key, value) =>
      value instanceof Map ? Object.fromEntries(value) : value instanceof Set ? [...value] : value,
  );
  const prints = [
    plain,
    JSON.stringify(snapshot),
    String(snapshot),
    inspect(snapshot, { depth: Infinity, showHidden: true, maxStringLength: Infinity }),
    Deno.inspect(snapshot, { depth: 99, strAbbreviateSize: 1e6 }),
  ];
  const key = privateKey.split("\n")[2] ?? "";
  for (const secret of [...Object.values(SECRETS), key]) {
    for (const text of [secret, btoa(secret).replace(/.{0,4}$/, ""), Buffer.from(secret).toString("hex")]) {
      ok(text.length > 10);
      for (const print of prints) equal(print.includes(text), false, text);
    }
  }
});

/** What a new thread can read of the secret of `robots`. */
async function inThread(data: Omit<WorkerData, "caller">): Promise<unknown> {
  const worker = new Worker(new URL("unseal_worker.ts", import.meta.url), {
    workerData: { ...data, caller: "robots" } satisfies WorkerData,
  });
  try {
    const [said] = await once(worker, "message");
    return said;
  } finally {
    await worker.terminate();
  }
}

Deno.test("a thread reads the secrets of a snapshot if it is given the sealing key, and none without it", async () => {
  const snapshot = await loadRich();
  equal(await inThread({ snapshot, key: sealingKey() }), SECRETS.caller);
  equal(
    await inThread({ snapshot, key: undefined }),
    "Cannot open a secret that this process has not sealed",
  );
});
