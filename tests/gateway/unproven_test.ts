/** What requests with an unverified signature may use. */

import { equal, ok, throws } from "node:assert/strict";
import { Unproven } from "../../lib/gateway/intake/unproven.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { ofKind } from "../fakes/errors.ts";
import { signedHeaders } from "../fakes/signed.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, provider, snapshot } from "../fakes/snapshot.ts";
import { START_MS } from "../fakes/time.ts";
import { seal } from "../../lib/base/secret.ts";

const LIMITS = { concurrent: 32, bodyBytes: 1000 };
const [ONE, OTHER, THIRD] = ["one", "other", "third"].map((name) => caller(name)) as [
  ReturnType<typeof caller>,
  ReturnType<typeof caller>,
  ReturnType<typeof caller>,
];

Deno.test("unproven requests get an eighth of the slots, and those of one caller half of that", () => {
  const unproven = new Unproven(new MemoryStore());
  const rooms = [unproven.enter(ONE, LIMITS), unproven.enter(ONE, LIMITS)];
  throws(() => unproven.enter(ONE, LIMITS), ofKind("busy"));
  rooms.push(unproven.enter(OTHER, LIMITS), unproven.enter(OTHER, LIMITS));
  throws(() => unproven.enter(THIRD, LIMITS), ofKind("busy"));
  rooms[0]?.release();
  ok(unproven.enter(THIRD, LIMITS));
});

Deno.test("together they hold at most four bodies, and released room is free again", () => {
  const unproven = new Unproven(new MemoryStore());
  const first = unproven.enter(ONE, LIMITS);
  const second = unproven.enter(OTHER, LIMITS);
  first.take(3000);
  second.take(1000);
  throws(() => second.take(1), ofKind("busy"));
  first.release();
  second.take(3000);
  throws(() => second.take(1), ofKind("busy"));
});

const SECRET = "0123456789abcdef0123456789abcdef";
const SIGNER = caller("signer", {
  models: new Set(["haiku"]),
  aws: { accessKeyId: "ADITSIGNER0000001", secretAccessKey: seal(SECRET) },
});
const BASE = snapshot({ models: [model("haiku", provider("east", "us-east-1"))], callers: [SIGNER] });
const CONFIG = { ...BASE, limits: { ...BASE.limits, concurrent: 16 } };
const TARGET = "/model/haiku/invoke";

function sign(changes: Partial<Parameters<typeof signedHeaders>[0]> = {}) {
  return signedHeaders({
    url: `http://adit.test${TARGET}`,
    body: "{}",
    accessKeyId: "ADITSIGNER0000001",
    secretAccessKey: SECRET,
    region: "us-east-1",
    nowMs: START_MS,
    ...changes,
  });
}

Deno.test("scope and date of a signature are checked before the body is read", async () => {
  const claims = [await sign({ nowMs: START_MS - 600_000 }), await sign({ service: "s3" })];
  for (const headers of claims) {
    const gateway = startGateway(CONFIG);
    const seen: string[] = [];
    const body = new ReadableStream({
      pull() {
        seen.push("read");
        return new Promise<void>(() => {});
      },
      cancel() {
        seen.push("cancelled");
      },
    }, { highWaterMark: 0 });
    const answer = await gateway.send(TARGET, { headers, body }).response;
    equal(answer.status, 403);
    equal(answer.headers.get("x-amzn-errortype"), "InvalidSignatureException");
    equal(seen.join(), "cancelled");
  }
});

Deno.test("stalled bodies of unproven requests leave slots for others, and end early", async () => {
  const gateway = startGateway(CONFIG);
  const headers = await sign();
  const stalled = () => gateway.send(TARGET, { headers, body: new ReadableStream() }).response;
  const waiting = stalled();
  equal((await stalled()).status, 503);
  equal(
    (await gateway.send("/v1/models", { method: "GET", headers: { "x-api-key": SIGNER.key } }).response)
      .status,
    200,
  );
  gateway.advance(10_000);
  equal((await waiting).status, 408);
  const proven = gateway.send(TARGET, { headers, body: "{}" }).response;
  (await gateway.bedrock.call(0)).answerWhole(200, "{}");
  equal((await proven).status, 200);
});
