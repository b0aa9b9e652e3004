/** Members of a Chat request that nothing reads are reported, wherever they are. */

import { deepEqual } from "node:assert/strict";
import { parseChatRequest } from "../../../lib/wire/openai/chat.ts";

Deno.test("a member that nothing reads is reported from inside a tool call, a tool, a choice and a format", () => {
  const { unreadPaths, otherFields } = parseChatRequest({
    messages: [
      { role: "user", content: [{ type: "text", text: "Hi", extra: 1 }] },
      {
        role: "assistant",
        tool_calls: [{ id: "t", type: "function", function: { name: "f", arguments: "{}", extra: 1 } }],
      },
    ],
    tools: [{ type: "function", function: { name: "f", parameters: { type: "object" }, extra: 1 } }],
    tool_choice: { type: "function", function: { name: "f", extra: 1 } },
    response_format: {
      type: "json_schema",
      json_schema: { name: "n", schema: { type: "object" }, extra: 1 },
    },
    metadata: { anything: "is kept" },
    extra: 1,
  });
  deepEqual([...otherFields.keys()], ["extra"]);
  deepEqual(unreadPaths, [
    "messages[].content[].extra",
    "messages[].tool_calls[].function.extra",
    "tools[].function.extra",
    "tool_choice.function.extra",
    "response_format.json_schema.extra",
  ]);
});
