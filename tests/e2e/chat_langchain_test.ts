/** LangChain's `ChatOpenAI` with the real program and its emulator. */

import { type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import assert from "node:assert/strict";
import { z } from "zod";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type RuntimeName, startProgram } from "./program.ts";

function modelTest(name: string, test: (model: ChatOpenAI) => Promise<void>): void {
  forEachRuntime(`langchain: ${name}`, async (runtime: RuntimeName) => {
    await using program = await startProgram(runtime, emulatorConfig());
    for (const model of ["claude", "nova"]) {
      await test(
        new ChatOpenAI({
          model,
          apiKey: KEY,
          maxRetries: 0,
          configuration: { baseURL: `${program.url}/v1` },
        }),
      );
    }
  });
}

const getWeather = tool(({ city }) => `sun in ${city}`, {
  name: "get_weather",
  description: "Tells the weather",
  schema: z.object({ city: z.string() }),
});

modelTest("tools are called, and their results answered", async (model) => {
  const withTools = model.bindTools([getWeather]);
  const messages: BaseMessage[] = [
    new HumanMessage('get_weather {"city": "Rome"} and get_weather {"city": "Oslo"}'),
  ];
  const called = await withTools.invoke(messages);
  messages.push(called);
  for (const call of called.tool_calls ?? []) {
    const result: unknown = await getWeather.invoke(call);
    assert.ok(result instanceof ToolMessage);
    messages.push(result);
  }
  assert.equal(messages.length, 4);
  assert.match((await withTools.invoke(messages)).text, /sun in Rome.*sun in Oslo/);
});

/** The type of a message with bound tools hides the members of every message. */
function totalTokens(
  message: { readonly usage_metadata?: { readonly total_tokens: number } | undefined },
): number {
  return message.usage_metadata?.total_tokens ?? 0;
}

modelTest("streams add up to the whole answer, calls and usage with it", async (model) => {
  const withTools = model.bindTools([getWeather]);
  const question = [new HumanMessage('get_weather {"city": "Rome"}')];
  const whole = await withTools.invoke(question);
  let sum;
  let chunks = 0;
  for await (const chunk of await withTools.stream(question)) {
    sum = sum === undefined ? chunk : sum.concat(chunk);
    chunks++;
  }
  assert.ok(chunks > 3);
  assert.equal(sum?.text, whole.text);
  assert.deepEqual(sum?.tool_calls?.map(({ args }) => args), [{ city: "Rome" }]);
  assert.ok(sum !== undefined && totalTokens(whole) > 0);
  assert.equal(totalTokens(sum), totalTokens(whole));
});

const Person = z.object({ name: z.string(), age: z.number() });

modelTest("withStructuredOutput gives objects of the schema, by every method", async (model) => {
  for (const method of ["jsonSchema", "functionCalling"] as const) {
    const person = await model.withStructuredOutput(Person, { name: "person", method }).invoke("Who is it?");
    assert.ok(Person.safeParse(person).success, method);
  }
});
