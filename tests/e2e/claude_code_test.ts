/** Recorded requests of Claude Code: those of its start and of a turn with tools, and the responses that it needs. */

import assert from "node:assert/strict";
import type { JsonObject } from "../../lib/base/json.ts";
import { accumulateMessage } from "../suites/anthropic_client.ts";
import { KEY } from "./configs.ts";
import { ALL, messagesConfig } from "./messages_client.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

interface Recorded {
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
}

const NAMES = ["count_tokens", "head", "models", "quota", "title", "turn"] as const;

/** The requests in `fixtures/claude_code`, by name. */
const REQUESTS = Object.fromEntries(
  await Promise.all(NAMES.map(async (name): Promise<[string, Recorded]> => {
    const file = new URL(`fixtures/claude_code/${name}.json`, import.meta.url);
    return [name, JSON.parse(await Deno.readTextFile(file))];
  })),
) as Record<(typeof NAMES)[number], Recorded>;

/** Claude Code accepts a token, a key, or both. */
const AUTHORIZATIONS: readonly Readonly<Record<string, string>>[] = [
  { authorization: `Bearer ${KEY}` },
  { "x-api-key": KEY },
  { authorization: `Bearer ${KEY}`, "x-api-key": KEY },
];

interface Sending {
  readonly base?: string;
  readonly authorization?: Readonly<Record<string, string>>;
  /** Replaces members of the recorded body. */
  readonly members?: Readonly<Record<string, unknown>>;
}

function send(
  { url }: Program,
  { line, headers, body }: Recorded,
  { base = "", authorization = AUTHORIZATIONS[0], members }: Sending = {},
): Promise<Response> {
  const [method = "", path = ""] = line.split(" ");
  return fetch(`${url}${base}${path}`, {
    method,
    headers: { ...headers, ...authorization },
    // A redirect would lose the key, or the body.
    redirect: "error",
    ...(body && { body: JSON.stringify({ ...body, ...members }) }),
  });
}

function claudeCodeTest(name: string, test: (program: Program) => Promise<void>): void {
  forEachRuntime(`claude code: ${name}`, async (runtime) => {
    await using program = await startProgram(runtime, messagesConfig());
    await test(program);
  });
}

claudeCodeTest(
  "its first request, its list of models, its quota probe and its title request are answered",
  async (program) => {
    const head = await send(program, REQUESTS.head, { authorization: {} });
    assert.deepEqual([head.status, await head.text()], [200, ""]);

    for (const authorization of AUTHORIZATIONS) {
      for (const base of ["", "/anthropic"]) {
        const models = await send(program, REQUESTS.models, { base, authorization });
        assert.equal(models.status, 200);
        const { data, has_more } = await models.json();
        assert.deepEqual(data.map(({ id }: { id: string }) => id), ALL);
        assert.equal(has_more, false);
        for (const { type, display_name, created_at } of data) {
          assert.deepEqual([type, typeof display_name], ["model", "string"]);
          assert.ok(Date.parse(created_at) > 0);
        }

        const quota = await send(program, REQUESTS.quota, { base, authorization });
        assert.deepEqual([quota.status, (await quota.json()).stop_reason], [200, "max_tokens"]);
      }
    }

    const title = await accumulateMessage(await (await send(program, REQUESTS.title)).text());
    const [block] = title.content as [{ text: string }];
    assert.deepEqual(Object.keys(JSON.parse(block.text)), ["title"]);
  },
);

claudeCodeTest("its tokens are counted, tools and all", async (program) => {
  const answer = await send(program, REQUESTS.count_tokens);
  assert.equal(answer.status, 200);
  const { input_tokens, ...rest } = await answer.json();
  assert.ok(input_tokens > 500);
  assert.deepEqual(rest, {});
});

