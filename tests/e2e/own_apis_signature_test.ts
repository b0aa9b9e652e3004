/** Callers that sign with a key pair of their own for Bedrock's OpenAI and Anthropic APIs, as AWS's clients for them do. */

import { AnthropicBedrockMantle } from "@anthropic-ai/bedrock-sdk";
import { AwsClient } from "aws4fetch";
import assert from "node:assert/strict";
import OpenAI from "openai";
import { bedrock } from "openai/providers/bedrock/aws";
import { CLAUDE, NATIVE_CONFIG, PAIR, TITAN } from "./native_config.ts";
import { KEY } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";

const CONFIG = NATIVE_CONFIG.replace(
  "callers:\n",
  `  gpt: { provider: east, id: openai.gpt-5.6-sol, chat: mantle, responses: mantle }
  own-claude: { provider: east, id: "${CLAUDE}", messages: runtime }
  mantle-claude: { provider: east, id: anthropic.claude-haiku-4-5-20251001-v1:0, messages: mantle }
  titan: { provider: east, id: "${TITAN}" }
callers:
`,
);

const MESSAGES = [{ role: "user", content: "reply with: hello there" }] as const;
const BODIES = {
  "/openai/v1/chat/completions": { messages: MESSAGES },
  "/openai/v1/responses": { input: MESSAGES },
  "/anthropic/v1/messages": { max_tokens: 100, messages: MESSAGES },
} as const;
type Path = keyof typeof BODIES;

interface Signature {
  readonly service: string;
  readonly secretAccessKey?: string;
}

async function send(
  url: string,
  { path, model }: { readonly path: Path; readonly model: string },
  signature: Signature,
): Promise<{ readonly status: number; readonly text: string }> {
  const client = new AwsClient({ ...PAIR, region: "us-east-1", ...signature, retries: 0 });
  const response = await client.fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, ...BODIES[path] }),
  });
  return { status: response.status, text: await response.text() };
}

const SERVED: readonly (readonly [path: Path, model: string])[] = [
  ["/openai/v1/chat/completions", "gpt"],
  ["/openai/v1/chat/completions", "nova"],
  ["/openai/v1/responses", "gpt"],
  ["/openai/v1/responses", "claude"],
  ["/anthropic/v1/messages", "own-claude"],
];

forEachRuntime(
  "own APIs: a caller's signature is accepted for both of Bedrock's services",
  async (runtime) => {
    await using program = await startProgram(runtime, CONFIG);
    for (const service of ["bedrock-mantle", "bedrock"]) {
      for (const [path, model] of SERVED) {
        const { status, text } = await send(program.url, { path, model }, { service });
        assert.equal(status, 200, `${service} ${path} ${model}: ${text}`);
        assert.match(text, /hello there/);
      }
    }
  },
);

forEachRuntime(
  "own APIs: OpenAI's client signs for either endpoint, with only another base URL",
  async (runtime) => {
    await using program = await startProgram(runtime, CONFIG);
    for (const endpoint of ["mantle", "runtime"] as const) {
      const place = { endpoint, region: "us-east-1", baseURL: `${program.url}/openai/v1` };
      const clientWith = (secretAccessKey: string) =>
        new OpenAI({ provider: bedrock({ ...place, ...PAIR, secretAccessKey }), maxRetries: 0 });
      const client = clientWith(PAIR.secretAccessKey);
      for (const model of ["gpt", "claude"]) {
        const stream = client.responses.stream({ model, input: "reply with: hello there" });
        assert.equal((await stream.finalResponse()).output_text, "hello there");
      }
      const { data } = await client.embeddings.create({ model: "titan", input: ["one", "two"] });
      assert.equal(data[1]?.embedding.length, 1024);
      const wrong = clientWith("x".repeat(40)).responses.create({ model: "gpt", input: "hi" });
      await assert.rejects(wrong, { status: 401 });
    }
  },
);

forEachRuntime(
  "own APIs: Anthropic's client for the mantle endpoint, with only another base URL",
  async (runtime) => {
    await using program = await startProgram(runtime, CONFIG);
    const place = { baseURL: `${program.url}/anthropic`, awsRegion: "us-east-1", maxRetries: 0 };
    const pair = { awsAccessKey: PAIR.accessKeyId, awsSecretAccessKey: PAIR.secretAccessKey };
    for (const credentials of [{ apiKey: KEY }, pair]) {
      const client = new AnthropicBedrockMantle({ ...place, ...credentials });
      for (const model of ["own-claude", "mantle-claude", "claude", "nova"]) {
        const request = { model, max_tokens: 100, messages: [...MESSAGES] };
        const whole = await client.messages.create(request);
        assert.deepEqual([whole.model, whole.content], [model, [{ type: "text", text: "hello there" }]]);
        const streamed = await client.messages.stream(request).finalMessage();
        assert.deepEqual(streamed.content, whole.content);
      }
    }
    const wrong = new AnthropicBedrockMantle({ ...place, ...pair, awsSecretAccessKey: "x".repeat(40) });
    await assert.rejects(wrong.messages.create({ model: "claude", max_tokens: 9, messages: [...MESSAGES] }), {
      status: 401,
    });
  },
);

forEachRuntime("own APIs: a wrong secret or another service's signature is refused", async (runtime) => {
  await using program = await startProgram(runtime, CONFIG);
  const wrong: readonly Signature[] = [
    { service: "bedrock-mantle", secretAccessKey: "x".repeat(40) },
    { service: "s3" },
  ];
  for (const [path, model] of SERVED) {
    for (const signature of wrong) {
      const { status, text } = await send(program.url, { path, model }, signature);
      assert.ok([401, 403].includes(status), `${signature.service} ${path}: ${status} ${text}`);
      assert.doesNotMatch(text, /hello there/);
    }
  }
});
