/** LangChain's `ChatOpenAI` over Responses, with the real program and its emulator. */

import { type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import assert from "node:assert/strict";
import { z } from "zod";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";

const MODELS = { opus: "us.anthropic.claude-opus-4-8" };

function modelTest(
  name: string,
  test: (model: ChatOpenAI) => Promise<void>,
  models: readonly string[] = ["claude", "nova"],
): void {
  forEachRuntime(`langchain responses: ${name}`, async (runtime) => {
    await using program = await startProgram(runtime, emulatorConfig(MODELS));
    for (const model of models) {
      await test(
        new ChatOpenAI({
          model,
          apiKey: KEY,
          maxRetries: 0,
          useResponsesApi: true,
          zdrEnabled: true,
          ...(model === "opus" && { reasoning: { effort: "high", summary: "auto" } }),
          configuration: { baseURL: `${program.url}/v1` },
        }),
      );
    }
  });
}

const getWeather = tool(({ city }) => `sun in ${city}`, {
  name: "get_weather",
  description: "Reports the weather",
  schema: z.object({ city: z.string() }),
});

/** The type of a message with bound tools hides the members of every message. */
function totalTokens(
  message: { readonly usage_metadata?: { readonly total_tokens: number } | undefined },
): number {
  return message.usage_metadata?.total_tokens ?? 0;
}

const QUESTION = 'get_weather {"city": "Rome"} and get_weather {"city": "Oslo"}';

async function runLoop(model: ChatOpenAI): Promise<string> {
  const withTools = model.bindTools([getWeather]);
  const messages: BaseMessage[] = [new HumanMessage(QUESTION)];
  const called = await withTools.invoke(messages);
  messages.push(called);
  for (const call of called.tool_calls ?? []) {
    const result: unknown = await getWeather.invoke(call);
    assert.ok(result instanceof ToolMessage);
    messages.push(result);
  }
  assert.equal(messages.length, 4);
  return (await withTools.invoke(messages)).text;
}

modelTest("tools are called, and their results answered, thoughts included", async (model) => {
  assert.match(await runLoop(model), /sun in Rome.*sun in Oslo/);
}, ["claude", "nova", "opus"]);

modelTest("streams add up to the whole answer", async (model) => {
  const withTools = model.bindTools([getWeather]);
  const whole = await withTools.invoke(QUESTION);
  let sum;
  for await (const chunk of await withTools.stream(QUESTION)) {
    sum = sum === undefined ? chunk : sum.concat(chunk);
  }
  const calls = (message: typeof whole | undefined) =>
    message?.tool_calls?.map(({ name, args }) => [name, args]);
  assert.deepEqual(calls(sum), calls(whole));
  assert.deepEqual(calls(whole), [["get_weather", { city: "Rome" }], ["get_weather", { city: "Oslo" }]]);
  assert.ok(totalTokens(whole) > 0);
  assert.equal(sum && totalTokens(sum), totalTokens(whole));
});
