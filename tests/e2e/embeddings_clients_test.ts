/** Embeddings with OpenAI's client, the AI SDK and LangChain, and the real program with its emulator. */

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { OpenAIEmbeddings } from "@langchain/openai";
import { embedMany } from "ai";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import OpenAI from "openai";
import { PNG } from "../fakes/image_host.ts";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

/** Every embedding model, with the size of its vectors. */
const MODELS = {
  titan1: ["amazon.titan-embed-text-v1", 1536],
  titan2: ["amazon.titan-embed-text-v2:0", 1024],
  pictures: ["amazon.titan-embed-image-v1", 1024],
  nova2: ["amazon.nova-2-multimodal-embeddings-v1:0", 3072],
  cohere3: ["cohere.embed-multilingual-v3", 1024],
  cohere4: ["us.cohere.embed-v4:0", 1536],
  marengo2: ["us.twelvelabs.marengo-embed-2-7-v1:0", 1024],
  marengo3: ["us.twelvelabs.marengo-embed-3-0-v1:0", 512],
} as const;

const TEXTS = ["red apples", "green apples", "fast trains"];

function programTest(name: string, test: (program: Program) => Promise<void>): void {
  forEachRuntime(`embeddings: ${name}`, async (runtime) => {
    const ids = Object.entries(MODELS).map(([model, [id]]) => [model, id]);
    await using program = await startProgram(runtime, emulatorConfig(Object.fromEntries(ids)));
    await test(program);
  });
}

function clientOf({ url }: Program): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 0 });
}

function closeness(one: readonly number[] = [], other: readonly number[] = []): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

function assertOrdered(vectors: readonly (readonly number[])[], size: number): void {
  assert.deepEqual(vectors.map((vector) => vector.length), [size, size, size]);
  const [red, green, trains] = vectors;
  assert.ok(closeness(red, green) > closeness(red, trains) + 0.2);
}

programTest("OpenAI's client decodes the base64 it asks for, of every model", async (program) => {
  const client = clientOf(program);
  for (const [model, [, size]] of Object.entries(MODELS)) {
    const { data, usage } = await client.embeddings.create({ model, input: TEXTS });
    assertOrdered(data.map(({ embedding }) => embedding), size);
    assert.equal(usage.prompt_tokens, model.startsWith("marengo") ? 0 : 10);
    // The client asks for base64 by itself; the numbers are the same, as 32-bit floats.
    const plain = await client.embeddings.create({ model, input: TEXTS, encoding_format: "float" });
    const [first] = plain.data;
    assert.deepEqual([...new Float32Array(first?.embedding ?? [])], [...data[0]?.embedding ?? []]);
  }
});

programTest("OpenAI's client embeds more texts than a request to Cohere takes", async (program) => {
  const input = Array.from({ length: 200 }, (_, index) => `text ${index}`);
  const { data } = await clientOf(program).embeddings.create({ model: "cohere3", input });
  assert.deepEqual(data.map(({ index }) => index), input.map((_, index) => index));
  const [alone] = (await clientOf(program).embeddings.create({ model: "cohere3", input: "text 150" })).data;
  assert.deepEqual(data[150]?.embedding, alone?.embedding);
});

programTest("OpenAI's client gets errors with their place", async (program) => {
  const client = clientOf(program);
  await assert.rejects(
    client.embeddings.create({ model: "titan2", input: ["a", "b"], dimensions: 300 }),
    { status: 400, param: "dimensions" },
  );
  await assert.rejects(client.embeddings.create({ model: "titan2", input: [[1, 2]] }), {
    status: 400,
    param: "input[0]",
    message: /check_embedding_ctx_length/,
  });
  await assert.rejects(client.embeddings.create({ model: "titan2", input: ["a", "b".repeat(50_001)] }), {
    status: 400,
    param: "input[1]",
  });
  await assert.rejects(client.embeddings.create({ model: "nova", input: "a" }), {
    status: 400,
    param: "model",
  });
});

programTest("images are embedded next to texts", async ({ url }) => {
  const image = `data:image/png;base64,${Buffer.from(PNG).toString("base64")}`;
  for (const model of ["pictures", "nova2", "cohere3", "cohere4", "marengo2", "marengo3"]) {
    const response = await fetch(`${url}/v1/embeddings`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model, input: ["a", { image }] }),
    });
    assert.equal(response.status, 200, model);
    const { data } = await response.json();
    assert.equal(data.length, 2);
    assert.notDeepEqual(data[0].embedding, data[1].embedding);
  }
});

programTest("the AI SDK embeds many texts", async ({ url }) => {
  const provider = createOpenAICompatible({ name: "adit", baseURL: `${url}/v1`, apiKey: KEY });
  for (const model of ["titan2", "cohere4"] as const) {
    const { embeddings, usage } = await embedMany({ model: provider.embeddingModel(model), values: TEXTS });
    assertOrdered(embeddings, MODELS[model][1]);
    assert.equal(usage.tokens, 10);
  }
});

programTest("LangChain embeds documents and a query", async ({ url }) => {
  const embeddings = new OpenAIEmbeddings({
    model: "cohere4",
    dimensions: 512,
    apiKey: KEY,
    maxRetries: 0,
    configuration: { baseURL: `${url}/v1` },
  });
  assertOrdered(await embeddings.embedDocuments(TEXTS), 512);
  assert.equal((await embeddings.embedQuery("apples")).length, 512);
});
