/** What other gateways got wrong between Responses and Converse, as their issues report it. */

import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import type { JsonObject } from "../../../lib/base/json.ts";
import type { OutputItem } from "../../../lib/wire/openai/responses_answer.ts";
import { accumulateResponse, readResponseEvents } from "../../suites/responses_events.ts";
import { assertObeysConverse } from "../../suites/converse_rules.ts";
import { callOf, delta, endOf, GPT_OSS, sent, streamed, translated } from "../../suites/responses_rig.ts";

const USER = { role: "user", content: "Hi" };
const call = (call_id: string, args = "{}") => ({
  type: "function_call",
  call_id,
  name: "look",
  arguments: args,
});
const output = (call_id: string) => ({ type: "function_call_output", call_id, output: "seen" });
const LOOK: JsonObject = { type: "function", name: "look", parameters: { type: "object", properties: {} } };
const PATCH: JsonObject = { type: "custom", name: "apply_patch" };
const AGENTS: JsonObject = {
  type: "namespace",
  name: "agents",
  description: "Agents",
  tools: [{ type: "function", name: "spawn", parameters: { type: "object", properties: {} } }],
};

/** A thought as a client gets it. */
function thoughtItem(): OutputItem {
  const events = [
    delta(0, { type: "reasoningText", text: "Hm." }),
    delta(0, { type: "signature", signature: "c2ln" }),
    ...callOf(1, "look"),
    ...endOf("tool_use"),
  ];
  const [thought] = accumulateResponse(streamed(events, { tools: [LOOK] })).output;
  ok(thought !== undefined);
  return thought;
}

/** The item as JSON, which a client sends back with the changes. */
function replayed(item: OutputItem, changes: JsonObject = {}): JsonObject {
  return { ...JSON.parse(JSON.stringify(item)), ...changes };
}

Deno.test("reasoning is not dropped on the way to Converse, nor is its signature (litellm#36197, bifrost#5667)", () => {
  const { messages } = sent({
    tools: [LOOK],
    input: [USER, replayed(thoughtItem()), call("c"), output("c")],
  });
  deepEqual(messages[1]?.content[0], {
    reasoningContent: { reasoningText: { text: "Hm.", signature: "c2ln" } },
  });
});

Deno.test("a thought that is only a signature survives the round trip (strands harness-sdk#2704)", () => {
  const events = [
    delta(0, { type: "signature", signature: "c2ln" }),
    ...callOf(1, "look"),
    ...endOf("tool_use"),
  ];
  const [thought] = accumulateResponse(streamed(events, { tools: [LOOK] })).output;
  ok(thought?.type === "reasoning" && thought.summary.length === 0);
  const { messages } = sent({ tools: [LOOK], input: [USER, replayed(thought), call("c"), output("c")] });
  deepEqual(messages[1]?.content[0], {
    reasoningContent: { reasoningText: { text: "", signature: "c2ln" } },
  });
});

Deno.test("an edited summary does not change what the model signed", () => {
  const summary = [{ type: "summary_text", text: "something else" }];
  const item = replayed(thoughtItem(), { summary, content: null, status: "in_progress" });
  const { messages } = sent({ tools: [LOOK], input: [USER, item, call("c"), output("c")] });
  match(JSON.stringify(messages[1]), /"Hm\."/);
});

Deno.test("foreign ciphertext does not brick the conversation (experiential#965, 9router#4061)", () => {
  const foreign = replayed(thoughtItem(), { id: "rs_9", encrypted_content: "gAAAAABmXyZ" });
  const { request, ignored, transformations } = translated({
    tools: [LOOK],
    input: [USER, foreign, call("c"), output("c")],
  });
  equal(JSON.stringify(request).includes("reasoningContent"), false);
  deepEqual(ignored, ["input[reasoning]"]);
  deepEqual(transformations, [
    { id: "rs_9", type: "reasoning", action: "removed", reason: "organization_mismatch" },
  ]);
});

Deno.test("an item keeps its id in every event (bifrost#5186, openclaw#90425)", () => {
  const events = readResponseEvents(streamed([delta(0, { type: "text", text: "Hi" }), ...endOf("end_turn")]));
  const ids = events.flatMap(({ item, item_id }) => item?.id ?? item_id ?? []);
  deepEqual(new Set(ids), new Set(["msg_test0000"]));
});

Deno.test("the last event has the whole output and usage (bifrost#5667)", () => {
  const events = [delta(0, { type: "text", text: "Hi" }), ...callOf(1, "look"), ...endOf("tool_use")];
  const last = readResponseEvents(streamed(events, { tools: [LOOK] })).at(-1);
  deepEqual(last?.response.output.map(({ type }) => type), ["message", "function_call"]);
  equal(last?.response.usage?.total_tokens, 5);
});

Deno.test("parallel calls have indexes and arguments of their own (bifrost#604, litellm#21331)", () => {
  const events = [
    ...callOf(0, "look", '{"a"', ":1}"),
    ...callOf(1, "look", "", '{"b":', "2}"),
    ...endOf("tool_use"),
  ];
  const { output } = accumulateResponse(streamed(events, { tools: [LOOK] }));
  deepEqual(output.map((item) => item.type === "function_call" && item.arguments), ['{"a":1}', '{"b":2}']);
});

