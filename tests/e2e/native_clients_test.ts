/** Third-party clients of Bedrock's own API, with only another base URL. */

import { AnthropicBedrock } from "@anthropic-ai/bedrock-sdk";
import { createAmazonBedrock } from "@ai-sdk/amazon-bedrock";
import { embed, generateText, isStepCount, streamText, tool } from "ai";
import { AwsClient } from "aws4fetch";
import assert from "node:assert/strict";
import { z } from "zod";
import { verifySignature } from "../../lib/aws/sigv4/verify.ts";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import { Secret } from "../../lib/base/secret.ts";
import { startFakeUpstream } from "../fakes/upstream.ts";
import { KEY, keyHash } from "./configs.ts";
import { CLAUDE, NATIVE_CONFIG, NOVA, PAIR, TITAN } from "./native_config.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

const ARN = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/${CLAUDE}`;

function nativeTest(name: string, test: (program: Program) => Promise<void>): void {
  forEachRuntime(name, async (runtime) => {
    await using program = await startProgram(runtime, NATIVE_CONFIG);
    await test(program);
  });
}

const ANTHROPIC_OPTIONS = { awsRegion: "us-east-1", maxRetries: 0 } as const;
const ANTHROPIC_CLIENTS: Readonly<Record<string, (baseURL: string) => AnthropicBedrock>> = {
  "a key": (baseURL) => new AnthropicBedrock({ ...ANTHROPIC_OPTIONS, baseURL, apiKey: KEY }),
  "a signature": (baseURL) =>
    new AnthropicBedrock({
      ...ANTHROPIC_OPTIONS,
      baseURL,
      awsAccessKey: PAIR.accessKeyId,
      awsSecretKey: PAIR.secretAccessKey,
    }),
};

for (const [identity, clientOf] of Object.entries(ANTHROPIC_CLIENTS)) {
  nativeTest(`AnthropicBedrock with ${identity}: messages, streams, names and ARNs`, async ({ url }) => {
    for (const baseURL of [url, `${url}/bedrock`]) {
      const client = clientOf(baseURL);
      for (const model of [CLAUDE, "claude", ARN]) {
        const request = {
          model,
          max_tokens: 100,
          messages: [{ role: "user" as const, content: "reply with: hello there" }],
        };
        const message = await client.messages.create(request);
        assert.deepEqual(message.content, [{ type: "text", text: "hello there" }], model);
        const stream = await client.messages.create({ ...request, stream: true });
        const types: string[] = [];
        let text = "";
        for await (const event of stream) {
          types.push(event.type);
          if (event.type === "content_block_delta" && event.delta.type === "text_delta") {
            text += event.delta.text;
          }
        }
        assert.equal(text, "hello there", model);
        assert.deepEqual([types[0], types.at(-1)], ["message_start", "message_stop"]);
      }
      await assert.rejects(
        client.messages.create({ model: "nobody.s-model", max_tokens: 1, messages: [] }),
        (error: Error & { status?: number }) => {
          assert.equal(error.status, 400);
          return true;
        },
      );
    }
  });
}

const AI_IDENTITIES = {
  "a key": { apiKey: KEY },
  "a signature": { accessKeyId: PAIR.accessKeyId, secretAccessKey: PAIR.secretAccessKey },
} as const;

for (const [identity, options] of Object.entries(AI_IDENTITIES)) {
  nativeTest(
    `ai with @ai-sdk/amazon-bedrock and ${identity}: text, streams, tools, embeddings`,
    async ({ url }) => {
      const bedrock = createAmazonBedrock({ region: "us-east-1", baseURL: url, ...options });
      for (const model of [CLAUDE, "claude", NOVA, ARN]) {
        const { text, usage } = await generateText({
          model: bedrock(model),
          prompt: "reply with: hello there",
        });
        assert.equal(text, "hello there", model);
        assert.equal(usage.outputTokens, 4, model);
        const stream = streamText({ model: bedrock(model), prompt: "reply with: hello there" });
        assert.equal(await stream.text, "hello there", model);
      }
      const asked: string[] = [];
      const steps = streamText({
        model: bedrock(CLAUDE),
        prompt: 'get_weather {"city": "Rome"}',
        stopWhen: isStepCount(3),
        tools: {
          get_weather: tool({
            description: "Tells the weather",
            inputSchema: z.object({ city: z.string() }),
            execute: ({ city }) => {
              asked.push(city);
              return "sunny";
            },
          }),
        },
      });
      assert.match(await steps.text, /sunny/);
      assert.deepEqual(asked, ["Rome"]);
      const { embedding } = await embed({ model: bedrock.embedding(TITAN), value: "red apples" });
      assert.equal(embedding.length, 1024);
      await assert.rejects(
        generateText({ model: bedrock("arn:aws:bedrock:us-west-2::x"), prompt: "hi", maxRetries: 0 }),
        /this key is not allowed to use it/,
      );
    },
  );
}

/** As in Cloudflare's documentation: signed for AWS, then sent to the gateway's host and path. */
const AWS_URL = "https://bedrock-runtime.us-east-1.amazonaws.com";
const GATEWAY_PATH = "/v1/account/gateway/aws-bedrock/bedrock-runtime/us-east-1";

const CLAUDE_BODY = JSON.stringify({
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: 100,
  messages: [{ role: "user", content: "reply with: hello there" }],
});

nativeTest(
  "aws4fetch at a Cloudflare address with stored keys: only cf-aig-authorization",
  async ({ url }) => {
    const response = await fetch(`${url}${GATEWAY_PATH}/model/${CLAUDE}/invoke`, {
      method: "POST",
      headers: { "content-type": "application/json", "cf-aig-authorization": `Bearer ${KEY}` },
      body: CLAUDE_BODY,
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    assert.deepEqual(JSON.parse(text).content, [{ type: "text", text: "hello there" }]);
    assert.equal(response.headers.get("x-amzn-bedrock-output-token-count"), "4");
  },
);

/** The caller's own AWS account, which the gateway does not know. */
const OWN_PAIR = { accessKeyId: "AKIACALLERSOWN", secretAccessKey: "the-callers-own-secret" } as const;

forEachRuntime(
  "aws4fetch at a Cloudflare address with its own signature: untouched on the wire",
  async (runtime) => {
    const answer = '{"content":[]}';
    await using upstream = await startFakeUpstream();
    upstream.always(({ head, write }) =>
      head(200, { "content-type": "application/json", "content-length": String(answer.length) })
        .then(() => write(answer))
    );
    await using program = await startProgram(
      runtime,
      `providers:
  own:
    type: bedrock
    region: us-east-1
    endpoint: ${upstream.url}
    credentials: { caller: true }
