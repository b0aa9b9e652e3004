/** Limits of the real program: how real clients react to a refusal, and the usage of many concurrent streams. */

import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { emulatorConfig, KEY } from "./configs.ts";
import {
  MAX_TOKENS,
  RESERVED_OUTPUT,
  STREAMS,
  tokenBound,
  TOKENS_PER_MINUTE,
  tokensOf,
} from "../suites/overshoot.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";
import { atRest } from "./requests.ts";

/** After one request, the next one is allowed five seconds later: longer than the clients' own first pause. */
const SLOW = "rate_limits:\n  slow: { requests: 12/m, burst: 5s }\n";

async function statusOf(
  { adminUrl }: Program,
): Promise<{ held: number; rules: Record<string, { refused: number }> }> {
  const response = await fetch(`${adminUrl}/-/status`);
  return (await response.json()).limits;
}

forEachRuntime(
  "limits: OpenAI's client waits as long as the refusal says, and succeeds at its only retry",
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
    assert.equal(response.headers.get("x-ratelimit-limit-requests"), "12");
    assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "0");
    await atRest(program);
    const { held, rules } = await statusOf(program);
    assert.deepEqual([held, rules["slow"]?.refused], [0, 1]);
  },
);

forEachRuntime(
  "limits: Anthropic's client waits as long as the refusal says, and succeeds at its only retry",
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
    assert.equal(response.headers.get("anthropic-ratelimit-requests-limit"), "12");
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
      assert.match(error.message, /refused by this gateway: rate limit "slow" allows 12 requests per minute/);
      return true;
    });
  },
);

forEachRuntime(
  "limits: fifty concurrent streams use no more tokens than documented",
  async (runtime) => {
    const rule = `rate_limits:
  tokens: { tokens: ${TOKENS_PER_MINUTE}/m, reserve_output: ${RESERVED_OUTPUT} }
`;
    await using program = await startProgram(runtime, emulatorConfig({}, rule));
    const client = new OpenAI({ baseURL: `${program.url}/v1`, apiKey: KEY, maxRetries: 0 });
    const prompt = "Repeat what you read, all of it. ".repeat(20);
    const startMs = performance.now();
    const used = await Promise.all(Array.from({ length: STREAMS }, async () => {
      try {
        const stream = await client.chat.completions.create({
          model: "nova",
          max_tokens: MAX_TOKENS,
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
    const elapsedMs = performance.now() - startMs;
    const served = used.flatMap((usage) =>
      usage === undefined ? [] : [{ inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens }]
    );
    const bound = tokenBound(served, elapsedMs);
    assert.ok(served.length > 0 && served.length < STREAMS, `${served.length} of ${STREAMS} were served`);
    assert.ok(tokensOf(served) <= bound, `${tokensOf(served)} tokens, at most ${bound}`);
    // The last stream is settled just after its client has read its end.
    while ((await statusOf(program)).held > 0);
  },
);
