/** The AI SDK with its provider for OpenAI-compatible services, and the real program with its emulator. */

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, isStepCount, Output, streamText, tool } from "ai";
import assert from "node:assert/strict";
import { z } from "zod";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type RuntimeName, startProgram } from "./program.ts";

type Provider = ReturnType<typeof createOpenAICompatible>;

function providerTest(name: string, test: (provider: Provider) => Promise<void>): void {
  forEachRuntime(`ai: ${name}`, async (runtime: RuntimeName) => {
    await using program = await startProgram(runtime, emulatorConfig());
    await test(createOpenAICompatible({
      name: "adit",
      baseURL: `${program.url}/v1`,
      apiKey: KEY,
      includeUsage: true,
      supportsStructuredOutputs: true,
    }));
  });
}

const Person = z.object({ name: z.string(), age: z.number(), tags: z.array(z.string()) });

providerTest("streamText runs tools over several steps to the end", async (provider) => {
  for (const model of ["claude", "nova"]) {
    const asked: string[] = [];
    const result = streamText({
      model: provider(model),
      prompt: 'get_user {"name": "Ada"}',
      stopWhen: isStepCount(5),
      tools: {
        get_user: tool({
          description: "Finds a user",
          inputSchema: z.object({ name: z.string() }),
          execute: ({ name }) => {
            asked.push(`user ${name}`);
            return 'then call get_orders {"user": 7}';
          },
        }),
        get_orders: tool({
          description: "Finds the orders of a user",
          inputSchema: z.object({ user: z.number() }),
          execute: ({ user }) => {
            asked.push(`orders ${user}`);
            return "three orders";
          },
        }),
      },
    });
    const text = await result.text;
    assert.deepEqual(asked, ["user Ada", "orders 7"], model);
    assert.match(text, /get_orders: .*three orders/, model);
    const steps = await result.steps;
    assert.deepEqual(
      steps.map(({ finishReason }) => finishReason),
      ["tool-calls", "tool-calls", "stop"],
      model,
    );
    assert.ok(steps.every(({ usage }) => (usage.totalTokens ?? 0) > 0), model);
  }
});

// The SDK would have `generateObject` replaced; applications have it all the same.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

providerTest("generateObject and a streamed object output give objects of the schema", async (provider) => {
  for (const model of ["claude", "nova"]) {
    const prompt = "Who is it?";
    const whole = await generateObject({ model: provider(model), schema: Person, prompt });
    assert.ok(Person.safeParse(whole.object).success, model);
    const output = Output.object({ schema: Person });
    const streamed = streamText({ model: provider(model), output, prompt });
    assert.deepEqual(await streamed.output, whole.object, model);
  }
});

providerTest("reasoning is told apart from the text", async (provider) => {
  const result = streamText({
    model: provider("claude"),
    prompt: "Think of a number",
    providerOptions: { adit: { reasoningEffort: "low" } },
  });
  assert.match(await result.text, /You said: "Think of a number"/);
  assert.match(await result.reasoningText ?? "", /The user wrote/);
});
