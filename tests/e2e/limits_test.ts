/** Limits of the real program: what real clients do about a refusal, and what many streams at once can use. */

import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

/** After the burst of one request, the next one fits a second later: longer than the clients' own first pause. */
const SLOW = "rate_limits:\n  slow: { requests: 1/s }\n";

async function statusOf(
  { adminUrl }: Program,
): Promise<{ held: number; rules: Record<string, { refused: number }> }> {
  const response = await fetch(`${adminUrl}/-/status`);
  return (await response.json()).limits;
}

forEachRuntime(
  "limits: OpenAI's client waits as the refusal says, and succeeds at its only retry",
  async (runtime) => {
    await using program = await startProgram(runtime, emulatorConfig({}, SLOW));
    const client = new OpenAI({ baseURL: `${program.url}/v1`, apiKey: KEY, maxRetries: 1 });
    const ask = () =>
      client.chat.completions.create({
        model: "nova",
        max_tokens: 10,
        messages: [{ role: "user", content: "Hi" }],
      });
    await ask();
    const { response } = await ask().withResponse();
    assert.equal(response.headers.get("x-ratelimit-limit-requests"), "1");
    assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "0");
    const { held, rules } = await statusOf(program);
    assert.deepEqual([held, rules["slow"]?.refused], [0, 1]);
  },
);

forEachRuntime(
  "limits: Anthropic's client waits as the refusal says, and succeeds at its only retry",
  async (runtime) => {
    await using program = await startProgram(runtime, emulatorConfig({}, SLOW));
    const client = new Anthropic({ baseURL: program.url, apiKey: KEY, maxRetries: 1 });
    const ask = () =>
      client.messages.create({
        model: "claude",
        max_tokens: 10,
        messages: [{ role: "user", content: "Hi" }],
      });
    await ask();
    const { response } = await ask().withResponse();
    assert.equal(response.headers.get("anthropic-ratelimit-requests-limit"), "1");
    assert.equal((await statusOf(program)).rules["slow"]?.refused, 1);
  },
);

forEachRuntime(
  "limits: a client that does not retry gets an error that says who refused, and why",
  async (runtime) => {
    await using program = await startProgram(runtime, emulatorConfig({}, SLOW));
    const client = new OpenAI({ baseURL: `${program.url}/v1`, apiKey: KEY, maxRetries: 0 });
    const ask = () =>
      client.chat.completions.create({ model: "nova", messages: [{ role: "user", content: "Hi" }] });
    await ask();
    await assert.rejects(ask(), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.match(error.message, /refused by this gateway: rate limit "slow" allows 1 requests per second/);
      return true;
    });
  },
);

/** Tokens per minute, and those reserved for the response of each stream. */
const LIMIT = 4000;
const RESERVED = 50;
const STREAMS = 50;

forEachRuntime(
  "limits: fifty streams at once use no more tokens than the documented bound",
  async (runtime) => {
    const rule = `rate_limits:\n  tokens: { tokens: ${LIMIT}/m, reserve_output: ${RESERVED} }\n`;
    await using program = await startProgram(runtime, emulatorConfig({}, rule));
    const client = new OpenAI({ baseURL: `${program.url}/v1`, apiKey: KEY, maxRetries: 0 });
    const prompt = "Repeat what you read, all of it. ".repeat(20);
    const startMs = performance.now();
    const used = await Promise.all(Array.from({ length: STREAMS }, async () => {
      try {
        const stream = await client.chat.completions.create({
          model: "nova",
          max_tokens: 400,
          stream: true,
          stream_options: { include_usage: true },
          messages: [{ role: "user", content: prompt }],
        });
        let usage: OpenAI.CompletionUsage | null | undefined;
        for await (const chunk of stream) usage = chunk.usage ?? usage;
        return usage ?? undefined;
      } catch (error) {
        assert.ok(error instanceof OpenAI.RateLimitError, String(error));
        return undefined;
      }
    }));
    const minutes = (performance.now() - startMs) / 60_000;
    const served = used.filter((usage) => usage !== undefined);
    const total = served.reduce((sum, { total_tokens }) => sum + total_tokens, 0);
    const longest = Math.max(...served.map(({ completion_tokens }) => completion_tokens));
    const bound = LIMIT * (1 + minutes) + served.length * Math.max(0, longest - RESERVED);
    assert.ok(served.length > 0 && served.length < STREAMS, `${served.length} of ${STREAMS} were served`);
    assert.ok(total <= bound, `${total} tokens, at most ${bound}`);
    assert.equal((await statusOf(program)).held, 0);
  },
);
