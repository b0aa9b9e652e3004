/** What native answers show to callers who only know the names of configured models. */

import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { concat, decodeUtf8 } from "../../../lib/base/bytes.ts";
import { FrameDecoder } from "../../../lib/codec/eventstream.ts";
import { converseFrames, exceptionFrame } from "../../fakes/frames.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { caller, model, native, provider, snapshot } from "../../fakes/snapshot.ts";

const EAST = provider("east", "us-east-1");
const NAMED = caller("named", { models: new Set(["haiku"]) });
const NATIVE = caller("native", { models: new Set(["haiku"]), native: native(["us-east-1"]) });
const CONFIG = snapshot({ models: [model("haiku", EAST)], callers: [NAMED, NATIVE] });

const ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/x";
const WORDS = `The provided model ${ARN} is wrong`;
const UPSTREAM = {
  "content-type": "application/json",
  "x-amzn-requestid": "id-1",
  "x-amzn-errortype": "ValidationException:http://internal.amazon.com/coral/",
  "x-amzn-bedrock-input-token-count": "3",
  "server": "vpce-123.us-east-1",
  "x-account": "123456789012",
};

Deno.test("a refusal has no identifiers and only known headers without native access", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send("/model/haiku/converse", {
    headers: { authorization: `Bearer ${NAMED.key}` },
    body: "{}",
  });
  const call = await gateway.bedrock.call(0);
  call.answerWhole(400, JSON.stringify({ message: WORDS, resource: ARN }), UPSTREAM);
  const answer = await response;
  deepEqual(
    ["server", "x-account", "x-amzn-requestid", "x-amzn-errortype", "x-amzn-bedrock-input-token-count"].map((
      name,
    ) => answer.headers.get(name)),
    [null, null, "id-1", "ValidationException", "3"],
  );
  equal(answer.status, 400);
  deepEqual(await answer.json(), { message: "The provided model [arn] is wrong" });
});

Deno.test("words that Chat hides are hidden as well", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send("/model/haiku/invoke", {
    headers: { authorization: `Bearer ${NAMED.key}` },
    body: "{}",
  });
  const call = await gateway.bedrock.call(0);
  call.answerWhole(403, JSON.stringify({ Message: `User: ${ARN} is not authorized` }), {
    "x-amzn-errortype": "AccessDeniedException",
  });
  const answer = await response;
  equal(answer.status, 403);
  equal(answer.headers.get("x-amzn-errortype"), "AccessDeniedException");
  doesNotMatch(await answer.text(), /User|arn/);
});

Deno.test("with native access, everything is passed on unchanged", async () => {
  const gateway = startGateway(CONFIG);
  const body = JSON.stringify({ message: WORDS });
  const { response } = gateway.send("/model/haiku/converse", {
    headers: { authorization: `Bearer ${NATIVE.key}` },
    body: "{}",
  });
  const call = await gateway.bedrock.call(0);
  call.answerWhole(400, body, UPSTREAM);
  const answer = await response;
  equal(answer.headers.get("x-account"), "123456789012");
  equal(await answer.text(), body);
});

for (const caller of [NAMED, NATIVE]) {
  Deno.test(`an exception in a stream of "${caller.name}" has the words for this caller`, async () => {
    const frames = converseFrames("Hello").slice(0, 3);
    const exception = exceptionFrame("validationException", WORDS);
    const whole = concat(
      [...frames, exception],
      [...frames, exception].reduce((sum, { length }) => sum + length, 0),
    );
    // Cut everywhere, since a frame may arrive in pieces.
    for (const cut of [1, frames[0]?.length ?? 0, whole.length - exception.length + 5, whole.length - 1]) {
      const gateway = startGateway(CONFIG);
      const { response } = gateway.send("/model/haiku/converse-stream", {
        headers: { authorization: `Bearer ${caller.key}` },
        body: "{}",
      });
      const call = await gateway.bedrock.call(0);
      const stream = call.answer(200, { "content-type": "application/vnd.amazon.eventstream" });
      stream.push(whole.slice(0, cut));
      stream.push(whole.slice(cut));
      stream.end();
      const answer = await response;
      equal(answer.headers.get("x-accel-buffering"), "no");
      const decoder = new FrameDecoder();
      const received = decoder.push(await answer.bytes());
      decoder.end();
      equal(received.length, frames.length + 1);
      const last = received.at(-1);
      equal(last?.headers.get(":exception-type"), "validationException");
      match(
        decodeUtf8(last?.payload ?? new Uint8Array()),
        caller === NATIVE ? /inference-profile/ : /The provided model \[arn\] is wrong/,
      );
    }
  });
}
