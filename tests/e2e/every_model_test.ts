/** The usual requests, sent to every model of the emulator, which refuses what Bedrock would refuse. */

import assert from "node:assert/strict";
import { type Model, MODELS } from "../../lib/emulator/model/catalog.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import { PNG } from "../fakes/image_host.ts";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

type Members = Readonly<Record<string, unknown>>;

const user = { role: "user", content: "hi" };
const open = { type: "object", properties: { age: { type: "integer", minimum: 0 } }, required: ["age"] };
const fn = (more: object = {}) => ({
  type: "function",
  function: { name: "get-weather", description: "d", parameters: open, ...more },
});
const call = (id: string, args = "{}") => ({
  role: "assistant",
  content: null,
  tool_calls: [{ id, type: "function", function: { name: "get-weather", arguments: args } }],
});
const result = (id: string, content: unknown = "rain") => ({ role: "tool", tool_call_id: id, content });
const PNG_TEXT = btoa(String.fromCharCode(...PNG));
const png = { type: "image_url", image_url: { url: `data:image/png;base64,${PNG_TEXT}` } };
const cached = { cache_control: { type: "ephemeral", ttl: "1h" } };
const csv = { type: "file", file: { filename: "a.csv", file_data: `data:text/csv;base64,${btoa("a,b")}` } };
const tree = {
  type: "object",
  properties: { tree: { $ref: "#/$defs/tree" } },
  $defs: {
    tree: { type: "object", properties: { children: { type: "array", items: { $ref: "#/$defs/tree" } } } },
  },
};

const CHAT: Readonly<Record<string, Members>> = {
  "nothing special": {},
  "tools": { tools: [fn()] },
  "a tool without parameters": { tools: [fn({ parameters: undefined })] },
  "a tool whose schema is null": { tools: [fn({ parameters: { type: null } })] },
  "a strict tool": { tools: [fn({ strict: true })] },
  "a required call": { tools: [fn()], tool_choice: "required" },
  "a call by name, one at a time": {
    tools: [fn()],
    tool_choice: { type: "function", function: { name: "get-weather" } },
    parallel_tool_calls: false,
  },
  "a required call with effort": { tools: [fn()], tool_choice: "required", reasoning_effort: "high" },
  "a schema": {
    response_format: { type: "json_schema", json_schema: { name: "r", schema: open, strict: true } },
  },
  "a schema of trees": { response_format: { type: "json_schema", json_schema: { name: "r", schema: tree } } },
  "a schema with effort": {
    response_format: { type: "json_schema", json_schema: { name: "r", schema: open } },
    reasoning_effort: "high",
  },
  "some object": { response_format: { type: "json_object" } },
  "stop sequences": { stop: ["\nObservation:", "\n"] },
  "sampling": { temperature: 1, top_p: 0.9 },
  "a temperature": { temperature: 0 },
  "many tokens": { max_tokens: 200_000 },
  ...Object.fromEntries(
    ["none", "minimal", "low", "medium", "high", "xhigh", "max"].map((
      effort,
    ) => [`effort ${effort}`, { reasoning_effort: effort }]),
  ),
  "a budget": { thinking: { type: "enabled", budget_tokens: 2048 }, max_tokens: 4000 },
  "adaptive thinking": { thinking: { type: "adaptive" } },
  "no thinking": { thinking: { type: "disabled" } },
  "system text everywhere": {
    messages: [{ role: "system", content: "a" }, user, { role: "assistant", content: "b" }, {
      role: "system",
      content: "c",
    }],
  },
  "system text alone": { messages: [{ role: "system", content: "a" }] },
  "an id that is used again, a result that is repeated": {
    messages: [user, call("c:0"), result("c:0"), result("c:0"), call("c:0"), result("c:0")],
    tools: [fn()],
  },
  "torn arguments": { messages: [user, call("a", '{"a":'), result("a")], tools: [fn()] },
  "an image as a result": { messages: [user, call("a"), result("a", [png])], tools: [fn()] },
  "a history without tools": { messages: [user, call("a"), result("a")] },
  "thoughts of another model": {
    messages: [user, {
      role: "assistant",
      content: "b",
      reasoning_content: "hm",
    }, user],
  },
  "a cache for an hour": {
    messages: [
      { role: "system", content: [{ type: "text", text: "a", ...cached }] },
      { role: "user", content: [{ type: "text", text: "b", ...cached }, { ...csv, ...cached }] },
    ],
    tools: [{ ...fn(), ...cached }],
  },
  "half a character": { messages: [{ role: "user", content: "a \ud83d b" }] },
};

