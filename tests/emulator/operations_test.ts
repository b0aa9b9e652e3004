import {
  type BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import assert from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/bytes.ts";
import {
  ask,
  AUTHENTICATIONS,
  CLAUDE,
  HANDLERS,
  messageOf,
  NOVA,
  pathOf,
  postTo,
  withClient,
} from "./harness.ts";

const CLAUDE_BODY = {
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: 100,
  messages: [{ role: "user", content: "reply with: hello there" }],
};
const NOVA_BODY = { messages: [ask("reply with: hello there")], inferenceConfig: { maxTokens: 100 } };

const OPERATIONS: Readonly<Record<string, (client: BedrockRuntimeClient) => Promise<void>>> = {
  async Converse(client) {
    const answer = await client.send(
      new ConverseCommand({
        modelId: CLAUDE,
        system: [{ text: "Be brief." }],
        messages: [ask("reply with: hello there")],
      }),
    );
    assert.deepEqual(answer.output?.message, { role: "assistant", content: [{ text: "hello there" }] });
    assert.equal(answer.stopReason, "end_turn");
    // Be, brie, f, . and the turn's three and repl, y, with, :, hell, o, ther, e; the answer is the last four.
    assert.equal(answer.usage?.inputTokens, 4 + 3 + 8);
    assert.equal(answer.usage?.outputTokens, 4);
    assert.equal(answer.usage?.totalTokens, 4 + 3 + 8 + 4);
    assert.ok((answer.metrics?.latencyMs ?? 0) >= 1);
    assert.match(answer.$metadata.requestId ?? "", /^[0-9a-f-]{36}$/);
  },
  async ConverseStream(client) {
    const { stream } = await client.send(
      new ConverseStreamCommand({ modelId: NOVA, messages: [ask("reply with: hello there")] }),
    );
    const events = [];
    for await (const event of stream ?? []) events.push(event);
    assert.equal(events.map((event) => event.contentBlockDelta?.delta?.text ?? "").join(""), "hello there");
    assert.deepEqual(events.map((event) => Object.keys(event)[0]), [
      "messageStart",
      ...Array(4).fill("contentBlockDelta"),
      "contentBlockStop",
      "messageStop",
      "metadata",
    ]);
    assert.equal(events.at(-2)?.messageStop?.stopReason, "end_turn");
    assert.equal(events.at(-1)?.metadata?.usage?.outputTokens, 4);
  },
  async InvokeModel(client) {
    const claude = await client.send(
      new InvokeModelCommand({ modelId: CLAUDE, body: JSON.stringify(CLAUDE_BODY) }),
    );
    const message = JSON.parse(decodeUtf8(claude.body));
    assert.equal(claude.contentType, "application/json");
    assert.equal(message.model, "claude-haiku-4-5-20251001");
    assert.match(message.id, /^msg_bdrk_/);
    assert.deepEqual(message.content, [{ type: "text", text: "hello there" }]);
    assert.equal(message.usage.output_tokens, 4);
    const nova = await client.send(
      new InvokeModelCommand({ modelId: NOVA, body: JSON.stringify(NOVA_BODY) }),
    );
    const { output, usage } = JSON.parse(decodeUtf8(nova.body));
    assert.deepEqual(output.message.content, [{ text: "hello there" }]);
    assert.equal(usage.outputTokens, 4);
  },
  async InvokeModelWithResponseStream(client) {
    const claude = await eventsOf(client, CLAUDE, CLAUDE_BODY);
    assert.deepEqual(claude.map(({ type }) => type), [
      "message_start",
      "content_block_start",
      ...Array(4).fill("content_block_delta"),
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    assert.equal(claude.map(({ delta }) => delta?.text ?? "").join(""), "hello there");
    assert.equal(claude.at(-1)["amazon-bedrock-invocationMetrics"].outputTokenCount, 4);
    const nova = await eventsOf(client, NOVA, NOVA_BODY);
    assert.equal(nova.map((event) => event.contentBlockDelta?.delta.text ?? "").join(""), "hello there");
    assert.equal(nova.at(-1).metadata.usage.outputTokens, 4);
  },
  async CountTokens(client) {
    const modelId = CLAUDE.replace("us.", "");
    const converse = await client.send(
      new CountTokensCommand({ modelId, input: { converse: { messages: [ask("hello there")] } } }),
    );
    const body = encodeUtf8(
      JSON.stringify({ ...CLAUDE_BODY, messages: [{ role: "user", content: "hello there" }] }),
    );
    const invoke = await client.send(new CountTokensCommand({ modelId, input: { invokeModel: { body } } }));
    assert.equal(converse.inputTokens, 7);
    assert.equal(invoke.inputTokens, 7);
  },
};

/** The objects inside the chunks of a stream, in the model's own form. */
// deno-lint-ignore no-explicit-any
async function eventsOf(client: BedrockRuntimeClient, modelId: string, body: object): Promise<any[]> {
  const answer = await client.send(
    new InvokeModelWithResponseStreamCommand({ modelId, body: JSON.stringify(body) }),
  );
  assert.equal(answer.contentType, "application/json");
  const events = [];
  for await (const { chunk } of answer.body ?? []) {
    events.push(JSON.parse(decodeUtf8(chunk?.bytes ?? new Uint8Array())));
  }
  return events;
}

for (const handler of HANDLERS) {
  for (const authentication of AUTHENTICATIONS) {
    for (const [name, run] of Object.entries(OPERATIONS)) {
      Deno.test(`the AWS SDK's ${name} over ${handler} with ${authentication} is answered`, async () => {
        await withClient({ handler, authentication }, run);
      });
    }
  }
}

const COUNT: readonly [model: string, message: string][] = [
  [CLAUDE, "The provided model identifier is invalid."],
  [NOVA, "The provided model doesn't support counting tokens."],
];

for (const [model, message] of COUNT) {
  Deno.test(`CountTokens refuses ${model}`, async () => {
    const response = await postTo()(pathOf(model, "count-tokens"), {
      input: { converse: { messages: [ask("hi")] } },
    });
    assert.equal(response.status, 400);
    assert.equal(await messageOf(response), message);
  });
}

Deno.test("CountTokens refuses an input that is neither of the two", async () => {
  const post = postTo();
  for (const body of [{}, { input: {} }, { input: { converse: {}, invokeModel: { body: "" } } }]) {
    const response = await post(pathOf(CLAUDE.replace("us.", ""), "count-tokens"), body);
    assert.equal(response.status, 400);
    await response.body?.cancel();
  }
});