const IGNORED = {
  claude: [
    "anthropic-beta[claude-code-20250219]",
    "anthropic-beta[prompt-caching-scope-2026-01-05]",
    "anthropic-beta[brand-new-2031-01-01]",
    "system[].cache_control.scope",
    "output_config.effort",
  ],
  "claude-converse": [
    "system[].cache_control.scope",
    "tools[].defer_loading",
    "metadata.user_id",
    "anthropic-beta[claude-code-20250219]",
    "anthropic-beta[prompt-caching-scope-2026-01-05]",
    "anthropic-beta[brand-new-2031-01-01]",
    "output_config.effort",
  ],
} as const;

claudeCodeTest(
  "a turn with tools: thinking and a call, then the response to its result, with a cache read",
  async (program) => {
    for (const model of ["claude", "claude-converse"] as const) {
      const first = await send(program, REQUESTS.turn, { members: { model } });
      assert.equal(first.status, 200);
      assert.match(first.headers.get("content-type") ?? "", /^text\/event-stream/);
      assert.deepEqual(
        first.headers.get("x-adit-ignored")?.split(", ").toSorted(),
        IGNORED[model].toSorted(),
      );
      const call = await accumulateMessage(await first.text());
      const content = call.content as JsonObject[];
      assert.deepEqual(content.map(({ type }) => type), ["thinking", "text", "tool_use"]);
      assert.deepEqual(content[2]?.input, { command: "ls -la" });
      // The second model is the same one through another API, and finds the first one's cache entry.
      const { cache_creation_input_tokens: written, cache_read_input_tokens: read } = usageOf(call);
      assert.ok((model === "claude" ? written : read) > 1024);

      const result = {
        type: "tool_result",
        tool_use_id: content[2]?.id,
        content: "total 0",
        is_error: false,
        cache_control: { type: "ephemeral" },
      };
      const messages = [
        ...REQUESTS.turn.body?.messages as JsonObject[],
        { role: "assistant", content },
        { role: "user", content: [result] },
      ];
      const second = await send(program, REQUESTS.turn, { members: { model, messages } });
      assert.equal(second.status, 200, await second.clone().text());
      const answer = await accumulateMessage(await second.text());
      assert.equal(answer.stop_reason, "end_turn");
      assert.match(JSON.stringify(answer.content), /Bash: .*total 0/);
      assert.ok(usageOf(answer).cache_read_input_tokens > 1024);
    }
  },
);

interface CacheUsage {
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
}

function usageOf({ usage }: JsonObject): CacheUsage {
  return JSON.parse(JSON.stringify(usage));
}

claudeCodeTest(
  "the same turn works with a model of another family, and reports ignored fields",
  async (program) => {
    const answer = await send(program, REQUESTS.turn, { members: { model: "nova" } });
    assert.equal(answer.status, 200);
    const ignored = answer.headers.get("x-adit-ignored")?.split(", ");
    for (
      const name of ["anthropic-beta", "context_management", "thinking", "output_config.effort", "max_tokens"]
    ) {
      assert.ok(ignored?.includes(name), `${name} of ${ignored}`);
    }
    const { content, stop_reason } = await accumulateMessage(await answer.text());
    assert.equal(stop_reason, "tool_use");
    assert.match(JSON.stringify(content), /"name":"Bash","input":\{"command":"ls -la"\}/);
  },
);

claudeCodeTest(
  "a conversation that is too long is refused with the message that makes the client compact it",
  async (program) => {
    const messages = [{ role: "user", content: "a ".repeat(250_000) }];
    for (const model of ["claude", "claude-converse"]) {
      const answer = await send(program, REQUESTS.turn, { members: { model, messages } });
      assert.equal(answer.status, 400);
      const { type, error, request_id } = await answer.json();
      assert.deepEqual([type, error.type], ["error", "invalid_request_error"]);
      assert.match(error.message, /prompt is too long: \d+ tokens > 200000 maximum/);
      assert.equal(request_id, answer.headers.get("request-id"));
    }
  },
);
