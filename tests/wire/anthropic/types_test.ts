/** Our shapes compared with those of Anthropic's own SDK: the compiler is the test. */

import type {
  Message,
  MessageCreateParamsNonStreaming,
  RawMessageStreamEvent,
} from "@anthropic-ai/sdk/resources";
import assert from "node:assert/strict";
import type { MessageAnswer, MessagesEvent, MessagesUsage } from "../../../lib/wire/anthropic/answer.ts";
import { parseMessagesRequest } from "../../../lib/wire/anthropic/messages.ts";
import { parseJsonBody } from "../../../lib/base/json.ts";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";

/** Compiles only if every `Ours` is assignable to `Theirs`. */
type Fits<Ours extends Theirs, Theirs> = Ours;

/** What a check names is used, so that the compiler looks at it. */
type Checks = [
  Fits<MessageAnswer["stop_reason"], Message["stop_reason"]>,
  Fits<MessageAnswer["content"][number]["type"], Message["content"][number]["type"]>,
  Fits<MessagesUsage, Pick<Message["usage"], keyof MessagesUsage>>,
  Fits<keyof MessageAnswer, keyof Message>,
  Fits<MessagesEvent["type"], RawMessageStreamEvent["type"]>,
];

Deno.test("our names are names of Anthropic's SDK", () => {
  const checks: Checks["length"] = 5;
  assert.equal(checks, 5);
});

Deno.test("a request that the SDK's types allow is read whole", () => {
  const cache_control = { type: "ephemeral", ttl: "1h" } as const;
  const body: MessageCreateParamsNonStreaming = {
    model: "any",
    max_tokens: 9,
    cache_control,
    system: [{ type: "text", text: "s", cache_control }],
    messages: [
      { role: "system", content: "s" },
      {
        role: "user",
        content: [
          { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" }, cache_control },
          {
            type: "document",
            source: { type: "base64", media_type: "application/pdf", data: "aGk=" },
            title: "t",
            context: "c",
            citations: { enabled: true },
          },
          { type: "document", source: { type: "text", media_type: "text/plain", data: "d" } },
          { type: "document", source: { type: "content", content: [{ type: "text", text: "c" }] } },
          { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "r" }], is_error: true },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "t", signature: "s" },
          { type: "redacted_thinking", data: "d" },
          { type: "tool_use", id: "t", name: "n", input: {}, caller: { type: "direct" } },
        ],
      },
    ],
    metadata: { user_id: "u" },
    output_config: { effort: "low", format: { type: "json_schema", schema: {} } },
    service_tier: "auto",
    stop_sequences: ["x"],
    thinking: { type: "enabled", budget_tokens: 1024, display: "summarized" },
    tools: [{ name: "n", description: "d", input_schema: { type: "object" }, strict: true, cache_control }],
    tool_choice: { type: "tool", name: "n", disable_parallel_tool_use: true },
  };
  const parsed = parseMessagesRequest(
    parseJsonBody(encodeUtf8(JSON.stringify(body)), { maxDepth: 32, maxValues: 10_000 }),
  );
  assert.deepEqual(parsed.unreadPaths, []);
});
