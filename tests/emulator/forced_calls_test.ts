/** Forced calls: made once, so that programs that force one in every turn end. */

import assert from "node:assert/strict";
import { ask, CLAUDE, pathOf, postTo } from "./harness.ts";

interface Message {
  readonly role: string;
  readonly content: readonly Block[];
}

interface Block {
  readonly text?: string;
  readonly toolResult?: object;
  readonly toolUse?: { readonly toolUseId: string; readonly name: string; readonly input: unknown };
}

const tool = (name: string, schema: object = { type: "object" }) => ({
  toolSpec: { name, inputSchema: { json: schema } },
});

/** Schemas without members; gateways send the second for any JSON object. */
const OPEN: readonly object[] = [{ type: "object" }, { type: "object", properties: {} }];

/** The tools that an agent runs until the model responds with text, at most ten of them. */
async function run(
  names: readonly string[],
  toolChoice: object,
  question = "hello",
): Promise<readonly string[]> {
  const post = postTo();
  const messages: Message[] = [ask(question)];
  const called: string[] = [];
  for (let turn = 0; turn < 10; turn++) {
    const body = { messages, toolConfig: { tools: names.map((name) => tool(name)), toolChoice } };
    const response = await post(pathOf(CLAUDE, "converse"), body);
    const { output: { message } }: { output: { message: Message } } = await response.json();
    const calls = message.content.flatMap(({ toolUse }) => toolUse ?? []);
    if (calls.length === 0) return called;
    called.push(...calls.map(({ name }) => name));
    if (called.includes("final_answer")) return called;
    const content = calls.map(({ toolUseId }) => ({
      toolResult: { toolUseId, content: [{ text: "done" }] },
    }));
    messages.push(message, { role: "user", content });
  }
  return called;
}

const RUNS: readonly [what: string, names: readonly string[], choice: object, called: readonly string[]][] = [
  ["any tool: the first, then the one that ends the task", ["search", "read", "final_answer"], { any: {} }, [
    "search",
    "final_answer",
  ]],
  ["the one that ends the task stands first", ["final_answer", "search"], { any: {} }, [
    "search",
    "final_answer",
  ]],
  ["no tool ends the task", ["search", "read"], { any: {} }, ["search"]],
  ["one tool alone ends the task", ["final_answer"], { any: {} }, ["final_answer"]],
  ["one tool by name", ["search", "read"], { tool: { name: "read" } }, ["read"]],
];

for (const [what, names, choice, called] of RUNS) {
  Deno.test(`an agent that forces calls ends: ${what}`, async () => {
    assert.deepEqual(await run(names, choice), called);
  });
}

Deno.test("a new question is a new task", async () => {
  const post = postTo();
  const toolUse = { toolUseId: "t1", name: "read", input: {} };
  const messages = [
    ask("a"),
    { role: "assistant", content: [{ toolUse }] },
    { role: "user", content: [{ toolResult: { toolUseId: "t1", content: [{ text: "x" }] } }] },
    { role: "assistant", content: [{ text: "y" }] },
    ask("b"),
  ];
  const toolConfig = { tools: [tool("read")], toolChoice: { tool: { name: "read" } } };
  const response = await post(pathOf(CLAUDE, "converse"), { messages, toolConfig });
  const { stopReason }: { stopReason: string } = await response.json();
  assert.equal(stopReason, "tool_use");
});

const OBJECTS: readonly [what: string, question: string, input: unknown][] = [
  [
    "a schema in the text",
    'Follow {"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}.',
    { city: "some city" },
  ],
  ["an example in the text", 'Like this: {"city": "Rome", "days": [1]}', { city: "Rome", days: [1] }],
  ["names in the text", "Give the fields `city` and `country`.", {
    city: "some city",
    country: "some country",
  }],
  ["nothing but a question", "Which city?", { answer: "Which city?" }],
];

for (const [what, question, input] of OBJECTS) {
  Deno.test(`an object without a schema is made of ${what}`, async () => {
    for (const schema of OPEN) {
      const toolConfig = { tools: [tool("json", schema)], toolChoice: { tool: { name: "json" } } };
      const response = await postTo()(pathOf(CLAUDE, "converse"), { messages: [ask(question)], toolConfig });
      const { output: { message } }: { output: { message: Message } } = await response.json();
      assert.deepEqual(message.content.flatMap(({ toolUse }) => toolUse ? [toolUse.input] : []), [input]);
    }
  });
}
