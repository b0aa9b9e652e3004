/** Real clients with the real program, while the first target of a model fails in every way. */

import Anthropic from "@anthropic-ai/sdk";
import { ConverseCommand, ConverseStreamCommand } from "@aws-sdk/client-bedrock-runtime";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import assert from "node:assert/strict";
import OpenAI from "openai";
import { KEY, keyHash } from "./configs.ts";
import { messages, withClient } from "./native_aws_sdk.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";
import { atRest, statusReport } from "./requests.ts";

const HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0";

/** Failures of the first target, each for a model of its own whose second target works. */
const FAILURES = {
  throttled: `{ provider: east, id: us.${HAIKU}.fault-throttling }`,
  down: `{ provider: closed, id: us.${HAIKU} }`,
  hanging: `{ provider: east, id: us.${HAIKU}.fault-stall:0 }`,
  silent: `{ provider: east, id: us.${HAIKU}.fault-stall:1 }`,
  breaking: `{ provider: east, id: us.${HAIKU}.fault-stream-unavailable:1 }`,
} as const;

/** Models whose first target is abandoned because it is silent; the second must begin within the same time. */
const SILENT: readonly string[] = ["hanging", "silent"];

const BROKEN_LATER = `{ provider: east, id: us.${HAIKU}.fault-stream-unavailable:3 }`;

function configOf(): string {
  const models = Object.entries({ ...FAILURES, late: BROKEN_LATER }).map(([name, first]) =>
    `  ${name}:
    targets: [${first}, { provider: west, id: us.${HAIKU}, priority: 1 }]
${SILENT.includes(name) ? "    first_token: 2s\n" : ""}    health: { failures: 100 }
`
  );
  return `providers:
  east: { type: emulator, region: us-east-1 }
  west: { type: emulator, region: us-west-2 }
  closed:
    type: bedrock
    region: eu-west-1
    endpoint: http://127.0.0.1:1
    credentials: { access_key_id: AKIDEXAMPLE, secret_access_key: wJalrXUtnFEMI-EXAMPLE }
models:
${models.join("")}callers:
  demo: { key: "${keyHash(KEY)}", models: ["*"] }
`;
}

const ASK = { max_tokens: 100, messages: [{ role: "user" as const, content: "reply with: hello there" }] };

type Ask = (program: Program, model: string) => Promise<string>;

/** The whole text of a request that is made as the users of each client do. */
const CLIENTS: Readonly<Record<string, { readonly whole: Ask; readonly stream: Ask }>> = {
  openai: {
    whole: async ({ url }, model) => {
      const { choices } = await openai(url).chat.completions.create({ model, ...ASK });
      return choices[0]?.message.content ?? "";
    },
    stream: async ({ url }, model) => {
      let text = "";
      for await (const chunk of await openai(url).chat.completions.create({ model, ...ASK, stream: true })) {
        text += chunk.choices[0]?.delta.content ?? "";
      }
      return text;
    },
  },
  anthropic: {
    whole: async ({ url }, model) =>
      textOf((await anthropic(url).messages.create({ model, ...ASK })).content),
    stream: async ({ url }, model) =>
      textOf((await anthropic(url).messages.stream({ model, ...ASK }).finalMessage()).content),
  },
  "AI SDK": {
    whole: async (program, model) =>
      (await generateText({
        model: aiModel(program, model),
        prompt: "reply with: hello there",
        maxRetries: 0,
      })).text,
    stream: async (program, model) => {
      let failure: unknown;
      const { textStream } = streamText({
        model: aiModel(program, model),
        prompt: "reply with: hello there",
        maxRetries: 0,
        onError: ({ error }) => void (failure = error),
      });
      let text = "";
      for await (const piece of textStream) text += piece;
      if (failure !== undefined) throw failure;
      return text;
    },
  },
  "AWS SDK": {
    whole: async (program, modelId) => {
      let text = "";
      await withClient(program, AWS, async (client) => {
        const { output } = await client.send(new ConverseCommand({ modelId, messages }));
        text = output?.message?.content?.[0]?.text ?? "";
      });
      return text;
    },
    stream: async (program, modelId) => {
      let text = "";
      await withClient(program, AWS, async (client) => {
        const { stream = [] } = await client.send(new ConverseStreamCommand({ modelId, messages }));
        for await (const event of stream) text += event.contentBlockDelta?.delta?.text ?? "";
      });
      return text;
    },
  },
};

const AWS = { handler: "HTTP/1.1", identity: "a bearer token" } as const;

function openai(url: string): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 0 });
}

function anthropic(url: string): Anthropic {
  return new Anthropic({ baseURL: url, apiKey: KEY, maxRetries: 0 });
}

function aiModel({ url }: Program, model: string) {
  return createOpenAICompatible({ name: "adit", baseURL: `${url}/v1`, apiKey: KEY }).chatModel(model);
}

function textOf(content: readonly Anthropic.ContentBlock[]): string {
  return content.map((block) => block.type === "text" ? block.text : "").join("");
}

/** Faults that a whole answer can have, too. */
const WHOLE_FAILURES = ["throttled", "down"] as const;

forEachRuntime("clients see one clean response however the first target fails", async (runtime, test) => {
  await using program = await startProgram(runtime, configOf());
  for (const [name, { whole, stream }] of Object.entries(CLIENTS)) {
    for (const failure of WHOLE_FAILURES) {
      await test.step(`${name}: ${failure}`, async () => {
        assert.equal(await whole(program, failure), "hello there");
      });
    }
    for (const failure of Object.keys(FAILURES)) {
      await test.step(`${name}, stream: ${failure}`, async () => {
        assert.equal(await stream(program, failure), "hello there");
      });
    }
    await test.step(`${name}: a stream that breaks off after its first words is an error, and never continued by another target`, async () => {
      await assert.rejects(stream(program, "late"));
    });
  }
});

const LOAD = `providers:
  a: { type: emulator, region: us-east-1 }
  b: { type: emulator, region: us-west-2 }
  c: { type: emulator, region: us-east-2 }
models:
  m:
    targets:
      - { provider: a, id: us.${HAIKU} }
      - { provider: b, id: us.${HAIKU}.fault-for:4.fault-unavailable }
      - { provider: c, id: us.${HAIKU} }
callers:
  demo: { key: "${keyHash(KEY)}", models: ["*"] }
`;

forEachRuntime(
  "while one of three targets is down, no request fails that another target could serve",
  async (runtime) => {
    await using program = await startProgram(runtime, LOAD);
    const statuses = new Map<number, number>();
    const targets = new Map<string, number>();
    const end = performance.now() + 6_000;
    const client = async () => {
      while (performance.now() < end) {
        const answer = await fetch(`${program.url}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
          body: JSON.stringify({ model: "m", ...ASK }),
        });
        await answer.bytes();
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const target = answer.headers.get("x-adit-target") ?? "";
        targets.set(target, (targets.get(target) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    assert.deepEqual([...statuses.keys()], [200]);
    assert.deepEqual([...targets.keys()].filter((target) => target === ""), []);
    await atRest(program);
    const status = await statusReport(program);
    assert.deepEqual(Object.keys(status.targets.m).sort(), ["a", "b", "c"]);
    assert.deepEqual(
      Object.values(status.targets.m).map((each) => (each as { in_flight: number }).in_flight),
      [0, 0, 0],
    );
  },
);
