/** For each model, every optional field that the emulator refuses in Bedrock's words is learned from one refusal. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { EMULATOR_CREDENTIALS } from "../../lib/emulator/server/credentials.ts";
import { emulatorFetch } from "../../lib/emulator/in_process.ts";
import { type Model, MODELS } from "../../lib/emulator/model/catalog.ts";
import { builtInModelTable, traitsOf } from "../../lib/facts/model_table.ts";
import type { ModelTraits } from "../../lib/facts/traits.ts";
import type { Fetch } from "../../lib/runtime/runtime.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, snapshot, withSettings } from "../fakes/snapshot.ts";
import { fakeTime } from "../fakes/time.ts";
import { CHAT } from "./requests.ts";

const MESSAGES = "/v1/messages";
const SCHEMA = {
  type: "object",
  properties: { n: { type: "string" } },
  required: ["n"],
  additionalProperties: false,
};
const USER = [{ role: "user", content: "Hi" }];
const MARK = { cache_control: { type: "ephemeral" } };
const LONG_MARK = { cache_control: { type: "ephemeral", ttl: "1h" } };
const FUNCTION = { name: "f", parameters: SCHEMA };
const BUDGET = { thinking: { type: "enabled", budget_tokens: 2000 }, max_tokens: 4000 };
const tool = (members: object = {}) => ({ type: "function", function: FUNCTION, ...members });
const custom = (members: object = {}) => ({ name: "f", input_schema: SCHEMA, ...members });
const marked = (mark: object) => ({ type: "text", text: "Hi", ...mark });

/** Requests with one optional field each. */
const FIELDS: readonly (readonly [path: string, name: string, members: object])[] = [
  [CHAT, "strict", { tools: [tool({ function: { ...FUNCTION, strict: true } })] }],
  [CHAT, "a schema", {
    response_format: { type: "json_schema", json_schema: { name: "r", schema: SCHEMA } },
  }],
  [CHAT, "a marked system prompt", { messages: [{ role: "system", content: [marked(MARK)] }, ...USER] }],
  [CHAT, "a marked message", { messages: [{ role: "user", content: [marked(MARK)] }] }],
  [CHAT, "a marked tool", { tools: [tool(MARK)] }],
  [CHAT, "ttl", { messages: [{ role: "system", content: [marked(LONG_MARK)] }, ...USER] }],
  [CHAT, "stop", { stop: ["END"] }],
  [CHAT, "a blank stop", { stop: ["\n"] }],
  [CHAT, "temperature", { temperature: 0.5 }],
  [CHAT, "top_p", { top_p: 0.5 }],
  [CHAT, "temperature and top_p", { temperature: 0.5, top_p: 0.5 }],
  [CHAT, "top_k", { top_k: 5 }],
  [CHAT, "effort", { reasoning_effort: "high" }],
  [CHAT, "the highest effort", { reasoning_effort: "max" }],
  [CHAT, "no effort", { reasoning_effort: "none" }],
  [CHAT, "a budget", BUDGET],
  [CHAT, "adaptive thinking", { thinking: { type: "adaptive" } }],
  [CHAT, "disabled thinking", { thinking: { type: "disabled" } }],
  [CHAT, "one call", { tools: [tool()], parallel_tool_calls: false }],
  [CHAT, "tools in a stream", { tools: [tool()], stream: true }],
  [MESSAGES, "strict", { tools: [custom({ strict: true })] }],
  [MESSAGES, "a schema", { output_config: { format: { type: "json_schema", schema: SCHEMA } } }],
  [MESSAGES, "a marked system prompt", { system: [marked(MARK)] }],
  [MESSAGES, "a marked message", { messages: [{ role: "user", content: [marked(MARK)] }] }],
  [MESSAGES, "a marked tool", { tools: [custom(MARK)] }],
  [MESSAGES, "ttl", { system: [marked(LONG_MARK)] }],
  [MESSAGES, "stop_sequences", { stop_sequences: ["END"] }],
  [MESSAGES, "a blank stop sequence", { stop_sequences: ["\n"] }],
  [MESSAGES, "temperature", { temperature: 0.5 }],
  [MESSAGES, "top_p", { top_p: 0.5 }],
  [MESSAGES, "temperature and top_p", { temperature: 0.5, top_p: 0.5 }],
  [MESSAGES, "top_k", { top_k: 5 }],
  [MESSAGES, "effort", { output_config: { effort: "high" } }],
  [MESSAGES, "the highest effort", { output_config: { effort: "max" } }],
  [MESSAGES, "a budget", BUDGET],
  [MESSAGES, "adaptive thinking", { thinking: { type: "adaptive" } }],
  [MESSAGES, "disabled thinking", { thinking: { type: "disabled" } }],
  [MESSAGES, "one call", {
    tools: [custom()],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
  }],
  [MESSAGES, "tools in a stream", { tools: [custom()], stream: true }],
];

