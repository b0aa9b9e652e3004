/** InvokeModel with the bodies of models that complete a text, and of embedding models. */

import { InvokeModelCommand, InvokeModelWithResponseStreamCommand } from "@aws-sdk/client-bedrock-runtime";
import assert from "node:assert/strict";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import { EMBEDDERS } from "../../lib/emulator/invoke/embeddings/embeddings.ts";
import { framesOf, LLAMA, messageOf, pathOf, payloadOf, postTo, withClient } from "./harness.ts";

const MISTRAL = "mistral.mistral-7b-instruct-v0:2";
const COMMAND = "cohere.command-r-v1:0";
const LLAMA_PROMPT =
  "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nreply with: hello there<|eot_id|>" +
  "<|start_header_id|>assistant<|end_header_id|>\n\n";

interface Completion {
  readonly body: object;
  readonly message: Readonly<Record<string, unknown>>;
  /** The text of one object of the stream. */
  readonly textOf: (event: Readonly<Record<string, unknown>>) => unknown;
}

const COMPLETIONS: Readonly<Record<string, Completion>> = {
  [LLAMA]: {
    body: { prompt: LLAMA_PROMPT, max_gen_len: 100, temperature: 0.5 },
    message: {
      generation: "hello there",
      prompt_token_count: 11,
      generation_token_count: 4,
      stop_reason: "stop",
    },
    textOf: ({ generation }) => generation,
  },
  [MISTRAL]: {
    body: { prompt: "<s>[INST] reply with: hello there [/INST]", max_tokens: 100 },
    message: { outputs: [{ text: "hello there", stop_reason: "stop" }] },
    textOf: ({ outputs }) => (outputs as { text: string }[])[0]?.text,
  },
  [COMMAND]: {
    body: { message: "reply with: hello there", chat_history: [{ role: "USER", message: "Hi" }] },
    message: { text: "hello there", finish_reason: "COMPLETE" },
    textOf: ({ text }) => text,
  },
};

for (const [modelId, { body, message, textOf }] of Object.entries(COMPLETIONS)) {
  Deno.test(`${modelId} completes a text in its own format, whole and as a stream`, async () => {
    await withClient({ handler: "HTTP/1.1", authentication: "signature" }, async (client) => {
      const whole = await client.send(new InvokeModelCommand({ modelId, body: JSON.stringify(body) }));
      const answer = JSON.parse(decodeUtf8(whole.body));
      for (const [name, value] of Object.entries(message)) assert.deepEqual(answer[name], value);
      const stream = await client.send(
        new InvokeModelWithResponseStreamCommand({ modelId, body: JSON.stringify(body) }),
      );
      const events = [];
      for await (const { chunk } of stream.body ?? []) {
        events.push(JSON.parse(decodeUtf8(chunk?.bytes ?? new Uint8Array())));
      }
      assert.equal(events.map((event) => textOf(event) ?? "").join(""), "hello there");
      assert.equal(events.at(-1)["amazon-bedrock-invocationMetrics"].outputTokenCount, 4);
      assert.equal(events.slice(0, -1).some((event) => "amazon-bedrock-invocationMetrics" in event), false);
    });
  });
}

Deno.test("a completion ends at its limit, and may be empty", async () => {
  const post = postTo();
  const limited = await post(pathOf(LLAMA, "invoke"), { prompt: LLAMA_PROMPT, max_gen_len: 1 });
  assert.equal((await limited.json()).stop_reason, "length");
  const stopped = await post(pathOf(MISTRAL, "invoke-with-response-stream"), {
    prompt: "reply with: hello",
    stop: ["hello"],
  });
  const [frame] = await framesOf(stopped);
  assert.ok(frame !== undefined);
  const event = JSON.parse(atob(JSON.parse(payloadOf(frame)).bytes));
  assert.deepEqual(event.outputs, [{ text: "", stop_reason: "stop" }]);
});

const EMBEDDINGS: readonly (readonly [modelId: string, body: object, size: number, read: string])[] = [
  ["amazon.titan-embed-text-v2:0", { inputText: "red apples" }, 1024, "embedding"],
  ["amazon.titan-embed-text-v2:0", { inputText: "red apples", dimensions: 256 }, 256, "embedding"],
  [
    "amazon.titan-embed-text-v2:0",
    { inputText: "red apples", embeddingTypes: ["binary", "float"] },
    1024,
    "embeddingsByType.float",
  ],
  ["cohere.embed-english-v3", { texts: ["red apples"], input_type: "search_query" }, 1024, "embeddings.0"],
  [
    "cohere.embed-multilingual-v3",
    { texts: ["red apples"], input_type: "search_query", embedding_types: ["float"] },
    1024,
    "embeddings.float.0",
  ],
  ["cohere.embed-v4:0", { texts: ["red apples"], input_type: "search_query" }, 1536, "embeddings.float.0"],
  [
    "us.cohere.embed-v4:0",
    { texts: ["red apples"], input_type: "clustering", output_dimension: 512 },
    512,
    "embeddings.float.0",
  ],
  [
    "cohere.embed-v4:0",
    { inputs: [{ content: [{ type: "text", text: "red apples" }] }], input_type: "search_query" },
    1536,
    "embeddings.float.0",
  ],
  ["amazon.titan-embed-text-v1", { inputText: "red apples" }, 1536, "embedding"],
  [
    "amazon.titan-embed-image-v1",
    { inputText: "red apples", embeddingConfig: { outputEmbeddingLength: 384 } },
    384,
    "embedding",
  ],
  [
    "amazon.nova-2-multimodal-embeddings-v1:0",
    {
      taskType: "SINGLE_EMBEDDING",
      singleEmbeddingParams: {
        embeddingPurpose: "GENERIC_INDEX",
        embeddingDimension: 256,
        text: { truncationMode: "NONE", value: "red apples" },
      },
    },
    256,
    "embeddings.0.embedding",
  ],
  ["us.twelvelabs.marengo-embed-2-7-v1:0", { inputType: "text", inputText: "red" }, 1024, "data.0.embedding"],
  [
    "twelvelabs.marengo-embed-3-0-v1:0",
    { inputType: "text", text: { inputText: "red apples" } },
    512,
    "data.0.embedding",
  ],
];

