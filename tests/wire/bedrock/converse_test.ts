/** Converse's answers and events at the edge: what is unknown is tolerated, what cannot be read is an upstream's fault. */

import assert from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { AditError } from "../../../lib/base/errors.ts";
import type { JsonValue } from "../../../lib/base/json.ts";
import { parseConverseResponse, parseUsage } from "../../../lib/wire/bedrock/converse.ts";
import { parseConverseEvent } from "../../../lib/wire/bedrock/converse_stream.ts";
import type { ConverseEvent } from "../../../lib/wire/bedrock/converse_stream.ts";

const isProtocolError = (error: unknown) => error instanceof AditError && error.kind === "upstream_protocol";

for (
  const body of [null, [], {}, { output: {} }, {
    output: { message: { content: "x" } },
  }] satisfies JsonValue[]
) {
  Deno.test(`an answer without a message is the upstream's fault: ${JSON.stringify(body)}`, () => {
    assert.throws(() => parseConverseResponse(body), isProtocolError);
  });
}

Deno.test("malformed blocks are unknown blocks, not errors", () => {
  const content: JsonValue = [{ text: 1 }, { toolUse: {} }, { reasoningContent: {} }, {}, null, 5, {
    constructor: {},
  }];
  const { content: blocks } = parseConverseResponse({ output: { message: { content } } });
  assert.deepEqual(blocks.map((block) => block.type === "unknown" ? block.name : block.type), [
    "text",
    "toolUse",
    "reasoningContent",
    "",
    "",
    "",
    "constructor",
  ]);
});

Deno.test("usage is reported completely or not at all", () => {
  assert.deepEqual(
    parseUsage({ usage: { inputTokens: 1, outputTokens: 2, cacheReadInputTokens: 3, serverToolUsage: {} } }),
    {
      inputTokens: 1,
      outputTokens: 2,
      cacheReadTokens: 3,
      cacheWriteTokens: 0,
    },
  );
  for (
    const usage of [undefined, null, {}, { inputTokens: 1 }, { inputTokens: "1", outputTokens: 2 }, {
      inputTokens: -1,
      outputTokens: 2,
    }]
  ) {
    assert.equal(parseUsage({ usage: usage ?? null }), undefined);
  }
});

Deno.test("usage includes cache writes for an hour, and the tier that it is billed at", () => {
  const usage = {
    inputTokens: 1,
    outputTokens: 2,
    cacheWriteInputTokens: 30,
    cacheDetails: [{ ttl: "5m", inputTokens: 10 }, { ttl: "1h", inputTokens: 20 }],
  };
  const counts = {
    inputTokens: 1,
    outputTokens: 2,
    cacheReadTokens: 0,
    cacheWriteTokens: 30,
    cacheWrite1hTokens: 20,
  };
  assert.deepEqual(parseUsage({ usage, serviceTier: { type: "default" } }), counts);
  assert.deepEqual(parseUsage({ usage, serviceTier: { type: "flex" } }), { ...counts, tier: "flex" });
  assert.deepEqual(parseUsage({ usage, performanceConfig: { latency: "optimized" } }), {
    ...counts,
    tier: "optimized",
  });
});

const EVENTS: readonly (readonly [type: string, payload: JsonValue, event: ConverseEvent])[] = [
  ["messageStart", { role: "assistant", p: "abc" }, { type: "messageStart" }],
  ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "" }, p: "a" }, {
    type: "contentBlockDelta",
    index: 0,
    delta: { type: "text", text: "" },
  }],
  ["contentBlockDelta", { contentBlockIndex: 2, delta: { hologram: 1 } }, {
    type: "contentBlockDelta",
    index: 2,
    delta: { type: "unknown", name: "hologram" },
  }],
  ["contentBlockStart", { contentBlockIndex: 1, start: {} }, {
    type: "contentBlockStart",
    index: 1,
    start: { type: "unknown", name: "" },
  }],
  ["messageStop", {}, { type: "messageStop", stopReason: "" }],
  ["metadata", {}, { type: "metadata", usage: undefined }],
  ["toString", {}, { type: "unknown", name: "toString" }],
];

for (const [type, payload, event] of EVENTS) {
  Deno.test(`event ${type} ${JSON.stringify(payload)} is read`, () => {
    assert.deepEqual(parseConverseEvent(type, encodeUtf8(JSON.stringify(payload))), event);
  });
}

Deno.test("a payload that is not JSON is an upstream error, unless the event is unknown", () => {
  assert.throws(() => parseConverseEvent("messageStop", encodeUtf8("{")), isProtocolError);
  assert.throws(() => parseConverseEvent("contentBlockStop", encodeUtf8("{}")), isProtocolError);
  assert.deepEqual(parseConverseEvent("news", encodeUtf8("{")), { type: "unknown", name: "news" });
});
