/** Token counts of OpenAI's two APIs, whose totals include what the cache held and what was reasoning. */

import assert from "node:assert/strict";
import { readOpenAiUsage } from "../../../lib/wire/openai/usage.ts";

const EXPECTED = {
  inputTokens: 5,
  outputTokens: 7,
  cacheReadTokens: 3,
  cacheWriteTokens: 2,
  reasoningTokens: 4,
};

Deno.test("cached and reasoning tokens are read from both APIs", () => {
  const input = { cached_tokens: 3, cache_write_tokens: 2 };
  const output = { reasoning_tokens: 4 };
  assert.deepEqual(
    readOpenAiUsage({
      prompt_tokens: 10,
      completion_tokens: 7,
      prompt_tokens_details: input,
      completion_tokens_details: output,
    }),
    EXPECTED,
  );
  assert.deepEqual(
    readOpenAiUsage({
      input_tokens: 10,
      output_tokens: 7,
      input_tokens_details: input,
      output_tokens_details: output,
    }),
    EXPECTED,
  );
});

Deno.test("a usage without reasoning has no count of it, and no usage is none", () => {
  const { reasoningTokens: _, ...expected } = { ...EXPECTED, inputTokens: 10, cacheReadTokens: 0 };
  assert.deepEqual(readOpenAiUsage({ input_tokens: 10, output_tokens: 7 }), {
    ...expected,
    cacheWriteTokens: 0,
  });
  for (const usage of [undefined, null, {}, { total_tokens: 3 }]) {
    assert.equal(readOpenAiUsage(usage), undefined);
  }
});
