/** Golden requests with one thing changed: refused with a path, or a request that Bedrock accepts; never anything else. */

import assert from "node:assert/strict";
import { AditError } from "../../../lib/base/errors.ts";
import type { JsonObject, JsonValue } from "../../../lib/base/json.ts";
import { isJsonObject } from "../../../lib/base/json.ts";
import { chatToConverse } from "../../../lib/translate/chat/request.ts";
import { builtInModelTable, traitsOf } from "../../../lib/facts/model_table.ts";
import type { ConverseRequest } from "../../../lib/wire/bedrock/converse.ts";
import { parseChatRequest } from "../../../lib/wire/openai/chat.ts";
import { chatCaseRequest, chatCases } from "../../suites/chat_golden.ts";
import { assertObeysConverse } from "../../suites/converse_rules.ts";
import { Random } from "../../suites/random.ts";
import { schemaProblems } from "../../suites/sdk_schema.ts";

const REQUESTS = chatCases().map((path): JsonObject => JSON.parse(chatCaseRequest(path)));

const STRANGERS: readonly JsonValue[] = [
  null,
  true,
  -1,
  0.5,
  "",
  " ",
  "auto",
  "none",
  "required",
  "user",
  "assistant",
  "data:image/png;base64,iVBORw0KGgo=",
  "https://example.com/",
  "{}",
  [],
  {},
  [null],
  [[]],
  { type: "text" },
  { type: "ephemeral" },
  { type: "function", function: { name: "get_weather" } },
  { __proto__: null, constructor: 1 },
];

/** The value with one place in it changed, left out or doubled. */
function mutate(value: JsonValue, random: Random): JsonValue {
  if (Array.isArray(value) && value.length > 0 && random.below(6) > 0) {
    const at = random.below(value.length);
    const kind = random.below(8);
    if (kind === 0) return value.toSpliced(at, 1);
    if (kind === 1) return [...value, value[at] ?? null];
    if (kind === 2) return value.toReversed();
    return value.with(at, mutate(value[at] ?? null, random));
  }
  if (isJsonObject(value) && Object.keys(value).length > 0 && random.below(6) > 0) {
    const name = random.pick(Object.keys(value));
    const { [name]: chosen = null, ...others } = value;
    return random.below(8) === 0 ? others : { ...others, [name]: mutate(chosen, random) };
  }
  return random.pick(STRANGERS);
}

Deno.test("a request with one thing changed is refused with a path or translated to what Bedrock accepts", () => {
  const random = new Random(2026);
  const models = [
    "us.anthropic.claude-opus-4-6-v1",
    "amazon.nova-lite-v1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "openai.gpt-oss-120b-1:0",
    "us.anthropic.claude-opus-4-8",
    "us.anthropic.claude-opus-5-5",
    "mistral.mistral-7b-instruct-v0:2",
  ];
  let translated = 0;
  for (let round = 0; round < 40_000; round++) {
    const body = mutate(random.pick(REQUESTS), random);
    if (!isJsonObject(body)) continue;
    const shown = JSON.stringify(body);
    let sent: ConverseRequest;
    try {
      const request = parseChatRequest(body);
      const traits = traitsOf(random.pick(models), builtInModelTable());
      sent = JSON.parse(JSON.stringify(chatToConverse(request, { traits }).request));
    } catch (error) {
      assert.ok(error instanceof AditError && error.kind === "invalid_request", `${shown}: ${error}`);
      assert.ok(error.details.param !== undefined, shown);
      continue;
    }
    translated++;
    assert.deepEqual(schemaProblems("ConverseStream", forgetOwnNames(sent)), [], shown);
    assertObeysConverse(sent);
  }
  assert.ok(translated > 5_000, `only ${translated} requests got through`);
});

/** Members under Bedrock's own names pass as they come, whatever is in them. */
function forgetOwnNames(sent: ConverseRequest): object {
  const { guardrailConfig: _1, performanceConfig: _2, promptVariables: _3, serviceTier: _4, ...translated } =
    sent;
  return translated;
}
