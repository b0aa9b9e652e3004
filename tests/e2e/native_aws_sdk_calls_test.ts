/** Every operation with AWS's own client and the real program. */

import {
  BedrockClient,
  ListFoundationModelsCommand,
  ListInferenceProfilesCommand,
} from "@aws-sdk/client-bedrock";
import {
  ApplyGuardrailCommand,
  type BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  GetAsyncInvokeCommand,
  InvokeGuardrailChecksCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  paginateListAsyncInvokes,
  StartAsyncInvokeCommand,
} from "@aws-sdk/client-bedrock-runtime";
import assert from "node:assert/strict";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import {
  CLAUDE_BODY,
  configFor,
  HANDLERS,
  IDENTITIES,
  messages,
  truncatesStreams,
  withClient,
} from "./native_aws_sdk.ts";
import { CLAUDE, NATIVE_CONFIG, NOVA, TITAN } from "./native_config.ts";
import { forEachRuntime, type LogLine, type Program, startProgram } from "./program.ts";

/** Base URLs of the clients; the SDK appends its paths. */
const BASES = [
  "",
  "/bedrock",
  "/bedrock/",
  "/v1/account/gateway/aws-bedrock/bedrock-runtime/us-east-1",
] as const;

/** The call of each operation, which returns the tokens that the log must contain. */
const CALLS: Readonly<
  Record<string, (client: BedrockRuntimeClient) => Promise<[input: number, output: number] | undefined>>
> = {
  async Converse(client) {
    const { output, usage, $metadata } = await client.send(new ConverseCommand({ modelId: NOVA, messages }));
    assert.deepEqual(output?.message?.content, [{ text: "hello there" }]);
    assert.match($metadata.requestId ?? "", /^[0-9a-f-]{36}$/);
    return [usage?.inputTokens ?? 0, usage?.outputTokens ?? 0];
  },
  async "Converse with a configured name"(client) {
    const { output, usage } = await client.send(new ConverseCommand({ modelId: "claude", messages }));
    assert.deepEqual(output?.message?.content, [{ text: "hello there" }]);
    return [usage?.inputTokens ?? 0, usage?.outputTokens ?? 0];
  },
  async "Converse with an ARN"(client) {
    const modelId = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/${CLAUDE}`;
    const { output, usage } = await client.send(new ConverseCommand({ modelId, messages }));
    assert.deepEqual(output?.message?.content, [{ text: "hello there" }]);
    return [usage?.inputTokens ?? 0, usage?.outputTokens ?? 0];
  },
  async ConverseStream(client) {
    const { stream } = await client.send(new ConverseStreamCommand({ modelId: CLAUDE, messages }));
    const events = [];
    for await (const event of stream ?? []) events.push(event);
    assert.equal(events.map((event) => event.contentBlockDelta?.delta?.text ?? "").join(""), "hello there");
    const usage = events.at(-1)?.metadata?.usage;
    return [usage?.inputTokens ?? 0, usage?.outputTokens ?? 0];
  },
  async InvokeModel(client) {
    const { body, contentType, serviceTier } = await client.send(
      new InvokeModelCommand({ modelId: CLAUDE, body: CLAUDE_BODY, serviceTier: "flex", trace: "ENABLED" }),
    );
    const message = JSON.parse(decodeUtf8(body));
    assert.equal(contentType, "application/json");
    assert.equal(serviceTier, "flex");
    assert.deepEqual(message.content, [{ type: "text", text: "hello there" }]);
    return [message.usage.input_tokens, message.usage.output_tokens];
  },
  async "InvokeModel of an embedding model"(client) {
    const { body } = await client.send(
      new InvokeModelCommand({ modelId: TITAN, body: JSON.stringify({ inputText: "red apples" }) }),
    );
    assert.equal(JSON.parse(decodeUtf8(body)).embedding.length, 1024);
    return [3, 0];
  },
  async InvokeModelWithResponseStream(client) {
    const { body, contentType } = await client.send(
      new InvokeModelWithResponseStreamCommand({ modelId: CLAUDE, body: CLAUDE_BODY }),
    );
    assert.equal(contentType, "application/json");
    const events = [];
    for await (const { chunk } of body ?? []) {
      events.push(JSON.parse(decodeUtf8(chunk?.bytes ?? new Uint8Array())));
    }
    assert.equal(events.map(({ delta }) => delta?.text ?? "").join(""), "hello there");
    const metrics = events.at(-1)["amazon-bedrock-invocationMetrics"];
    return [metrics.inputTokenCount, metrics.outputTokenCount];
  },
  async CountTokens(client) {
    const modelId = CLAUDE.replace("us.", "");
    const { inputTokens } = await client.send(
      new CountTokensCommand({ modelId, input: { converse: { messages } } }),
    );
    assert.equal(inputTokens, 11);
    return undefined;
  },
  async ApplyGuardrail(client) {
    const { action } = await client.send(
      new ApplyGuardrailCommand({
        guardrailIdentifier: "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123",
        guardrailVersion: "1",
        source: "INPUT",
        content: [{ text: { text: "blocked-input" } }],
      }),
    );
    assert.equal(action, "GUARDRAIL_INTERVENED");
    return undefined;
  },
  async InvokeGuardrailChecks(client) {
    const { results } = await client.send(
      new InvokeGuardrailChecksCommand({
        messages: [{ role: "user", content: [{ text: "hello" }] }],
        checks: { contentFilter: { categories: [{ category: "HATE" }] } },
      }),
    );
    assert.deepEqual(results?.contentFilter?.results, [{ category: "HATE", severityScore: 0 }]);
    return undefined;
  },
  async "StartAsyncInvoke, GetAsyncInvoke and ListAsyncInvokes"(client) {
    // Each try has a bucket of its own: the emulator remembers the jobs of the others.
    const s3Uri = `s3://${crypto.randomUUID()}/out`;
    const outputDataConfig = { s3OutputDataConfig: { s3Uri } };
    const arns: (string | undefined)[] = [];
    for (const modelId of ["amazon.nova-reel-v1:0", "nova", "amazon.nova-reel-v1:0"]) {
      const { invocationArn } = await client.send(
        new StartAsyncInvokeCommand({ modelId, modelInput: { seed: 1 }, outputDataConfig }),
      );
      arns.push(invocationArn);
    }
    const named = await client.send(new GetAsyncInvokeCommand({ invocationArn: arns[1] }));
    assert.equal(named.modelArn, `arn:aws:bedrock:us-east-1::foundation-model/${NOVA}`);
    const listed: (string | undefined)[] = [];
    let pages = 0;
    const query = { submitTimeAfter: new Date(0), sortOrder: "Ascending" as const };
    for await (const page of paginateListAsyncInvokes({ client, pageSize: 2 }, query)) {
      pages++;
      const own = (page.asyncInvokeSummaries ?? []).filter(({ outputDataConfig: output }) =>
        output?.s3OutputDataConfig?.s3Uri === s3Uri
      );
      listed.push(...own.map(({ invocationArn }) => invocationArn));
    }
    assert.deepEqual(listed, arns);
    assert.ok(pages > 1);
    return undefined;
  },
};