for (const [modelId, body, size, path] of EMBEDDINGS) {
  Deno.test(`${modelId} embeds ${JSON.stringify(body)} in ${size} numbers of length 1, always the same`, async () => {
    const post = postTo();
    const vectorOf = async () => {
      const response = await post(pathOf(modelId, "invoke"), body);
      const tokens = modelId.includes("marengo") ? null : "3";
      assert.equal(response.headers.get("x-amzn-bedrock-input-token-count"), tokens);
      assert.equal(response.headers.has("x-amzn-bedrock-output-token-count"), false);
      let value = await response.json();
      for (const step of path.split(".")) value = value[step];
      return value as number[];
    };
    const vector = await vectorOf();
    assert.equal(vector.length, size);
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 0.001);
    assert.deepEqual(await vectorOf(), vector);
  });
}

Deno.test("an embedding model has no Converse", async () => {
  for (const operation of ["converse", "converse-stream"]) {
    const messages = [{ role: "user", content: [{ text: "red apples" }] }];
    const response = await postTo()(pathOf("amazon.titan-embed-text-v2:0", operation), { messages });
    assert.equal(response.status, 400);
    assert.match((await response.json()).message, /^This action doesn't support the model/);
  }
});

Deno.test("texts with words in common are closer than texts without", async () => {
  const response = await postTo()(pathOf("cohere.embed-v4:0", "invoke"), {
    texts: ["red apples", "green apples", "fast trains"],
    input_type: "clustering",
  });
  const [red, green, trains] = (await response.json()).embeddings.float as [number[], number[], number[]];
  const closeness = (one: number[], other: number[]) =>
    one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
  assert.ok(closeness(red, green) > closeness(red, trains) + 0.2);
});

Deno.test("Titan's image model responds to an input that it cannot embed with status 200 and a message", async () => {
  const post = postTo();
  for (const body of [{ inputImage: "AAAA" }, { inputText: "red ".repeat(300) }]) {
    const response = await post(pathOf("amazon.titan-embed-image-v1", "invoke"), body);
    assert.equal(response.status, 200);
    const { embedding, message } = await response.json();
    assert.equal(embedding, null);
    assert.equal(typeof message, "string");
  }
});

Deno.test("inputs in more than one form, or an image with another type, are refused", async () => {
  const post = postTo();
  const image = "data:image/png;base64,iVBORw0KGgo=";
  for (
    const [id, body] of [
      ["cohere.embed-v4:0", { texts: ["a"], images: [image], input_type: "clustering" }],
      ["cohere.embed-english-v3", { images: [image], input_type: "search_query" }],
      ["cohere.embed-english-v3", { texts: ["a".repeat(2049)], input_type: "search_query" }],
      ["amazon.nova-2-multimodal-embeddings-v1:0", {
        taskType: "SINGLE_EMBEDDING",
        singleEmbeddingParams: { embeddingPurpose: "CLUSTERING" },
      }],
      ["amazon.titan-embed-image-v1", {}],
    ] as const
  ) {
    const response = await post(pathOf(id, "invoke"), body);
    assert.equal(response.status, 400, await messageOf(response));
  }
});

Deno.test("embedding models refuse what they do not accept, and every operation but InvokeModel", async () => {
  const post = postTo();
  for (const { id } of EMBEDDERS) {
    for (const [operation, body] of [["invoke", { prompt: "hi" }], ["converse", { messages: [] }]] as const) {
      const response = await post(pathOf(id, operation), body);
      assert.equal(response.status, 400, await messageOf(response));
    }
  }
});

const APPLES = { query: "apples", documents: ["fast trains", "red apples"] };

Deno.test("rerank models rank by InvokeModel", async () => {
  for (
    const [id, body] of [["cohere.rerank-v3-5:0", { ...APPLES, api_version: 2 }], [
      "amazon.rerank-v1:0",
      APPLES,
    ]] as const
  ) {
    const response = await postTo()(pathOf(id, "invoke"), { ...body, top_n: 1 });
    assert.equal(response.status, 200);
    const { results } = await response.json();
    assert.deepEqual(results.map(({ index }: { index: number }) => index), [1]);
  }
});

Deno.test("rerank models refuse more results than documents, a body without its version, and Converse", async () => {
  const post = postTo();
  const refused: readonly (readonly [id: string, operation: string, body: object])[] = [
    ["amazon.rerank-v1:0", "invoke", { ...APPLES, top_n: 3 }],
    ["cohere.rerank-v3-5:0", "invoke", APPLES],
    ["amazon.rerank-v1:0", "invoke", { ...APPLES, api_version: 2 }],
    ["amazon.rerank-v1:0", "invoke", { ...APPLES, documents: [] }],
    ["amazon.rerank-v1:0", "converse", { messages: [{ role: "user", content: [{ text: "hi" }] }] }],
  ];
  for (const [id, operation, body] of refused) {
    const response = await post(pathOf(id, operation), body);
    assert.equal(response.status, 400, await messageOf(response));
  }
});
