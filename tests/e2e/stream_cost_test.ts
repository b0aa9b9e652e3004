/** The cost after a stream's last event, which the real clients of every API must not notice. */

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { ChatOpenAI } from "@langchain/openai";
import { streamText } from "ai";
import assert from "node:assert/strict";
import OpenAI from "openai";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type RuntimeName, startProgram } from "./program.ts";

const PROMPT = "Reply with: all of it";
const WORDS = "all of it";

/** Each streams the same answer and returns its text, having read the stream to its end. */
const CLIENTS: Readonly<Record<string, (url: string, model: string) => Promise<string>>> = {
  async "openai, Chat"(url, model) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 0 });
    const messages = [{ role: "user" as const, content: PROMPT }];
    const stream = client.chat.completions.stream({
      model,
      messages,
      stream_options: { include_usage: true },
    });
    const { choices, usage } = await stream.finalChatCompletion();
    assert.ok((usage?.completion_tokens ?? 0) > 0);
    return choices[0]?.message.content ?? "";
  },
  async "openai, Responses"(url, model) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 0 });
    const response = await client.responses.stream({ model, input: PROMPT }).finalResponse();
    return response.output_text;
  },
  async "Anthropic"(url, model) {
    const client = new Anthropic({ baseURL: url, apiKey: KEY, maxRetries: 0 });
    const messages = [{ role: "user" as const, content: PROMPT }];
    return await client.messages.stream({ model, max_tokens: 50, messages }).finalText();
  },
  async "AI SDK, Chat"(url, model) {
    const provider = createOpenAICompatible({ name: "adit", baseURL: `${url}/v1`, apiKey: KEY });
    return await streamText({ model: provider(model), prompt: PROMPT }).text;
  },
  async "AI SDK, Responses"(url, model) {
    const provider = createOpenAI({ baseURL: `${url}/v1`, apiKey: KEY });
    return await streamText({ model: provider(model), prompt: PROMPT }).text;
  },
  async "LangChain"(url, model) {
    const chat = new ChatOpenAI({
      model,
      apiKey: KEY,
      maxRetries: 0,
      configuration: { baseURL: `${url}/v1` },
    });
    let text = "";
    for await (const chunk of await chat.stream(PROMPT)) text += chunk.text;
    return text;
  },
};

forEachRuntime(
  "the cost after a stream's last event does not disturb any client",
  async (runtime: RuntimeName) => {
    await using program = await startProgram(
      runtime,
      `${emulatorConfig()}response_headers: { stream_cost: true }\n`,
    );
    for (const [name, read] of Object.entries(CLIENTS)) {
      for (const model of ["claude", "nova"]) {
        assert.equal(
          (await read(program.url, model)).trim(),
          WORDS,
          name,
        );
      }
    }
    const response = await fetch(`${program.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: "claude", stream: true, messages: [{ role: "user", content: PROMPT }] }),
    });
    assert.match(await response.text(), /data: \[DONE\]\n\n: x-adit-cost: 0\.\d+\n\n$/);
  },
);