const tool = (more: object = {}) => ({ name: "get-weather", description: "d", input_schema: open, ...more });
const use = (id: string) => ({
  role: "assistant",
  content: [{ type: "tool_use", id, name: "get-weather", input: {} }],
});
const used = (id: string, content: unknown = "rain") => ({
  role: "user",
  content: [{ type: "tool_result", tool_use_id: id, content }],
});
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG_TEXT } };
const beta = (...flags: readonly string[]) => ({ "anthropic-beta": flags.join(",") });

interface Request {
  readonly members: Members;
  readonly headers?: Readonly<Record<string, string>>;
}

const MESSAGES: Readonly<Record<string, Request>> = {
  "nothing special": { members: {} },
  "what Claude Code sends": {
    members: {
      messages: [user, { role: "system", content: "a reminder" }],
      system: [{ type: "text", text: "s", cache_control: { type: "ephemeral", scope: "global" } }],
      thinking: { type: "adaptive" },
      output_config: { effort: "high" },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      tools: [tool({ eager_input_streaming: true })],
      max_tokens: 32_000,
    },
    headers: beta(
      "claude-code-20250219",
      "interleaved-thinking-2025-05-14",
      "context-management-2025-06-27",
      "prompt-caching-scope-2026-01-05",
      "mid-conversation-system-2026-04-07",
      "effort-2025-11-24",
    ),
  },
  "tools": { members: { tools: [tool()] } },
  "a strict tool": { members: { tools: [tool({ strict: true })] } },
  "a forced call": {
    members: { tools: [tool()], tool_choice: { type: "any", disable_parallel_tool_use: true } },
  },
  "a forced call while it thinks": {
    members: {
      tools: [tool()],
      tool_choice: { type: "tool", name: "get-weather" },
      thinking: { type: "enabled", budget_tokens: 1024 },
      max_tokens: 4000,
    },
  },
  "a search for tools without its flag": {
    members: {
      tools: [
        { type: "tool_search_tool_regex_20251119", name: "tool_search_tool_regex" },
        tool({ defer_loading: true, input_examples: [{}] }),
      ],
    },
  },
  "a tool that runs at Anthropic": {
    members: { tools: [tool(), { type: "web_search_20250305", name: "web_search" }] },
  },
  "a format": { members: { output_config: { format: { type: "json_schema", schema: open } } } },
  "a format of trees": { members: { output_config: { format: { type: "json_schema", schema: tree } } } },
  ...Object.fromEntries(["low", "medium", "high", "xhigh", "max"].map((effort) => [
    `effort ${effort}`,
    { members: { output_config: { effort } }, headers: beta("effort-2025-11-24") },
  ])),
  "the highest effort without thinking": {
    members: { output_config: { effort: "max" }, thinking: { type: "disabled" } },
  },
  "a budget": { members: { thinking: { type: "enabled", budget_tokens: 2048 }, max_tokens: 4000 } },
  "adaptive thinking": { members: { thinking: { type: "adaptive" } } },
  "no thinking": { members: { thinking: { type: "disabled" } } },
  "a budget for a task": {
    members: { output_config: { task_budget: { type: "tokens", total: 50_000 } } },
    headers: beta("task-budgets-2026-03-13"),
  },
  "sampling": { members: { temperature: 1, top_p: 0.9, top_k: 5 } },
  "stop sequences": { members: { stop_sequences: ["\nObservation:", "\n"] } },
  "many tokens": { members: { max_tokens: 200_000 } },
  "an answer's beginning": { members: { messages: [user, { role: "assistant", content: "Well " }] } },
  "an id that is used again, a result that is repeated": {
    members: { messages: [user, use("a"), used("a"), use("a"), used("a")], tools: [tool()] },
  },
  "an image as a result": { members: { messages: [user, use("a"), used("a", [image])], tools: [tool()] } },
  "a search result": {
    members: {
      messages: [{
        role: "user",
        content: [{ type: "search_result", source: "s", title: "t", content: [{ type: "text", text: "x" }] }],
      }],
    },
  },
  "a cache for an hour": {
    members: {
      system: [{ type: "text", text: "s", ...cached }],
      messages: [{ role: "user", content: [{ type: "text", text: "b", ...cached }] }],
      tools: [tool(cached)],
    },
  },
  "half a character": { members: { messages: [{ role: "user", content: "a \ud83d b" }] } },
};

