import { ConverseStreamCommand } from "@aws-sdk/client-bedrock-runtime";
import assert from "node:assert/strict";
import { EventStreamError, FrameDecoder } from "../../lib/codec/eventstream.ts";
import { EMULATOR_API_KEY } from "../../lib/emulator/server/credentials.ts";
import { createEmulator } from "../../lib/emulator/emulator.ts";
import { faultNames, splitFaults } from "../../lib/emulator/faults/faults.ts";
import { FaultSchedule } from "../../lib/emulator/faults/schedule.ts";
import {
  ask,
  CLAUDE,
  fixedClock,
  HANDLERS,
  LEAK_CHECKED,
  messageOf,
  pathOf,
  payloadOf,
  postTo,
  withClient,
} from "./harness.ts";

const BODY = { messages: [ask("reply with: one two three")] };

const REFUSALS: Readonly<Record<string, [status: number, name: string]>> = {
  validation: [400, "ValidationException"],
  quota: [400, "ServiceQuotaExceededException"],
  "access-denied": [403, "AccessDeniedException"],
  "not-found": [404, "ResourceNotFoundException"],
  "model-timeout": [408, "ModelTimeoutException"],
  "model-error": [424, "ModelErrorException"],
  "model-stream-error": [424, "ModelStreamErrorException"],
  throttling: [429, "ThrottlingException"],
  "model-not-ready": [429, "ModelNotReadyException"],
  internal: [500, "InternalServerException"],
  unavailable: [503, "ServiceUnavailableException"],
  "expired-token": [403, "ExpiredTokenException"],
  "unrecognized-client": [403, "UnrecognizedClientException"],
  "invalid-signature": [403, "InvalidSignatureException"],
};

