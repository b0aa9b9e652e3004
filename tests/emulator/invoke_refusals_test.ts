/** Refusals of InvokeModel, with their messages. */

import assert from "node:assert/strict";
import {
  ask,
  assertRefused,
  CLAUDE,
  messageOf,
  NOVA,
  pathOf,
  postTo,
  type RefusedRequest,
} from "./harness.ts";

const base = {
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: 100,
  messages: [{ role: "user", content: "hi" }],
};
const toolUse = { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "clock", input: {} }] };
const toolResult = { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "noon" }] };

/** A body whose only message contains these blocks. */
function withBlocks(...content: readonly object[]): object {
  return { ...base, messages: [{ role: "user", content }] };
}

function media(type: "document" | "image", media_type: string, data: string): object {
  return { type, source: { type: "base64", media_type, data } };
}

const thinkingBody = { ...base, max_tokens: 2000, thinking: { type: "enabled", budget_tokens: 1024 } };

const REFUSED: Readonly<Record<string, RefusedRequest>> = {
  "no version": {
    body: { ...base, anthropic_version: undefined },
    message: "anthropic_version: Field required",
  },
  "no max_tokens": { body: { ...base, max_tokens: undefined }, message: "max_tokens: Field required" },
  "the members of Anthropic's own API": {
    body: { ...base, model: "x" },
    message: "model: Extra inputs are not permitted",
  },
  "a temperature out of range": {
    body: { ...base, temperature: 2 },
    message: "temperature: Input should be less than or equal to 1",
  },
  "a first message of the assistant": {
    body: { ...base, messages: [{ role: "assistant", content: "a" }] },
    message: 'messages: first message must use the "user" role',
  },
  "an empty text": {
    body: { ...base, messages: [{ role: "user", content: "" }] },
    message: "messages: text content blocks must be non-empty",
  },
  "a block of an unknown type": {
    body: { ...base, messages: [{ role: "user", content: [{ type: "toolResult" }] }] },
    message: /^messages.0.content/,
  },
  "an unknown member of a block": {
    body: { ...base, messages: [{ role: "user", content: [{ type: "text", text: "a", cachePoint: {} }] }] },
    message: /cachePoint: Extra inputs are not permitted$/,
  },
  "a call without its result": {
    body: { ...base, messages: [...base.messages, toolUse, { role: "user", content: "so?" }] },
    message: /^messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1\./,
  },
  "a result without its call": {
    body: { ...base, messages: [...base.messages, toolResult] },
    message: /^messages.1.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t1\./,
  },
  "an invalid name of a tool that Anthropic defines": {
    body: { ...base, tools: [{ type: "bash_20250124", name: "a(b" }] },
    message: "tools.0.bash_20250124.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
  },
  "an unknown beta flag": {
    body: { ...base, anthropic_beta: ["files-api-2025-04-14"] },
    message: "invalid beta flag",
  },
  "a field that only a beta flag opens": {
    body: { ...base, context_management: { edits: [] }, anthropic_beta: ["effort-2025-11-24"] },
    message: "context_management: Extra inputs are not permitted",
  },
  "an image that does not match its type": {
    body: withBlocks(media("image", "image/png", "R0lGODlhAQABAAAAACw=")),
    message:
      "messages.0.content.0.image.source.base64: Image does not match the provided media type image/png",
  },
  "an image of a type that Claude does not see": {
    body: withBlocks(media("image", "image/bmp", "Qk0=")),
    message:
      /^messages.0.content.0.image.source.base64.media_type: Input should be 'image\/png', .* or 'image\/webp'$/,
  },
  "an image behind a URL": {
    body: withBlocks({ type: "image", source: { type: "url", url: "https://example.com/a.png" } }),
    message: /^messages.0.content.0.image.source: Input tag 'url' found/,
  },
  "a document that is not a PDF, in a tool result": {
    body: {
      ...base,
      messages: [...base.messages, toolUse, {
        role: "user",
        content: [{
          type: "tool_result",
          tool_use_id: "t1",
          content: [media("document", "application/pdf", "AAAA")],
        }],
      }],
    },
    message:
      "messages.2.content.0.tool_result.content.0.document.source.base64.data: The PDF specified was not valid.",
  },
  "a tool loop without its thinking": {
    body: { ...thinkingBody, messages: [...base.messages, toolUse, toolResult] },
    message:
      /^messages\.1\.content\.0\.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`\./,
  },
  "a prompt that is too long": {
    body: { ...base, messages: [{ role: "user", content: "a ".repeat(200_000) }] },
    message: "prompt is too long: 200003 tokens > 200000 maximum",
  },
  "text that is not JSON": {
    body: new TextEncoder().encode("{"),
    message: "Malformed input request, please reformat your input and try again.",
  },
  "JSON that is too deep to walk through": {
    body: new TextEncoder().encode(`{"messages":${"[".repeat(1e5)}${"]".repeat(1e5)}}`),
    message: "Malformed input request, please reformat your input and try again.",
  },
  "Nova: an unknown field": {
    model: NOVA,
    body: { messages: [ask("hi")], max_tokens: 5 },
    message: /^Malformed input request: #: extraneous key \[max_tokens\] is not permitted/,
  },
  "Nova: no messages": { model: NOVA, body: {}, message: /required key \[messages\] not found/ },
  "Nova: topK out of range": {
    model: NOVA,
    body: { messages: [ask("hi")], inferenceConfig: { topK: 500 } },
    message: /#\/inferenceConfig\/topK/,
  },
  "a family without a native body": {
    model: "us.deepseek.r1-v1:0",
    body: { prompt: "hi" },
    message: /use Converse/,
  },
};

for (const [what, refused] of Object.entries(REFUSED)) {
  Deno.test(
    `InvokeModel refuses ${what}`,
    () => assertRefused(["invoke", "invoke-with-response-stream"], refused),
  );
}

Deno.test("InvokeModel accepts a prompt of 200003 tokens with the flag for long ones", async () => {
  const body = {
    ...base,
    anthropic_beta: ["context-1m-2025-08-07"],
    messages: [{ role: "user", content: "a ".repeat(200_000) }],
  };
  const response = await postTo()(pathOf(CLAUDE, "invoke"), body);
  assert.equal(response.status, 200);
  assert.equal((await response.json()).usage.input_tokens, 200_003);
});

const GUARDRAIL_HEADERS: readonly [headers: Record<string, string>, body: object][] = [
  [{ "x-amzn-bedrock-guardrailidentifier": "abc" }, base],
  [{ "x-amzn-bedrock-guardrailversion": "1" }, base],
  [{}, { ...base, "amazon-bedrock-guardrailConfig": { tagSuffix: "x" } }],
];

for (const [headers, body] of GUARDRAIL_HEADERS) {
  Deno.test(`InvokeModel refuses half a guardrail: ${Object.keys(headers)[0] ?? "only a configuration"}`, async () => {
    const response = await postTo()(pathOf(CLAUDE, "invoke"), body, headers);
    assert.match(await messageOf(response), /guardrail/i);
    assert.equal(response.status, 400);
  });
}
