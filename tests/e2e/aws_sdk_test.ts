/** AWS's own client: the provider gets what the client sent, and the client gets what the provider sent. */

import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import assert from "node:assert/strict";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import {
  CLAUDE_STOP,
  converseAnswer,
  converseFrames,
  exceptionFrame,
  invokeFrames,
} from "../fakes/frames.ts";
import { type FakeUpstream, jsonAnswer, startFakeUpstream, streamAnswer } from "../fakes/upstream.ts";
import { assertMatchesSchema } from "../suites/sdk_schema.ts";
import { endpointConfig, KEY } from "./configs.ts";
import { forEachRuntime, type RuntimeName, startProgram } from "./program.ts";

const HANDLERS = {
  "HTTP/2": () => ({}),
  "HTTP/1.1": () => ({ requestHandler: new NodeHttpHandler() }),
} as const;

const CONVERSE = {
  modelId: "nova",
  system: [{ text: "Be brief." }],
  messages: [{ role: "user" as const, content: [{ text: "Hello" }] }],
  inferenceConfig: { maxTokens: 50 },
};
const INVOKE = { modelId: "claude", body: '{ "max_tokens" : 5 }' };

interface Setting {
  readonly client: BedrockRuntimeClient;
  readonly upstream: FakeUpstream;
}

/**
 * A test of the client over each protocol, with the caller's key as its bearer token; `streams` are refused where the
 * runtime would lose them.
 */
function clientTest(
  name: string,
  test: (setting: Setting) => Promise<void>,
  { streams = false } = {},
): void {
  for (const [protocol, handler] of Object.entries(HANDLERS)) {
    const except: readonly RuntimeName[] = streams && protocol === "HTTP/2" ? ["deno"] : [];
    forEachRuntime(`AWS SDK over ${protocol}: ${name}`, async (runtime) => {
      await using upstream = await startFakeUpstream();
      await using program = await startProgram(runtime, endpointConfig(upstream.url));
      const client = new BedrockRuntimeClient({
        region: "us-east-1",
        endpoint: program.url,
        token: { token: KEY },
        authSchemePreference: ["httpBearerAuth"],
        maxAttempts: 1,
        ...handler(),
      });
      try {
        await test({ client, upstream });
      } finally {
        client.destroy();
      }
    }, { except });
  }
}

clientTest("Converse", async ({ client, upstream }) => {
  upstream.script(jsonAnswer(200, converseAnswer("Hello!"), { "x-amzn-requestid": "r-1" }));
  const { output, usage, $metadata } = await client.send(new ConverseCommand(CONVERSE));
  assert.deepEqual(output?.message, converseAnswer("Hello!").output.message);
  assert.equal(usage?.totalTokens, 10);
  assert.equal($metadata.requestId, "r-1");
  assertSent(upstream, "Converse");
});

clientTest("ConverseStream", async ({ client, upstream }) => {
  upstream.script(streamAnswer(converseFrames("Hel", "lo!")));
  const { stream } = await client.send(new ConverseStreamCommand(CONVERSE));
  const events = await Array.fromAsync(stream ?? []);
  assert.equal(
    events.map(({ contentBlockDelta }) => contentBlockDelta?.delta?.text ?? "").join(""),
    "Hello!",
  );
  assert.equal(events.at(-1)?.metadata?.usage?.totalTokens, 10);
  assertSent(upstream, "ConverseStream");
}, { streams: true });

/** Asserts that the provider got the client's request, valid for AWS, except for the name of the model. */
function assertSent({ requests }: FakeUpstream, operation: "Converse" | "ConverseStream"): void {
  const [sent] = requests;
  const { modelId: _, ...members } = CONVERSE;
  const body = JSON.parse(decodeUtf8(sent?.body ?? new Uint8Array()));
  assert.deepEqual(body, members);
  assertMatchesSchema(operation, body);
  assert.match(sent?.startLine ?? "", /^POST \/model\/amazon\.nova-lite-v1%3A0\//);
  assert.match(sent?.headers.get("authorization") ?? "", /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\//);
}

clientTest("InvokeModel", async ({ client, upstream }) => {
  upstream.script(jsonAnswer(200, { content: [{ type: "text", text: "Hello!" }] }));
  const { body } = await client.send(new InvokeModelCommand(INVOKE));
  assert.equal(JSON.parse(decodeUtf8(body)).content[0].text, "Hello!");
  assert.equal(decodeUtf8(upstream.requests[0]?.body ?? new Uint8Array()), INVOKE.body);
});

clientTest("InvokeModelWithResponseStream", async ({ client, upstream }) => {
  const chunks = [{ type: "message_start" }, { type: "ping" }, CLAUDE_STOP];
  upstream.script(streamAnswer(invokeFrames(...chunks)));
  const { body } = await client.send(new InvokeModelWithResponseStreamCommand(INVOKE));
  const events = await Array.fromAsync(body ?? []);
  assert.deepEqual(
    events.map(({ chunk }) => JSON.parse(decodeUtf8(chunk?.bytes ?? new Uint8Array()))),
    chunks,
  );
}, { streams: true });

clientTest("errors are the provider's own", async ({ client, upstream }) => {
  upstream.script(jsonAnswer(424, { message: "no luck", originalStatusCode: 500, resourceName: "m" }, {
    "x-amzn-errortype": "ModelErrorException",
  }));
  await assert.rejects(client.send(new ConverseCommand(CONVERSE)), {
    name: "ModelErrorException",
    message: "no luck",
    originalStatusCode: 500,
  });
});

clientTest("errors in a stream are also the provider's own", async ({ client, upstream }) => {
  upstream.script(
    streamAnswer([...converseFrames("Hel").slice(0, 2), exceptionFrame("throttlingException", "slow down")]),
  );
  const { stream } = await client.send(new ConverseStreamCommand(CONVERSE));
  await assert.rejects(Array.fromAsync(stream ?? []), { name: "ThrottlingException", message: "slow down" });
}, { streams: true });

clientTest("errors of the gateway have types that the client knows", async ({ client }) => {
  await assert.rejects(
    client.send(new ConverseCommand({ ...CONVERSE, modelId: "arn:aws:bedrock:eu-west-1::x/y" })),
    {
      name: "AccessDeniedException",
    },
  );
});