Deno.test("calls whose events overlap are still sent one after another (oh-my-pi#1880)", () => {
  const [startA, a1, a2, stopA] = callOf(0, "look", '{"a"', ":1}");
  const [startB, b1, b2, stopB] = callOf(1, "look", '{"b"', ":2}");
  const mixed = [startA, a1, startB, b1, a2, b2, stopB, stopA].filter((event) => event !== undefined);
  const { output } = accumulateResponse(streamed([...mixed, ...endOf("tool_use")], { tools: [LOOK] }));
  deepEqual(output.map((item) => item.type === "function_call" && item.arguments), ['{"a":1}', '{"b":2}']);
});

Deno.test("every delta of arguments is sent, and an empty one does no harm (litellm#20711, #25321)", () => {
  const events = [...callOf(0, "look", "", '{"a"', "", ":1}"), ...endOf("tool_use")];
  const types = readResponseEvents(streamed(events, { tools: [LOOK] })).map(({ type }) => type);
  equal(types.filter((type) => type === "response.function_call_arguments.delta").length, 2);
});

Deno.test("text after a call is a message of its own (litellm#27671)", () => {
  const events = [
    delta(0, { type: "text", text: "One" }),
    ...callOf(1, "look"),
    delta(2, { type: "text", text: "Two" }),
    ...endOf("end_turn"),
  ];
  const { output } = accumulateResponse(streamed(events, { tools: [LOOK] }));
  deepEqual(output.map(({ type }) => type), ["message", "function_call", "message"]);
});

Deno.test("a custom tool is answered as a custom call (litellm#31571)", () => {
  const events = [...callOf(0, "apply_patch", '{"input":"*** Begin Patch"}'), ...endOf("tool_use")];
  const [item] = accumulateResponse(streamed(events, { tools: [PATCH] })).output;
  ok(item?.type === "custom_tool_call" && item.input === "*** Begin Patch");
});

Deno.test("a namespace is restored in the answer (codex#20652, CLIProxyAPI#4255)", () => {
  const events = [...callOf(0, "agents__spawn"), ...endOf("tool_use")];
  const [item] = accumulateResponse(streamed(events, { tools: [AGENTS] })).output;
  ok(item?.type === "function_call");
  deepEqual([item.namespace, item.name], ["agents", "spawn"]);
});

Deno.test("a history of calls works in a request without tools (litellm#38489)", () => {
  const request = sent({ tools: [], input: [USER, call("c"), output("c"), USER] });
  assertObeysConverse(request);
  equal(request.toolConfig?.tools.length, 1);
});

Deno.test("an empty assistant message, a turn of reasoning alone and a developer message are accepted (bifrost#3188)", () => {
  const { messages, system } = sent({
    input: [
      { role: "developer", content: "Rules" },
      USER,
      { role: "assistant", content: [] },
      replayed(thoughtItem()),
      USER,
    ],
  });
  deepEqual(messages, [{ role: "user", content: [{ text: "Hi" }, { text: "Hi" }] }]);
  deepEqual(system, [{ text: "Rules" }]);
});

Deno.test("outputs are tool results, never user text (agentgateway#907)", () => {
  const { messages } = sent({ tools: [LOOK], input: [USER, call("c"), output("c")] });
  deepEqual(messages[2]?.content, [{ toolResult: { toolUseId: "c", content: [{ text: "seen" }] } }]);
});

Deno.test("a call with invalid JSON does not poison the conversation (langchain-aws#1289)", () => {
  const request = sent({ tools: [LOOK], input: [USER, call("c", '{"a":'), output("c")] });
  assertObeysConverse(request);
  deepEqual(request.messages[1]?.content, [{ toolUse: { toolUseId: "c", name: "look", input: {} } }]);
});

Deno.test("a stream that just ends is a failed response, never success (bifrost#597, #5639)", () => {
  const { status, error } = accumulateResponse(streamed([delta(0, { type: "text", text: "Hi" })]));
  deepEqual([status, error?.code], ["failed", "server_error"]);
});

Deno.test("Codex's agent messages and web search are no reason to refuse (litellm#36528)", () => {
  const { ignored } = translated({
    tools: [{ type: "web_search", external_web_access: false }],
    input: [USER, { type: "agent_message", author: "a", recipient: "b", content: "Done." }, USER],
  });
  deepEqual(ignored, ["tools[web_search]"]);
});

Deno.test("the refusal of an item reference names the remedy (syncless-issue#13)", () => {
  throws(() => translated({ input: [USER, { type: "item_reference", id: "msg_1" }] }), {
    message: /^input\[1\]: .*`store: false`/,
  });
});

Deno.test("call ids that a provider counts again in every response stay apart (hermes-agent#75471)", () => {
  const input = [USER, call("call_0"), output("call_0"), call("call_0"), output("call_0")];
  assertObeysConverse(sent({ model: GPT_OSS, tools: [LOOK], input }));
});
