/** The check against the SDK's schemas finds every kind of problem. */

import assert from "node:assert/strict";
import { assertMatchesSchema, schemaProblems } from "./sdk_schema.ts";

const MESSAGES = [{ role: "user", content: [{ text: "Hello" }] }];

Deno.test("the schema walk accepts a body with every kind of type", () => {
  assertMatchesSchema("Converse", {
    messages: [...MESSAGES, {
      role: "user",
      content: [{ image: { format: "png", source: { bytes: "aGVsbG8=" } } }],
    }],
    inferenceConfig: { maxTokens: 1, stopSequences: ["x"] },
    requestMetadata: { team: "search" },
    promptVariables: { name: { text: "x" } },
    additionalModelRequestFields: { anything: [null, 1, "x"] },
    toolConfig: { tools: [{ toolSpec: { name: "f", inputSchema: { json: {} } } }], toolChoice: { any: {} } },
  });
});

const CASES: readonly (readonly [name: string, body: unknown, problem: string])[] = [
  ["an unknown member", { messages: MESSAGES, tool_config: {} }, ".tool_config: unknown member"],
  [
    "an unknown member further in",
    { toolConfig: { tools: [], tool_choice: {} } },
    ".toolConfig.tool_choice: unknown member",
  ],
  ["a missing member", { messages: [{ content: [] }] }, ".messages[0].role: missing"],
  ["a string for a number", { inferenceConfig: { topP: "1" } }, ".inferenceConfig.topP: expected a number"],
  [
    "a string for a list",
    { inferenceConfig: { stopSequences: "x" } },
    ".inferenceConfig.stopSequences: expected a list",
  ],
  [
    "a number in a list of strings",
    { inferenceConfig: { stopSequences: [1] } },
    ".inferenceConfig.stopSequences[0]: expected a string",
  ],
  [
    "a union without a member",
    { toolConfig: { tools: [], toolChoice: {} } },
    ".toolConfig.toolChoice: expected one member of a union, found 0",
  ],
  [
    "a union with two",
    { system: [{ text: "a", cachePoint: { type: "default" } }] },
    ".system[0]: expected one member of a union, found 2",
  ],
  ["bytes that are no base64", {
    messages: [{ role: "user", content: [{ video: { format: "mp4", source: { bytes: "a-b" } } }] }],
  }, ".messages[0].content[0].video.source.bytes: expected base64"],
  ["a map of the wrong type", { requestMetadata: { a: 1 } }, ".requestMetadata.a: expected a string"],
];

for (const [name, body, problem] of CASES) {
  Deno.test(`the schema walk finds ${name}`, () =>
    assert.deepEqual(schemaProblems("Converse", body), [problem]));
}
