/** Bedrock's subset of JSON Schema: in responses by Converse and InvokeModel, and in strict tools. */

import { ask, assertAccepted, assertRefused, CLAUDE } from "./harness.ts";

const QWEN = "qwen.qwen3-32b-v1:0";

const closed = { type: "object", additionalProperties: false };

const UNSUPPORTED: Readonly<Record<string, readonly [schema: object, problem: string]>> = {
  "an open object": [
    { type: "object" },
    "For 'object' type, 'additionalProperties' must be explicitly set to false",
  ],
  "an open object inside": [
    { ...closed, properties: { list: { type: "array", items: { type: "object" } } } },
    "For 'object' type, 'additionalProperties' must be explicitly set to false",
  ],
  "a map": [
    { ...closed, properties: { map: { type: "object", additionalProperties: { type: "string" } } } },
    "For 'object' type, 'additionalProperties' must be explicitly set to false",
  ],
  "the length of a list": [
    { ...closed, properties: { list: { type: "array", items: { type: "string" }, maxItems: 3 } } },
    "For 'array' type, property 'maxItems' is not supported",
  ],
  "two items at least": [
    { ...closed, properties: { list: { type: "array", items: { type: "string" }, minItems: 2 } } },
    "For 'array' type, 'minItems' values other than 0 or 1 are not supported",
  ],
  "a range": [
    { ...closed, properties: { age: { type: "integer", minimum: 0, maximum: 9 } } },
    "For 'integer' type, properties maximum, minimum are not supported",
  ],
  "the length of a text that may be null": [
    { ...closed, properties: { name: { type: ["string", "null"], maxLength: 9 } } },
    "For 'string' type, property 'maxLength' is not supported",
  ],
  "a range in a definition": [
    {
      ...closed,
      $defs: { age: { type: "number", minimum: 0 } },
      properties: { age: { $ref: "#/$defs/age" } },
    },
    "For 'number' type, property 'minimum' is not supported",
  ],
  "a definition of itself": [
    {
      ...closed,
      properties: { tree: { $ref: "#/$defs/tree" } },
      $defs: {
        tree: { ...closed, properties: { children: { type: "array", items: { $ref: "#/$defs/tree" } } } },
      },
    },
    "Circular reference detected in schema definitions: tree -> tree",
  ],
  "a definition in another document": [
    { ...closed, properties: { a: { $ref: "https://example.com/a.json" } } },
    "External reference 'https://example.com/a.json' is not supported",
  ],
};

const SUPPORTED = {
  ...closed,
  $defs: { name: { type: "string", description: "d", format: "email" } },
  properties: {
    names: { type: "array", items: { $ref: "#/$defs/name" }, minItems: 1 },
    other: { anyOf: [{ $ref: "#/$defs/name" }, { type: "null" }] },
    kind: { type: "string", enum: ["a", "b"] },
  },
  required: ["names"],
};

function formatted(schema: object): object {
  const structure = { jsonSchema: { name: "n", schema: JSON.stringify(schema) } };
  return { messages: [ask("hi")], outputConfig: { textFormat: { type: "json_schema", structure } } };
}

function native(more: object): object {
  const messages = [{ role: "user", content: "hi" }];
  return { anthropic_version: "bedrock-2023-05-31", max_tokens: 100, messages, ...more };
}

for (const [what, [schema, problem]] of Object.entries(UNSUPPORTED)) {
  Deno.test(`a schema may not have ${what}`, async () => {
    const message = `The model returned the following errors: output_config.format.schema: ${problem}`;
    for (const model of [CLAUDE, QWEN]) {
      await assertRefused(["converse", "converse-stream"], { model, body: formatted(schema), message });
    }
    await assertRefused(["invoke"], {
      body: native({ output_config: { format: { type: "json_schema", schema } } }),
      message: `output_config.format.schema: ${problem}`,
    });
    const tool = { name: "clock", input_schema: schema };
    await assertRefused(["invoke"], {
      body: native({ tools: [{ ...tool, strict: true }] }),
      message: `tools.0.custom: ${problem}`,
    });
    await assertAccepted({ operation: "invoke", body: native({ tools: [tool] }) });
  });
}

Deno.test("definitions that refer to the next one twice are each read once", async () => {
  const refersTo = (name: number) => ({
    ...closed,
    properties: { a: { $ref: `#/$defs/d${name}` }, b: { $ref: `#/$defs/d${name}` } },
  });
  const levels = Array.from({ length: 60 }, (_, level) => [`d${level}`, refersTo(level + 1)] as const);
  const $defs = { ...Object.fromEntries(levels), d60: { type: "string" } };
  await assertAccepted({ model: CLAUDE, body: formatted({ ...refersTo(0), $defs }) });
});

Deno.test("a schema within the subset is supported everywhere", async () => {
  for (const model of [CLAUDE, QWEN]) await assertAccepted({ model, body: formatted(SUPPORTED) });
  const output_config = { format: { type: "json_schema", schema: SUPPORTED } };
  await assertAccepted({ operation: "invoke", body: native({ output_config }) });
  const tools = [{ name: "clock", input_schema: SUPPORTED, strict: true }];
  await assertAccepted({ operation: "invoke", body: native({ tools }) });
});