callers:
  demo: { key: "${keyHash(KEY)}", native: [us-east-1] }
`,
    );
    const aws = new AwsClient({ ...OWN_PAIR, region: "us-east-1", service: "bedrock" });
    const paths = [
      `/model/${CLAUDE}/invoke`,
      `/model/${encodeURIComponent(ARN)}/converse`,
      "/guardrail-checks/invoke",
    ];
    for (const [index, path] of paths.entries()) {
      const signed = await aws.sign(AWS_URL + path, {
        method: "POST",
        headers: { "content-type": "application/json", "x-amzn-bedrock-trace": "ENABLED" },
        body: CLAUDE_BODY,
      });
      const headers = new Headers(signed.headers);
      headers.set("cf-aig-authorization", `Bearer ${KEY}`);
      const response = await fetch(program.url + GATEWAY_PATH + path, {
        method: "POST",
        headers,
        body: CLAUDE_BODY,
      });
      assert.equal(await response.text(), answer);
      const sent = await upstream.requestAt(index);
      assert.equal(sent.startLine, `POST ${path} HTTP/1.1`);
      assert.equal(decodeUtf8(sent.body), CLAUDE_BODY);
      for (const name of ["authorization", "x-amz-date", "x-amzn-bedrock-trace", "content-type"]) {
        assert.equal(sent.headers.get(name), headers.get(name), name);
      }
      assert.equal(sent.headers.has("cf-aig-authorization"), false);
      assert.equal(sent.head.includes(KEY), false);
      // At AWS the request arrives under AWS's own name.
      sent.headers.delete("host");
      const received = { method: "POST", url: AWS_URL + path, headers: sent.headers, body: sent.body };
      const secretAccessKey = new Secret(OWN_PAIR.secretAccessKey);
      const verified = verifySignature(received, {
        nowMs: Date.now(),
        findSecret: (id) => id === OWN_PAIR.accessKeyId ? { secretAccessKey } : undefined,
      });
      assert.equal(verified.ok, true);
    }
  },
);
