/** The emulator behind the interface of fetch. */

import { equal, rejects } from "node:assert/strict";
import { bearerSigner } from "../../lib/aws/sigv4/sign.ts";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { EMULATOR_API_KEY } from "../../lib/emulator/server/credentials.ts";
import { emulatorFetch } from "../../lib/emulator/in_process.ts";
import type { FetchInit } from "../../lib/runtime/runtime.ts";
import { fakeTime, START_MS } from "../fakes/time.ts";

const { clock } = fakeTime();
const BODY = encodeUtf8(JSON.stringify({ messages: [{ role: "user", content: [{ text: "Hi" }] }] }));

/** Sanitized, so that a timer that is left behind fails the test. */
const SANITIZED = { sanitizeOps: true, sanitizeResources: true };

function url(fault = "", operation = "converse"): string {
  return `https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-micro-v1%3A0${fault}/${operation}`;
}

async function init(signal: AbortSignal): Promise<FetchInit> {
  const request = { method: "POST", url: url(), headers: new Headers(), body: BODY };
  const headers = await bearerSigner(EMULATOR_API_KEY)(request, START_MS);
  return { method: "POST", headers, body: BODY, signal };
}

Deno.test("a request is answered by the emulator", SANITIZED, async () => {
  const answer = await emulatorFetch(clock)(url(), await init(new AbortController().signal));
  equal(answer.status, 200);
  equal((await answer.json()).output.message.role, "assistant");
});

Deno.test("an unsigned request is refused as by Bedrock", SANITIZED, async () => {
  const { signal } = new AbortController();
  const answer = await emulatorFetch(clock)(url(), {
    method: "POST",
    headers: new Headers(),
    body: BODY,
    signal,
  });
  equal(answer.status, 403);
  await answer.body?.cancel();
});

Deno.test("a signal that has aborted rejects with its reason", SANITIZED, async () => {
  const aborted = AbortSignal.abort(new Error("over"));
  await rejects(emulatorFetch(clock)(url(), await init(aborted)), /over/);
});

Deno.test(
  "a signal that aborts during a delay rejects, and ends the delay",
  SANITIZED,
  async () => {
    const fetch = emulatorFetch(clock);
    const aborter = new AbortController();
    const answer = fetch(url(".fault-slow-answer%3A60000"), await init(aborter.signal));
    // Once another request has been answered, this one is waiting.
    await (await fetch(url(), await init(new AbortController().signal))).body?.cancel();
    aborter.abort(new Error("over"));
    await rejects(answer, /over/);
  },
);

Deno.test("a stalled stream ends when its reader leaves", SANITIZED, async () => {
  const aborter = new AbortController();
  const answer = await emulatorFetch(clock)(
    url(".fault-stall", "converse-stream"),
    await init(aborter.signal),
  );
  const reader = answer.body?.getReader();
  await reader?.read();
  const stalled = reader?.read();
  await reader?.cancel();
  equal((await stalled)?.done, true);
});
