/** Token counts in all places of native responses. */

import { deepEqual, equal } from "node:assert/strict";
import { EMPTY, encodeUtf8 } from "../../../lib/base/bytes.ts";
import type { Usage } from "../../../lib/base/usage.ts";
import { FrameDecoder } from "../../../lib/codec/eventstream.ts";
import {
  isLastChunk,
  parsedBody,
  usageOfChunks,
  usageOfConverse,
  usageOfHeaders,
  usageOfInvoke,
} from "../../../lib/providers/bedrock/native_usage.ts";
import { CLAUDE_STOP, invokeFrames, USAGE } from "../../fakes/frames.ts";

const FULL: Usage = { inputTokens: 7, outputTokens: 3, cacheReadTokens: 2, cacheWriteTokens: 0 };
const NONE: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

const BODIES: readonly (readonly [body: string, usage: Usage | undefined])[] = [
  [JSON.stringify({ output: {}, usage: USAGE }), FULL],
  ['{"usage":{}}', NONE],
  ['{"usage":{"inputTokens":-1,"outputTokens":1e300,"cacheReadInputTokens":"x"}}', NONE],
  ['{"usage":{"inputTokens":null,"outputTokens":[],"cacheReadInputTokens":{}}}', NONE],
  ['{"usage":7}', undefined],
  ['{"usage":null}', undefined],
  ["{}", undefined],
  ["[]", undefined],
  ["null", undefined],
  ["{", undefined],
  ["", undefined],
];

for (const [body, usage] of BODIES) {
  Deno.test(`the usage in ${body} is ${JSON.stringify(usage)}`, () => {
    deepEqual(usageOfConverse(parsedBody(encodeUtf8(body))), usage);
  });
}

Deno.test("usage is read from the headers of an InvokeModel response", () => {
  const headers = new Headers({
    "x-amzn-bedrock-input-token-count": "7",
    "x-amzn-bedrock-output-token-count": "3",
    "x-amzn-bedrock-cache-read-input-token-count": "2",
  });
  deepEqual(usageOfHeaders(headers), FULL);
  equal(usageOfHeaders(new Headers()), undefined);
  deepEqual(usageOfHeaders(new Headers({ "x-amzn-bedrock-input-token-count": "lots" })), NONE);
});

const ENDS:
  readonly (readonly [name: string, chunk: unknown, complete: boolean, usage: Usage | undefined])[] = [
    ["Claude's last chunk", CLAUDE_STOP, true, FULL],
    ["Claude's last chunk without metrics", { type: "message_stop" }, true, undefined],
    ["another family's last chunk", { "amazon-bedrock-invocationMetrics": { inputTokenCount: 7 } }, true, {
      ...NONE,
      inputTokens: 7,
    }],
    [
      "a chunk in the middle",
      { type: "content_block_delta", delta: { text: "message_stop" } },
      false,
      undefined,
    ],
    ["a chunk that is no object", "message_stop", false, undefined],
  ];

for (const [name, chunk, complete, usage] of ENDS) {
  Deno.test(`a stream that ends with ${name} is ${complete ? "complete" : "cut off"}`, () => {
    const frame = new FrameDecoder().push(invokeFrames(chunk)[0] ?? EMPTY)[0];
    const payload = frame?.payload ?? EMPTY;
    equal(isLastChunk(payload), complete);
    deepEqual(usageOfChunks([payload]), usage);
  });
}

Deno.test("an unreadable last frame does not complete the stream", () => {
  for (const payload of ["", "{", '{"bytes":7}', '{"bytes":"%%%"}', '{"bytes":"e30"}']) {
    equal(isLastChunk(encodeUtf8(payload)), false, payload);
    equal(usageOfChunks([encodeUtf8(payload)]), undefined, payload);
  }
});

const FAMILIES: readonly (readonly [family: string, body: unknown, usage: Usage | undefined])[] = [
  ["Claude", {
    type: "message",
    usage: {
      input_tokens: 7,
      output_tokens: 30,
      cache_read_input_tokens: 2,
      cache_creation_input_tokens: 12,
      cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 8 },
    },
  }, { ...FULL, outputTokens: 30, cacheWriteTokens: 12, cacheWrite1hTokens: 8 }],
  ["Nova", {
    usage: { inputTokens: 7, outputTokens: 3, cacheReadInputTokenCount: 1, cacheReadInputTokens: 2 },
  }, FULL],
  ["a completion with reasoning", {
    choices: [],
    usage: { prompt_tokens: 7, completion_tokens: 3, completion_tokens_details: { reasoning_tokens: 2 } },
  }, { ...NONE, inputTokens: 7, outputTokens: 3, reasoningTokens: 2 }],
  ["Llama", { generation: "x", prompt_token_count: 7, generation_token_count: 3 }, {
    ...NONE,
    inputTokens: 7,
    outputTokens: 3,
  }],
  ["Titan's embeddings", { embedding: [0.5], inputTextTokenCount: 7 }, { ...NONE, inputTokens: 7 }],
  ["images", { images: ["a", "b"] }, { ...NONE, images: 2 }],
  ["a body without counts", { outputs: [] }, undefined],
];

for (const [family, body, usage] of FAMILIES) {
  Deno.test(`without headers, the usage of an InvokeModel body is read: ${family}`, () => {
    deepEqual(usageOfInvoke(new Headers(), JSON.parse(JSON.stringify(body))), usage);
  });
}

Deno.test("the headers count, the body adds counts that they lack, and the tier is kept", () => {
  const headers = new Headers({
    "x-amzn-bedrock-input-token-count": "7",
    "x-amzn-bedrock-output-token-count": "3",
    "x-amzn-bedrock-cache-write-input-token-count": "12",
    "x-amzn-bedrock-service-tier": "flex",
  });
  const usage = { cache_creation: { ephemeral_1h_input_tokens: 8 }, input_tokens: 7, output_tokens: 3 };
  deepEqual(usageOfInvoke(headers, { usage }), {
    ...NONE,
    inputTokens: 7,
    outputTokens: 3,
    cacheWriteTokens: 12,
    cacheWrite1hTokens: 8,
    tier: "flex",
  });
});

Deno.test("cumulative counts of a stream are not added, and the largest counts", () => {
  const chunks = [
    { type: "message_start", message: { usage: { input_tokens: 7, output_tokens: 1 } } },
    { type: "message_delta", usage: { output_tokens: 3, cache_read_input_tokens: 2 } },
    { type: "message_delta", usage: { output_tokens: 2 } },
  ].map((chunk) => new FrameDecoder().push(invokeFrames(chunk)[0] ?? EMPTY)[0]?.payload ?? EMPTY);
  deepEqual(usageOfChunks(chunks), FULL);
  // A stream that broke off early.
  deepEqual(usageOfChunks(chunks.slice(0, 1)), { ...NONE, inputTokens: 7, outputTokens: 1 });
});
