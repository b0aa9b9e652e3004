/** What native answers show to callers who only know the names of configured models. */

import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { concat, decodeUtf8 } from "../../../lib/base/bytes.ts";
import { FrameDecoder } from "../../../lib/codec/eventstream.ts";
import {
  CLAUDE_STOP,
  converseFrames,
  cutEvery,
  eventFrame,
  exceptionFrame,
  invokeFrames,
  joined,
  USAGE,
} from "../../fakes/frames.ts";
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

Deno.test("response headers have no identifiers either, and never Bedrock's CORS headers", async () => {
  for (const who of [NAMED, NATIVE]) {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send("/model/haiku/invoke", {
      headers: { authorization: `Bearer ${who.key}`, origin: "https://app.example.com" },
      body: "{}",
    });
    const call = await gateway.bedrock.call(0);
    call.answerWhole(200, "{}", {
      "content-type": `application/json; profile="${ARN}"`,
      "x-amzn-bedrock-profile": ARN,
      "x-amzn-bedrock-output-token-count": "5",
      "x-amzn-requestid": "0a1b2c3d-1234-5678-9012-abcdefabcdef",
      "access-control-allow-origin": "*",
      "access-control-allow-credentials": "true",
      "set-cookie": "a=b",
    });
    const { headers } = await response;
    equal(headers.get("x-amzn-requestid"), "0a1b2c3d-1234-5678-9012-abcdefabcdef");
    equal(headers.get("x-amzn-bedrock-output-token-count"), "5");
    equal(headers.get("x-amzn-bedrock-profile"), who === NATIVE ? ARN : "[arn]");
    equal([...headers.values()].some((value) => value.includes("123456789012")), who === NATIVE);
    deepEqual([...headers.keys()].filter((name) => name.startsWith("access-control-")), []);
    equal(headers.has("set-cookie"), who === NATIVE);
  }
});

const GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/gr1";
const TRACE = {
  guardrail: { [GUARDRAIL]: { guardrailArn: GUARDRAIL, guardrailId: "gr1" } },
  router: { id: ARN },
};
const BARE_TRACE = { guardrail: { gr1: { guardrailArn: "gr1", guardrailId: "gr1" } }, router: { id: "x" } };
/** The model's own words keep whatever is in them, and so do their bytes. */
const TEXT = `${ARN} \u00e4 "trace":"${ARN}"`;

/** What callers get of an answer with a trace, and of the same as a stream. */
const TRACED: readonly (readonly [operation: string, make: (trace: unknown) => string])[] = [
  [
    "converse",
    (trace) => JSON.stringify({ output: { message: { content: [{ text: TEXT }] } }, trace, usage: USAGE }),
  ],
  ["invoke", (trace) => JSON.stringify({ completion: TEXT, trace: ARN, "amazon-bedrock-trace": trace })],
];

for (const [operation, make] of TRACED) {
  Deno.test(`the trace in an answer of ${operation} has bare ids without native access`, async () => {
    for (const who of [NAMED, NATIVE]) {
      const gateway = startGateway(CONFIG);
      const { response } = gateway.send(`/model/haiku/${operation}`, {
        headers: { authorization: `Bearer ${who.key}` },
        body: "{}",
      });
      (await gateway.bedrock.call(0)).answerWhole(200, make(TRACE), UPSTREAM);
      equal(await (await response).text(), make(who === NATIVE ? TRACE : BARE_TRACE));
    }
  });
}

Deno.test("the trace in a stream has bare ids without native access, however the stream is cut", async () => {
  const chunk = (trace: unknown, padding: string) => ({
    ...CLAUDE_STOP,
    padding,
    "amazon-bedrock-trace": trace,
  });
  const streams = {
    "converse-stream": (trace: unknown) =>
      joined(...converseFrames(TEXT).slice(0, -1), eventFrame("metadata", { usage: USAGE, trace })),
    // The name begins at each of the three places that base64 knows.
    ...Object.fromEntries(["", "x", "xx"].map((padding) => [
      `invoke-with-response-stream?${padding}`,
      (trace: unknown) => joined(...invokeFrames({ type: "completion", text: TEXT }, chunk(trace, padding))),
    ])),
  };
  for (const [operation, make] of Object.entries(streams)) {
    for (const who of [NAMED, NATIVE]) {
      const whole = make(TRACE);
      for (const size of [whole.length, 700, 7]) {
        const gateway = startGateway(CONFIG);
        const { response } = gateway.send(`/model/haiku/${operation}`, {
          headers: { authorization: `Bearer ${who.key}` },
          body: "{}",
        });
        const stream = (await gateway.bedrock.call(0)).answer(200, {
          "content-type": "application/vnd.amazon.eventstream",
        });
        stream.push(...cutEvery(size, whole));
        stream.end();
        deepEqual(await (await response).bytes(), make(who === NATIVE ? TRACE : BARE_TRACE), operation);
      }
    }
  }
});

Deno.test("an answer of InvokeModel that is not JSON, or only its beginning, is passed on as it is", async () => {
  for (const body of [`{"trace":{"id":"${ARN}"`, `{"trace":"${ARN}`, `"${ARN}`, `${ARN} "trace`]) {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send("/model/haiku/invoke", {
      headers: { authorization: `Bearer ${NAMED.key}` },
      body: "{}",
    });
    (await gateway.bedrock.call(0)).answerWhole(200, body, UPSTREAM);
    equal(await (await response).text(), body);
  }
});
