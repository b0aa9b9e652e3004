/** The AI SDK with its OpenAI provider, which uses Responses by default, and the real program. */

import { createOpenAI, type OpenAIResponsesProviderOptions } from "@ai-sdk/openai";
import { generateObject, generateText, isStepCount, streamText, tool } from "ai";
import assert from "node:assert/strict";
import { z } from "zod";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";

type Provider = ReturnType<typeof createOpenAI>;

const MODELS = { opus: "us.anthropic.claude-opus-4-8", "gpt-oss": "openai.gpt-oss-120b-1:0" };

function providerTest(name: string, test: (provider: Provider) => Promise<void>): void {
  forEachRuntime(`ai openai: ${name}`, async (runtime) => {
    await using program = await startProgram(runtime, emulatorConfig(MODELS));
    await test(createOpenAI({ baseURL: `${program.url}/v1`, apiKey: KEY }));
  });
}

const TOOLS = {
  get_user: tool({
    description: "Finds a user",
    inputSchema: z.object({ name: z.string() }),
    execute: () => 'then call get_orders {"user": 7}',
  }),
  get_orders: tool({
    description: "Finds the orders of a user",
    inputSchema: z.object({ user: z.number() }),
    execute: ({ user }) => `three orders of ${user}`,
  }),
};

const PROMPT = { prompt: 'get_user {"name": "Ada"}', tools: TOOLS, stopWhen: isStepCount(5) };
const stateless = { openai: { store: false } satisfies OpenAIResponsesProviderOptions };

providerTest("tools run over several steps, streamed and whole", async (provider) => {
  for (const model of ["claude", "nova", "gpt-oss"]) {
    const request = { ...PROMPT, model: provider(model), providerOptions: stateless };
    const streamed = streamText(request);
    assert.match(await streamed.text, /three orders of 7/, model);
    const reasons = (await streamed.steps).map(({ finishReason }) => finishReason);
    assert.deepEqual(reasons, ["tool-calls", "tool-calls", "stop"], model);
    assert.match((await generateText(request)).text, /three orders of 7/, model);
    assert.ok(((await streamed.totalUsage).inputTokens ?? 0) > 0, model);
  }
});

providerTest("thoughts are shown and come back", async (provider) => {
  const openai: OpenAIResponsesProviderOptions = {
    store: false,
    reasoningEffort: "high",
    reasoningSummary: "auto",
    forceReasoning: true,
  };
  const result = streamText({ ...PROMPT, model: provider("opus"), providerOptions: { openai } });
  assert.match(await result.text, /three orders of 7/);
  const steps = await result.steps;
  assert.ok(steps.every(({ reasoningText }) => (reasoningText ?? "") !== ""));
});

providerTest("by default it refers to stored items, and the refusal names the remedy", async (provider) => {
  await assert.rejects(generateText({ ...PROMPT, model: provider("claude") }), /store: false/);
});

providerTest("an object is generated, natively and by a tool", async (provider) => {
  const schema = z.object({ name: z.string(), age: z.number(), tags: z.array(z.string()) });
  for (const model of ["claude", "nova"]) {
    const { object } = await generateObject({
      model: provider(model),
      schema,
      prompt: "Who is it?",
      providerOptions: stateless,
    });
    assert.ok(schema.safeParse(object).success, model);
  }
});
