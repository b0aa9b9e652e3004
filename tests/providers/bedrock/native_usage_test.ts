/** Token counts, wherever native answers put them. */

import { deepEqual, equal } from "node:assert/strict";
import { EMPTY, encodeUtf8 } from "../../../lib/base/bytes.ts";
import type { Usage } from "../../../lib/base/usage.ts";
import { FrameDecoder } from "../../../lib/codec/eventstream.ts";
import {
  invokeStreamEnd,
  usageOfConverse,
  usageOfHeaders,
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
    deepEqual(usageOfConverse(encodeUtf8(body), undefined), usage);
  });
}

Deno.test("a compressed body is not read", () => {
  const body = encodeUtf8(JSON.stringify({ usage: USAGE }));
  equal(usageOfConverse(body, new Headers({ "content-encoding": "gzip" })), undefined);
  deepEqual(usageOfConverse(body, new Headers()), FULL);
});

Deno.test("usage is read from the headers of an InvokeModel answer", () => {
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
    deepEqual(invokeStreamEnd(frame?.payload ?? EMPTY), { complete, usage });
  });
}

Deno.test("an unreadable last frame does not complete the stream", () => {
  for (const payload of ["", "{", '{"bytes":7}', '{"bytes":"%%%"}', '{"bytes":"e30"}']) {
    deepEqual(invokeStreamEnd(encodeUtf8(payload)), { complete: false, usage: undefined }, payload);
  }
});
