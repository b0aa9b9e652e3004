/** How AWS's own client reports refusals and streams that break off. */

import {
  type BedrockRuntimeClientConfig,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import assert from "node:assert/strict";
import { CLAUDE_BODY, HANDLERS, messages, truncatesStreams, withClient } from "./native_aws_sdk.ts";
import { CLAUDE, NATIVE_CONFIG, NOVA, PAIR } from "./native_config.ts";
import { forEachRuntime, RUNTIMES, startProgram } from "./program.ts";

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

Deno.test("deno: AWS SDK over HTTP/2: a stream is refused with a remedy, never truncated", async () => {
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
        message: /use HTTP\/1\.1, or run .* Bun$/,
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
    name: "an unknown session token",
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
    message: /does not exist or this key is not allowed to use it/,
  },
  {
    name: "an ARN of a region that is not the caller's",
    options: {},
    modelId: `arn:aws:bedrock:us-west-2:123456789012:inference-profile/${CLAUDE}`,
    error: "AccessDeniedException",
    message: /does not exist or this key is not allowed to use it/,
  },
  {
    name: "a wrong bearer token",
    options: { token: { token: "wrong" }, authSchemePreference: ["httpBearerAuth"] },
    error: "UnrecognizedClientException",
    message: /invalid API key/,
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

  const except = RUNTIMES.filter((runtime) => truncatesStreams(runtime, handler));
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