/** Without a tool, nothing could give the answer its format. */
const needsForcedCall = (name: string, { toolChoice }: Model) =>
  name === "a schema" && !toolChoice.includes("tool");

/** The model's traits, with support for every optional field. */
function generousTraits(id: string): ModelTraits {
  const table = builtInModelTable();
  const traits = traitsOf(id, table);
  const claude = traitsOf("anthropic.claude-opus-5", table);
  return {
    ...traits,
    strictTools: true,
    structuredOutput: "schema",
    promptCaching: claude.promptCaching,
    cacheTtls: claude.cacheTtls,
    stopSequences: "any",
    sampling: "both",
    topKPath: "top_k",
    toolChoice: claude.toolChoice,
    singleToolCall: traits.anthropicMessages,
    tools: "streamed",
    ...(traits.anthropicMessages && {
      thinkingTypes: new Set(["enabled", "adaptive", "disabled"] as const),
      efforts: claude.efforts,
      reasoningEffort: claude.reasoningEffort,
    }),
  };
}

/** The statuses of Bedrock's answers to one request, and Adit's. */
async function statusesOf(emulated: Model, [path, , members]: (typeof FIELDS)[number]) {
  const [profile] = emulated.profiles;
  const id = emulated.onDemand ? emulated.id : `${profile}.${emulated.id}`;
  const emulator = emulatorFetch(fakeTime().clock);
  const statuses: number[] = [];
  const fetch: Fetch = async (url, init) => {
    const response = await emulator(url, init);
    statuses.push(response.status);
    return response;
  };
  const local = { kind: "emulator", name: "local", region: "us-east-1", quotas: [] } as const;
  const user = caller("user", { models: ["model"] });
  const generous = withSettings(model("model", local, id), { traits: generousTraits(id) });
  const config = snapshot({ models: [generous], callers: [user] });
  const gateway = startGateway(config, { emulator: { ...EMULATOR_CREDENTIALS, fetch } });
  const body = { model: "model", messages: USER, ...(path === MESSAGES && { max_tokens: 3000 }), ...members };
  const headers = { authorization: `Bearer ${user.key}`, "content-type": "application/json" };
  const response = await gateway.send(path, { headers, body: JSON.stringify(body) }).response;
  const text = await response.text();
  return { statuses, status: response.status, text, learned: gateway.lessons.list().length };
}

let taught = 0;

for (const emulated of MODELS) {
  Deno.test(`${emulated.name} teaches every optional field that it refuses`, async () => {
    for (const field of FIELDS) {
      const [path, name, members] = field;
      if ("tools" in members && emulated.tools === "none" || needsForcedCall(name, emulated)) continue;
      const { statuses, status, text, learned } = await statusesOf(emulated, field);
      equal(status, 200, `${path} ${name}: ${text}`);
      taught += learned;
      equal(learned, statuses.length - 1, `${path} ${name}`);
      deepEqual(statuses.slice(1), statuses.slice(1).map(() => 200));
    }
  });
}

Deno.test("the emulator refuses enough fields to test this", () => {
  ok(taught > 300, String(taught));
});