for (const [fault, [status, name]] of Object.entries(REFUSALS)) {
  Deno.test(`fault ${fault} is ${status} ${name}, by model id and by header`, async () => {
    const post = postTo();
    for (
      const operation of [
        "converse",
        "converse-stream",
        "invoke",
        "invoke-with-response-stream",
        "count-tokens",
      ]
    ) {
      const byId = await post(pathOf(`${CLAUDE}.fault-${fault}`, operation), BODY);
      const byHeader = await post(pathOf(CLAUDE, operation), BODY, { "x-emulator-fault": fault });
      for (const response of [byId, byHeader]) {
        assert.equal(response.status, status);
        assert.equal(
          response.headers.get("x-amzn-errortype"),
          `${name}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
        );
        assert.ok(await messageOf(response));
      }
    }
  });
}

Deno.test("fault throttling can set retry-after", async () => {
  const response = await postTo()(pathOf(`${CLAUDE}.fault-throttling:7`, "converse"), BODY);
  assert.equal(response.headers.get("retry-after"), "7");
  await response.body?.cancel();
});

Deno.test("fault model-error has its additional members", async () => {
  const response = await postTo()(pathOf(`${CLAUDE}.fault-model-error`, "converse"), BODY);
  const { originalStatusCode, resourceName } = await response.json();
  assert.deepEqual([originalStatusCode, resourceName], [500, "emulator"]);
});

const CANNED: Readonly<Record<string, [status: number, contentType: string | null]>> = {
  "too-large": [413, "application/json"],
  "not-implemented": [501, "application/json"],
  overloaded: [529, "application/json"],
  "html-502": [502, "text/html"],
  "empty-503": [503, null],
};

for (const [fault, [status, contentType]] of Object.entries(CANNED)) {
  Deno.test(`fault ${fault} is a bare ${status}`, async () => {
    const response = await postTo()(pathOf(`${CLAUDE}.fault-${fault}`, "converse"), BODY);
    assert.deepEqual([response.status, response.headers.get("content-type")], [status, contentType]);
    assert.equal((await response.text()) === "", fault === "empty-503");
    assert.equal(response.headers.get("x-amzn-errortype"), null);
  });
}

/** What a reader of the stream gets: event types, then how it ends. */
async function course(model: string): Promise<string[]> {
  const response = await postTo()(pathOf(model, "converse-stream"), BODY);
  assert.equal(response.status, 200);
  const decoder = new FrameDecoder();
  const seen: string[] = [];
  try {
    for await (const chunk of response.body!) {
      for (const { headers } of decoder.push(chunk)) {
        seen.push(
          String(headers.get(":event-type") ?? headers.get(":exception-type") ?? headers.get(":error-code")),
        );
      }
    }
    decoder.end();
    seen.push("end");
  } catch (error) {
    seen.push(error instanceof EventStreamError ? error.reason : "broken");
  }
  return seen;
}

const START = "messageStart";
const DELTA = "contentBlockDelta";
const HEAD = [START, DELTA];
const BLOCK = [START, DELTA, DELTA, DELTA, DELTA, "contentBlockStop"];
const WHOLE = [...BLOCK, "messageStop", "metadata", "end"];

const STREAMS: Readonly<Record<string, string[]>> = {
  "stream-internal": [...HEAD, "internalServerException", "end"],
  "stream-model-error": [...HEAD, "modelStreamErrorException", "end"],
  "stream-validation": [...HEAD, "validationException", "end"],
  "stream-throttling": [...HEAD, "throttlingException", "end"],
  "stream-unavailable": [...HEAD, "serviceUnavailableException", "end"],
  "stream-timeout": [...HEAD, "modelTimeoutException", "end"],
  "stream-unknown-exception": [...HEAD, "surpriseException", "end"],
  "stream-error": [...HEAD, "InternalError", "end"],
  cut: [...HEAD, "truncated"],
  "bad-crc": [...HEAD, "message_crc"],
  end: [...HEAD, "end"],
  "no-stop": [...BLOCK, "end"],
  "no-metadata": [...BLOCK, "messageStop", "end"],
  "no-block-stop": WHOLE.filter((type) => type !== "contentBlockStop"),
  "unknown-event": [...HEAD, "surpriseEvent", ...WHOLE.slice(2)],
  "no-message-type": WHOLE,
  reset: [...HEAD, "broken"],
  "slow-first": WHOLE,
  "slow-tokens": WHOLE,
};

/** Milliseconds instead of a number of frames. */
const TIMED = ["slow-first", "slow-tokens"];

for (const [fault, expected] of Object.entries(STREAMS)) {
  const argument = TIMED.includes(fault) ? ":1" : "";
  Deno.test(`fault ${fault} makes a stream of ${expected.slice(-2).join(" and ")}`, async () => {
    assert.deepEqual(await course(`${CLAUDE}.fault-${fault}${argument}`), expected);
  });
}

Deno.test("a fault strikes after the given number of frames, also before the first", async () => {
  assert.deepEqual(await course(`${CLAUDE}.fault-stream-throttling:0`), ["throttlingException", "end"]);
  assert.deepEqual(await course(`${CLAUDE}.fault-end:4`), [START, DELTA, DELTA, DELTA, "end"]);
});

Deno.test("faults add up", async () => {
  assert.deepEqual(
    await course(`${CLAUDE}.fault-slow-first:1.fault-unknown-event:1.fault-end:3`),
    [START, "surpriseEvent", DELTA, "end"],
  );
});

Deno.test("fault no-message-type leaves that header out, and no other", async () => {
  const response = await postTo()(pathOf(`${CLAUDE}.fault-no-message-type`, "converse-stream"), BODY);
  const decoder = new FrameDecoder();
  for (const { headers } of decoder.push(new Uint8Array(await response.arrayBuffer()))) {
    assert.deepEqual([...headers.keys()], [":event-type", ":content-type"]);
  }
});

Deno.test("an exception in the stream has its members and no padding", async () => {
  const response = await postTo()(pathOf(`${CLAUDE}.fault-stream-model-error:0`, "converse-stream"), BODY);
  const [frame] = new FrameDecoder().push(new Uint8Array(await response.arrayBuffer()));
  assert.deepEqual([...frame!.headers.keys()], [":exception-type", ":content-type", ":message-type"]);
  assert.equal(frame!.headers.get(":message-type"), "exception");
  assert.deepEqual(Object.keys(JSON.parse(payloadOf(frame!))), [
    "message",
    "originalMessage",
    "originalStatusCode",
  ]);
});

Deno.test("faults strike native streams in the same places", async () => {
  const body = {
    anthropic_version: "bedrock-2023-05-31",
    max_tokens: 9,
    messages: [{ role: "user", content: "hi" }],
  };
  const response = await postTo()(pathOf(`${CLAUDE}.fault-no-stop`, "invoke-with-response-stream"), body);
  const frames = new FrameDecoder().push(new Uint8Array(await response.arrayBuffer()));
  const last = JSON.parse(atob(JSON.parse(payloadOf(frames.at(-1)!)).bytes));
  assert.equal(last.type, "content_block_stop");
});

for (const fault of ["hang", "slow-answer:60000"]) {
  const requestOf = (signal: AbortSignal) =>
    new Request(`http://bedrock${pathOf(`${CLAUDE}.fault-${fault}`, "converse")}`, {
      method: "POST",
      headers: { authorization: `Bearer ${EMULATOR_API_KEY.reveal()}` },
      body: JSON.stringify(BODY),
      signal,
    });

  Deno.test(`fault ${fault} does not wait for a client that has left`, LEAK_CHECKED, async () => {
    const response = await createEmulator({ clock: fixedClock(0) }).handle(requestOf(AbortSignal.abort()));
    await response.body?.cancel();
  });

  Deno.test(`fault ${fault} keeps the client waiting until it leaves`, LEAK_CHECKED, async () => {
    const emulator = createEmulator({ clock: fixedClock(0) });
    const leave = new AbortController();
    const request = requestOf(leave.signal);
    let answered = false;
    const answer = emulator.handle(request).finally(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.equal(answered, false);
    leave.abort();
    await (await answer).body?.cancel();
  });
}

/** How the AWS SDK reports the faults; undefined if its stream ends without an error. */
const SEEN_BY_SDK: Readonly<Record<string, string | undefined>> = {
  "stream-throttling": "ThrottlingException",
  "stream-model-error": "ModelStreamErrorException",
  "stream-error": "InternalError",
  cut: "Error",
  "bad-crc": "Error",
  "no-stop": undefined,
  "unknown-event": undefined,
  throttling: "ThrottlingException",
  "html-502": "SyntaxError",
};

for (const handler of HANDLERS) {
  Deno.test(`the AWS SDK over ${handler} sees the faults as those of Bedrock`, async () => {
    await withClient({ handler, authentication: "signature" }, async (client) => {
      for (const [fault, name] of Object.entries(SEEN_BY_SDK)) {
        let seen: string | undefined;
        try {
          const modelId = `${CLAUDE}.fault-${fault}`;
          const { stream } = await client.send(
            new ConverseStreamCommand({ modelId, messages: [{ role: "user", content: [{ text: "hi" }] }] }),
          );
          for await (const event of stream ?? []) assert.ok(event);
        } catch (error) {
          seen = error instanceof Error ? error.name : "";
        }
        assert.equal(seen, name, fault);
      }
    });
  });
}

Deno.test("a reset on the socket breaks an HTTP/1.1 client's stream", async () => {
  await withClient({ handler: "HTTP/1.1", authentication: "API key" }, async (client) => {
    const { stream } = await client.send(
      new ConverseStreamCommand({
        modelId: `${CLAUDE}.fault-reset:3`,
        messages: [{ role: "user", content: [{ text: "hi" }] }],
      }),
    );
    let count = 0;
    await assert.rejects(async () => {
      for await (const event of stream ?? []) count += Object.keys(event).length;
    });
    assert.equal(count, 3);
  });
});

Deno.test("faults combined with first end after that number of requests, by model id", async () => {
  const post = postTo();
  const statusOf = async (fault: string) => {
    const path = pathOf(`${CLAUDE}.fault-first${fault}.fault-throttling`, "converse");
    const response = await post(path, { messages: [ask("hi")] });
    await response.body?.cancel();
    return response.status;
  };
  const statuses = [];
  for (const fault of ["", "", ":2", ":2", ":2", ""]) statuses.push(await statusOf(fault));
  assert.deepEqual(statuses, [429, 200, 429, 429, 200, 200]);
});

Deno.test("faults combined with every strike each nth request", async () => {
  const post = postTo();
  const statuses = [];
  for (let request = 1; request <= 6; request++) {
    const response = await post(pathOf(`${CLAUDE}.fault-every:3.fault-throttling`, "converse"), {
      messages: [ask("hi")],
    });
    await response.body?.cancel();
    statuses.push(response.status);
  }
  assert.deepEqual(statuses, [200, 200, 429, 200, 200, 429]);
});

Deno.test("faults combined with for end after that many seconds", () => {
  let nowMs = 1_000;
  const schedule = new FaultSchedule({ now: () => nowMs, monotonic: () => nowMs });
  const { faults } = splitFaults("model.fault-for:20.fault-unavailable", null);
  const due = () => schedule.due(faults, "us-east-1 converse model").length > 0;
  assert.equal(due(), true);
  nowMs += 19_999;
  assert.equal(due(), true);
  nowMs += 1;
  assert.equal(due(), false);
});

Deno.test("every fault is tried here", () => {
  const tried = [...Object.keys(REFUSALS), ...Object.keys(CANNED), ...Object.keys(STREAMS)];
  assert.deepEqual(
    [...tried, "every", "first", "for", "hang", "slow-answer", "stall"].sort(),
    [...faultNames()].sort(),
  );
});