/** The log line of the last of this many requests: lines may be written after the responses. */
async function lastRequest(program: Program, count: number): Promise<LogLine> {
  const requests = () => program.logs.filter(({ message }) => message === "request");
  await program.waitForLog(() => requests().length >= count);
  assert.equal(requests().length, count);
  return requests().at(-1) as LogLine;
}

for (const handler of HANDLERS) {
  for (const identity of IDENTITIES) {
    forEachRuntime(`AWS SDK over ${handler} with ${identity}: every operation`, async (runtime) => {
      await using program = await startProgram(runtime, NATIVE_CONFIG);
      let requests = 0;
      for (const base of BASES) {
        await withClient(program, { handler, identity, base }, async (client) => {
          client.middlewareStack.add((next) => (args) => {
            requests++;
            return next(args);
          }, { step: "finalizeRequest" });
          for (const [name, call] of Object.entries(CALLS)) {
            if (name.includes("Stream") && truncatesStreams(runtime, handler)) continue;
            const tokens = await call(client).catch((error) =>
              assert.fail(`${base} ${name}: ${error.stack}`)
            );
            const line = await lastRequest(program, requests);
            assert.deepEqual(
              [line["caller"], line["status"], line["dialect"]],
              ["demo", 200, "bedrock"],
              name,
            );
            if (tokens === undefined) continue;
            assert.deepEqual([line["input_tokens"], line["output_tokens"]], tokens, `${base} ${name}`);
          }
        });
      }
    });
  }
}

forEachRuntime("AWS SDK for the control plane: lists what the caller may use", async (runtime) => {
  await using program = await startProgram(runtime, NATIVE_CONFIG);
  for (const identity of IDENTITIES) {
    const client = new BedrockClient(configFor(program, { handler: "HTTP/1.1", identity }));
    const { inferenceProfileSummaries } = await client.send(
      new ListInferenceProfilesCommand({ typeEquals: "SYSTEM_DEFINED" }),
    );
    assert.deepEqual(inferenceProfileSummaries?.map(({ inferenceProfileId }) => inferenceProfileId), [
      CLAUDE,
      "claude",
    ]);
    const { modelSummaries } = await client.send(new ListFoundationModelsCommand({}));
    assert.deepEqual(modelSummaries?.map(({ modelId }) => modelId), [NOVA, "nova"]);
    client.destroy();
  }
});
