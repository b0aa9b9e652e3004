/** AWS's own clients in front of the real program, which only their endpoint knows of. */

import {
  BedrockClient,
  ListFoundationModelsCommand,
  ListInferenceProfilesCommand,
} from "@aws-sdk/client-bedrock";
import {
  ApplyGuardrailCommand,
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
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
import { NodeHttpHandler } from "@smithy/node-http-handler";
import assert from "node:assert/strict";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import { KEY } from "./configs.ts";
import { CLAUDE, NATIVE_CONFIG, NOVA, PAIR, TITAN } from "./native_config.ts";
import {
  forEachRuntime,
  type LogLine,
  type Program,
  type RuntimeName,
  RUNTIMES,
  startProgram,
} from "./program.ts";

const HANDLERS = ["HTTP/2", "HTTP/1.1"] as const;
const IDENTITIES = ["a bearer token", "a signature"] as const;

/** Where clients are pointed; the SDK puts its paths behind. */
const BASES = [
  "",
  "/bedrock",
  "/bedrock/",
  "/v1/account/gateway/aws-bedrock/bedrock-runtime/us-east-1",
] as const;

interface ClientKind {
  readonly handler: (typeof HANDLERS)[number];
  readonly identity: (typeof IDENTITIES)[number];
  readonly base?: string;
  readonly options?: Partial<BedrockRuntimeClientConfig>;
}

function configFor({ url }: Program, { handler, identity, base = "", options }: ClientKind) {
  return {
    region: "us-east-1",
    endpoint: url + base,
    maxAttempts: 1,
    ...(handler === "HTTP/1.1" && { requestHandler: new NodeHttpHandler() }),
    ...(identity === "a signature"
      ? { credentials: PAIR }
      : { token: { token: KEY }, authSchemePreference: ["httpBearerAuth"] }),
    ...options,
  };
}

async function withClient(
  program: Program,
  kind: ClientKind,
  work: (client: BedrockRuntimeClient) => Promise<void>,
): Promise<void> {
  const client = new BedrockRuntimeClient(configFor(program, kind));
  try {
    await work(client);
  } finally {
    client.destroy();
  }
}

const messages = [{ role: "user" as const, content: [{ text: "reply with: hello there" }] }];
const CLAUDE_BODY = JSON.stringify({
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: 100,
  messages: [{ role: "user", content: "reply with: hello there" }],
});

/** Each operation's call; gives what the log is to say of its tokens. */
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

/** The log line of the last of so many requests: lines may be written after the answers. */
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
            if (name.includes("Stream") && losesStreams(runtime, handler)) continue;
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

interface Refusal {
  readonly name: string;
  readonly options: Partial<BedrockRuntimeClientConfig>;
  readonly modelId?: string;
  readonly error: string;
  readonly message: RegExp;
}

const ENDINGS: readonly (readonly [fault: string, error: string])[] = [
  ["end:3", "ModelStreamErrorException"],
  ["cut:3", "ModelStreamErrorException"],
  ["reset:3", "ModelStreamErrorException"],
  ["no-stop", "ModelStreamErrorException"],
  ["bad-crc:3", "InternalServerException"],
  ["stream-throttling:3", "ThrottlingException"],
];

/** The AWS SDK says GOAWAY as soon as an answer begins, and the HTTP/2 of Deno 2.9.6 then drops what is still to come. */
function losesStreams(runtime: RuntimeName, handler: (typeof HANDLERS)[number]): boolean {
  return runtime === "deno" && handler === "HTTP/2";
}

Deno.test("deno: AWS SDK over HTTP/2: a stream is refused with what to do instead, never cut short", async () => {
  await using program = await startProgram("deno", NATIVE_CONFIG);
  await withClient(program, { handler: "HTTP/2", identity: "a signature" }, async (client) => {
    for (
      const send of [
        () => client.send(new ConverseStreamCommand({ modelId: NOVA, messages })),
        () => client.send(new InvokeModelWithResponseStreamCommand({ modelId: CLAUDE, body: CLAUDE_BODY })),
      ]
    ) {
      await assert.rejects(send, {
        name: "UnknownOperationException",
        message: /give it HTTP\/1\.1, or run .* Bun$/,
      });
    }
  });
});

const SLOW_CLOCK = { systemClockOffset: -10 * 60_000 };

const REFUSALS: readonly Refusal[] = [
  {
    name: "a wrong secret",
    options: { credentials: { ...PAIR, secretAccessKey: "x".repeat(40) } },
    error: "InvalidSignatureException",
    message: /^The request signature we calculated does not match/,
  },
  {
    name: "an unknown access key id",
    options: { credentials: { ...PAIR, accessKeyId: "AKIAIOSFODNN7EXAMPLE" } },
    error: "UnrecognizedClientException",
    message: /^The security token included in the request is invalid\.$/,
  },
  {
    name: "a session token that nobody gave",
    options: { credentials: { ...PAIR, sessionToken: "token" } },
    error: "UnrecognizedClientException",
    message: /security token/,
  },
  {
    name: "a clock ten minutes behind",
    options: SLOW_CLOCK,
    error: "InvalidSignatureException",
    message: /^Signature expired: /,
  },
  {
    name: "a region that is not the caller's",
    options: { region: "us-west-2" },
    error: "AccessDeniedException",
    message: /does not exist or this key may not use it/,
  },
  {
    name: "an ARN of a region that is not the caller's",
    options: {},
    modelId: `arn:aws:bedrock:us-west-2:123456789012:inference-profile/${CLAUDE}`,
    error: "AccessDeniedException",
    message: /does not exist or this key may not use it/,
  },
  {
    name: "a wrong bearer token",
    options: { token: { token: "wrong" }, authSchemePreference: ["httpBearerAuth"] },
    error: "UnrecognizedClientException",
    message: /API key is not valid/,
  },
];

for (const handler of HANDLERS) {
  forEachRuntime(`AWS SDK over ${handler}: refusals have the names and texts of AWS`, async (runtime) => {
    await using program = await startProgram(runtime, NATIVE_CONFIG);
    for (const { name, options, modelId = NOVA, error, message } of REFUSALS) {
      await withClient(program, { handler, identity: "a signature", options }, async (client) => {
        await assert.rejects(
          client.send(new ConverseCommand({ modelId, messages })),
          (thrown: Error) => {
            assert.equal(thrown.name, error, name);
            assert.match(thrown.message, message, name);
            return true;
          },
          name,
        );
      });
    }
  });

  forEachRuntime(
    `AWS SDK over ${handler}: a clock that is wrong is put right by the Date of the refusal`,
    async (runtime) => {
      await using program = await startProgram(runtime, NATIVE_CONFIG);
      const options = { ...SLOW_CLOCK, maxAttempts: 3 };
      await withClient(program, { handler, identity: "a signature", options }, async (client) => {
        const { $metadata } = await client.send(new ConverseCommand({ modelId: NOVA, messages }));
        assert.equal($metadata.attempts, 2);
      });
    },
  );

  forEachRuntime(
    `AWS SDK over ${handler}: Bedrock's own errors arrive as they are, and passing ones are retried`,
    async (runtime) => {
      await using program = await startProgram(runtime, NATIVE_CONFIG);
      const kind = { handler, identity: "a signature", options: { maxAttempts: 3 } } as const;
      await withClient(program, kind, async (client) => {
        await assert.rejects(
          client.send(new ConverseCommand({ modelId: `${NOVA}.fault-model-error`, messages })),
          {
            name: "ModelErrorException",
            originalStatusCode: 500,
          },
        );
        const modelId = `${NOVA}.fault-first:2.fault-internal`;
        const { $metadata } = await client.send(new ConverseCommand({ modelId, messages }));
        assert.equal($metadata.attempts, 3);
      });
    },
  );

  const except = RUNTIMES.filter((runtime) => losesStreams(runtime, handler));
  forEachRuntime(
    `AWS SDK over ${handler}: a stream that breaks off ends with an error, never in silence`,
    async (runtime) => {
      await using program = await startProgram(runtime, NATIVE_CONFIG);
      await withClient(program, { handler, identity: "a signature" }, async (client) => {
        for (const [fault, error] of ENDINGS) {
          const modelId = `${NOVA}.fault-${fault}`;
          const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages }));
          let events = 0;
          await assert.rejects(
            async () => {
              for await (const event of stream ?? []) events += Object.keys(event).length;
            },
            { name: error },
            fault,
          );
          assert.ok(events >= 3, fault);
        }
      });
    },
    { except },
  );

  forEachRuntime(`AWS SDK over ${handler}: a stream that pauses arrives whole`, async (runtime) => {
    await using program = await startProgram(runtime, NATIVE_CONFIG);
    await withClient(program, { handler, identity: "a signature" }, async (client) => {
      const modelId = `${NOVA}.fault-slow-first:100.fault-slow-tokens:50`;
      const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages }));
      const names = [];
      for await (const event of stream ?? []) names.push(...Object.keys(event));
      assert.deepEqual([names.length, names.at(-1)], [8, "metadata"]);
    });
  }, { except });
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