interface Refusal {
  readonly message: RegExp;
  /** The requests that may meet it; default: all. */
  readonly requests?: RegExp;
  /** Whether the refusal is right for the model. */
  readonly isRight: (model: Model) => boolean;
}

const canBeForced = ({ toolChoice }: Model) => toolChoice.includes("any");
const hasLimit = ({ id }: Model) => traitsOf(id, builtInModelTable()).maxOutputTokens !== undefined;

/** Requests that the program refuses, or passes on, because no request with the same meaning is possible. */
const REFUSALS: readonly Refusal[] = [
  { message: /doesn't support tool use/, isRight: ({ tools }) => tools === "none" },
  { message: /cannot be forced to call a tool/, isRight: (model) => !canBeForced(model) },
  { message: /type \\"tool\\" and \\"any\\" are not supported/, isRight: (model) => !canBeForced(model) },
  {
    message: /Thinking may not be enabled when tool_choice forces tool use/,
    isRight: ({ forcedWithThinking }) => !forcedWithThinking,
  },
  {
    message: /does not support structured output/,
    isRight: (model) => !model.jsonSchema && !canBeForced(model),
  },
  {
    // Its calls cannot be forced, and its schemas need closed objects.
    message: /does not support structured output/,
    requests: /some object/,
    isRight: (model) => !canBeForced(model),
  },
  { message: /does not support a schema that is recursive/, isRight: (model) => !canBeForced(model) },
  { message: /does not support assistant message prefill/, isRight: ({ prefill }) => !prefill },
  { message: /doesn't support the image content block/, isRight: ({ media }) => !media.includes("image") },
  {
    message: /doesn't support the document content block/,
    isRight: ({ media }) => !media.includes("document"),
  },
  { message: /exceeds the model limit/, isRight: (model) => !hasLimit(model) },
];

interface Call {
  /** What is special about it, for the name of the test. */
  readonly what: string;
  readonly path: string;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The status and text of a failure; undefined for a success, or for an expected failure. */
async function problemOf(
  program: Program,
  model: Model,
  { what, path, body, headers }: Call,
): Promise<string | undefined> {
  const response = await fetch(program.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const hasFailed = response.status !== 200 || /^event: error|^data: \{"error"/m.test(text);
  const isExpected = REFUSALS.some(({ message, requests = /./, isRight }) =>
    message.test(text) && requests.test(what) && isRight(model)
  );
  if (!hasFailed || isExpected) {
    return undefined;
  }
  return `${response.status} ${text}`;
}

function nameOf({ name }: Model): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

/** Every request, whole and as a stream. */
function* callsFor(model: Model): Generator<Call> {
  for (const stream of [false, true]) {
    const base = { model: nameOf(model), messages: [user], stream };
    const way = stream ? "as a stream" : "whole";
    for (const [name, members] of Object.entries(CHAT)) {
      const body = { ...base, ...members };
      yield { what: `Chat with ${name}, ${way}`, path: "/v1/chat/completions", body };
    }
    for (const [name, { members, headers }] of Object.entries(MESSAGES)) {
      const body = { ...base, max_tokens: 100, ...members };
      yield { what: `Messages with ${name}, ${way}`, path: "/v1/messages", body, headers };
    }
  }
}

forEachRuntime("requests for one model are accepted for every model", async (runtime, context) => {
  const ids = MODELS.map((model) => [nameOf(model), model.onDemand ? model.id : `us.${model.id}`]);
  await using program = await startProgram(runtime, emulatorConfig(Object.fromEntries(ids)));
  for (const model of MODELS) {
    await context.step(model.name, async () => {
      for (const call of callsFor(model)) {
        assert.equal(await problemOf(program, model, call), undefined, call.what);
      }
    });
  }
});
