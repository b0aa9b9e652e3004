/** Whatever Bedrock streams, clients get a well-formed stream of Responses; whatever they sent, Converse gets a request that it accepts. */

import assert from "node:assert/strict";
import { AditError } from "../../lib/base/errors.ts";
import type { JsonObject } from "../../lib/base/json.ts";
import type { ConverseEvent } from "../../lib/wire/bedrock/converse_stream.ts";
import { assertObeysConverse } from "../suites/converse_rules.ts";
import { Random } from "../suites/random.ts";
import { accumulateResponse } from "../suites/responses_events.ts";
import { CLAUDE, delta, endOf, GPT_OSS, sent, streamed } from "../suites/responses_rig.ts";

const RUNS = 2_000;
const TEXT = ["a", "\n", "é", "\ud83d", "\ude00", '"', "\\", "}", '{"input":"', "\\u00e9", "\\ud83d"];
const NAMES = ["look", "apply_patch", "agents__spawn", "tool_search", "answer", "made up"];
const TOOLS: readonly JsonObject[] = [
  { type: "function", name: "look", parameters: { type: "object", properties: {} } },
  { type: "custom", name: "apply_patch" },
  { type: "tool_search", execution: "client" },
  {
    type: "namespace",
    name: "agents",
    tools: [{ type: "function", name: "spawn", parameters: { type: "object", properties: {} } }],
  },
];
const STOPS = ["end_turn", "tool_use", "max_tokens", "guardrail_intervened", "malformed_tool_use", "future"];

function randomEvent(random: Random): ConverseEvent {
  const index = random.below(4);
  const text = random.text(TEXT, 4);
  return random.pick<() => ConverseEvent>([
    () => ({ type: "messageStart" }),
    () => ({
      type: "contentBlockStart",
      index,
      start: { type: "toolUse", toolUseId: "t", name: random.pick(NAMES) },
    }),
    () => ({ type: "contentBlockStart", index, start: { type: "unknown", name: "future" } }),
    () => ({ type: "contentBlockStop", index }),
    () => delta(index, { type: "text", text }),
    () => delta(index, { type: "toolInput", input: text }),
    () => delta(index, { type: "reasoningText", text }),
    () => delta(index, { type: "signature", signature: "c2ln" }),
    () => delta(index, { type: "redactedContent", data: "AAEC" }),
    () => delta(index, { type: "citation", citation: { location: { web: { url: "https://example.com" } } } }),
    () => delta(index, { type: "unknown", name: "future" }),
    () => ({ type: "unknown", name: "future" }),
  ])();
}

Deno.test("random events of Converse become well-formed streams", () => {
  const random = new Random(17);
  const seen = new Set<string>();
  for (let run = 0; run < RUNS; run++) {
    const events = Array.from({ length: random.below(12) }, () => randomEvent(random));
    if (random.below(4) > 0) events.push(...endOf(random.pick(STOPS)));
    if (random.below(4) === 0) events.push(randomEvent(random));
    const format = { type: "json_schema", name: "answer", schema: { type: "object" } };
    const isStructured = random.below(4) === 0;
    const model = random.pick([CLAUDE, GPT_OSS, "amazon.nova-lite-v1:0"]);
    const response = accumulateResponse(
      streamed(events, { model, tools: TOOLS, ...(isStructured && { text: { format } }) }),
    );
    seen.add(response.status);
    for (const { type } of response.output) seen.add(type);
  }
  assert.deepEqual([...seen].sort(), [
    ...["completed", "custom_tool_call", "failed", "function_call", "incomplete", "message", "reasoning"],
    "tool_search_call",
  ]);
});

function randomItem(random: Random): JsonObject {
  const call_id = random.pick(["c1", "c2", "c 3"]);
  const text = random.pick(["Hi", " ", "", "\ud83d"]);
  return random.pick<() => JsonObject>([
    () => ({ role: random.pick(["user", "assistant", "developer"]), content: text }),
    () => ({ role: "user", content: [{ type: "input_text", text }] }),
    () => ({
      type: "function_call",
      call_id,
      name: random.pick(NAMES),
      arguments: random.pick(["{}", "{", ""]),
    }),
    () => ({ type: "custom_tool_call", call_id, name: "apply_patch", input: text }),
    () => ({ type: "function_call_output", call_id, output: text }),
    () => ({ type: "reasoning", summary: [], encrypted_content: random.pick([null, "gAAA"]) }),
    () => ({ type: "reasoning", summary: [], encrypted_content: signedThought }),
    () => ({ type: "web_search_call", id: "ws_1" }),
  ])();
}

/** As the gateway encodes it. */
const signedThought = `adit1.${
  btoa(JSON.stringify({ v: 1, family: "claude", blocks: [{ text: "Hm", signature: "c2ln" }] }))
    .replaceAll("=", "")
}`;

Deno.test("random items become a conversation that Converse accepts, or a refusal with a path", () => {
  const random = new Random(23);
  let taken = 0;
  for (let run = 0; run < RUNS; run++) {
    const items = Array.from({ length: random.below(9) }, () => randomItem(random));
    const input = [{ role: "user", content: "Hi" }, ...items];
    const model = random.pick([CLAUDE, GPT_OSS, "amazon.nova-lite-v1:0"]);
    try {
      const request = sent({ model, input, tools: random.below(2) === 0 ? TOOLS : [] });
      assertObeysConverse(request);
      for (const { role, content } of request.messages) {
        const last = content.at(-1);
        const endsInThought = role === "assistant" && last !== undefined && "reasoningContent" in last;
        assert.equal(endsInThought, false, "no turn of the assistant ends with a thought");
      }
      taken++;
    } catch (error) {
      if (!(error instanceof AditError)) throw error;
      assert.equal(error.kind, "invalid_request");
      assert.match(error.details.param ?? "", /^input/);
    }
  }
  assert.ok(taken > RUNS / 10 && taken < RUNS, `${taken} were taken`);
});
