/**
 * Whatever an upstream says, however often and with whatever status: no request loses its messages, its system prompt,
 * its tools, a forced call, its limit of tokens or its guardrail, and none is sent more than twice.
 */

import { deepEqual, equal, ok } from "node:assert/strict";
import { decodeUtf8, EMPTY } from "../../lib/base/bytes.ts";
import { LESSON_NAMES } from "../../lib/facts/optional_members.ts";
import type { ScriptedCall } from "../fakes/fetch.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, provider, snapshot, withSettings } from "../fakes/snapshot.ts";
import { ANSWER, CHAT } from "../gateway/requests.ts";
import { Random } from "../suites/random.ts";

const ROUNDS = 3000;
const SEED = 20261127;

const EAST = provider("east", "us-east-1");
const GUARDRAIL = { id: "gr-1", version: "3", trace: "enabled" } as const;
const USER = caller("user", { models: ["*"] });
const HEADERS = { authorization: `Bearer ${USER.key}`, "content-type": "application/json" };
const IDS = ["acme.thinker-9-v1:0", "us.anthropic.claude-sonnet-4-6", "us.anthropic.claude-new-7"];

const COUNT = "/v1/messages/count_tokens";
const PATHS = [CHAT, "/v1/messages", COUNT];

/** Members that must stay, and some that may go; a hostile upstream names them all. */
const MEMBERS = [
  ...[
    "messages",
    "messages.0",
    "messages.0.content",
    "messages.0.content.0.text",
    "message",
    "content",
    "text",
  ],
  ...["system", "system.0", "system.0.text", "tools", "tools.0", "tools.0.custom", "tools.0.custom.name"],
  ...["toolConfig", "toolConfig.tools", "toolConfig.tools.0", "toolConfig.tools.0.toolSpec", "tool_choice"],
  ...[
    "toolConfig.toolChoice",
    "toolConfig.toolChoice.any",
    "toolChoice.any",
    "tool_choice.any",
    "input_schema",
  ],
  ...[
    "guardrailConfig",
    "guardrailConfig.guardrailIdentifier",
    "guardrail",
    "amazon-bedrock-guardrailConfig",
  ],
  ...["inferenceConfig", "inferenceConfig.maxTokens", "maxTokens", "max_tokens", "max_tokens_to_sample", "n"],
  ...[
    "additionalModelRequestFields",
    "anthropic_version",
    "anthropic_beta",
    "role",
    "modelId",
    "input",
    "body",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "strict.messages",
    "cachePoint.messages",
    "messages.strict",
    "",
  ],
  ...["strict", "tools.0.custom.strict", "outputConfig.textFormat", "output_config", "output_config.format"],
  ...[
    "effort",
    "thinking",
    "thinking.type.enabled",
    "reasoning_effort",
    "cachePoint",
    "system.0.cache_control",
  ],
  ...[
    "messages.0.content.0.cache_control",
    "messages.0.content.0.cache_control.ttl",
    "tools.0.cachePoint",
    "ttl",
  ],
  ...[
    "stopSequences",
    "stop_sequences",
    "temperature",
    "topP",
    "top_k",
    "tool_choice.auto",
    "toolResult.status",
  ],
];

const WORDINGS: readonly ((member: string, other: string) => string)[] = [
  (member) => `This model doesn't support the ${member} field. Remove ${member} and try again.`,
  (member, other) => `This model doesn't support the ${member} field. Remove ${other} and try again.`,
  (member) => `${member}: Extra inputs are not permitted`,
  (member, other) => `${member}: Extra inputs are not permitted\n${other}: Extra inputs are not permitted`,
  (member) => `"${member}" is not supported for this model.`,
  (member, other) => `\`${member}\` is deprecated for this model. Use "${other}"`,
  (member, other) =>
    `Malformed input request: #/${
      member.replaceAll(".", "/")
    }: extraneous key [${other}] is not permitted, please ` +
    "reformat your input and try again.",
  (member, other) =>
    `Failed to deserialize the JSON body into the target type: ${member}: unknown field \`${other}\`, expected a`,
  (member) => `This model does not support the ${member} parameter.`,
  (member) => `This model does not support effort level '${member}'. Supported levels: ${member}.`,
  () => "This model doesn't support tool use in streaming mode.",
  () => "This model doesn't support tool use.",
  () => "Thinking may not be enabled when tool_choice forces tool use.",
  () => 'tool_choice: type "tool" and "any" are not supported for this model.',
  () =>
    "You invoked an unsupported model or your request did not allow prompt caching. See the documentation.",
  (member, other) => `${member} ${other}`,
];

/** Those that real refusals use most. */
const PLAIN_WORDINGS = WORDINGS.filter((_, at) => at === 0 || at === 2);

const ALPHABET = [
  ..."abc .:[]{}\"'`\n\t\\/#é漢😀\u0000",
  "strict",
  "messages",
  "tools",
  "Remove ",
  "not permitted",
];
const TYPES = [
  "ValidationException",
  "AccessDeniedException",
  "ModelErrorException",
  "ThrottlingException",
  "",
];

/** Answers as an upstream that means harm, or well. */
function answerBadly(random: Random, call: ScriptedCall): void {
  if (random.below(6) === 0) {
    const body = call.url.endsWith("/count-tokens")
      ? '{"inputTokens":1}'
      : call.url.endsWith("/invoke")
      ? '{"type":"message","content":[],"usage":{}}'
      : ANSWER;
    call.answerWhole(200, body);
    return;
  }
  const prefix = random.below(3) === 0 ? "The model returned the following errors: " : "";
  const words = random.below(8) === 0 ? random.text(ALPHABET, 60) : prefix +
    random.pick(random.below(2) === 0 ? PLAIN_WORDINGS : WORDINGS)(
      random.pick(MEMBERS),
      random.pick(MEMBERS),
    );
  const isUsual = random.below(4) > 0;
  const status = isUsual ? 400 : random.pick([400, 403, 404, 424]);
  const type = isUsual ? "ValidationException" : random.pick(TYPES);
  call.answerWhole(
    status,
    JSON.stringify({ message: words }),
    type === "" ? {} : { "x-amzn-errortype": type },
  );
}

const SCHEMA = { type: "object", properties: { n: { type: "string" } }, additionalProperties: false };
const MARK = { cache_control: { type: "ephemeral", ttl: "1h" } };

/** A request with everything that must stay, and some of what may go. */
function randomRequest(random: Random, path: string, name: string): object {
  const some = (members: object) => random.below(2) === 0 ? members : {};
  const text = (word: string) => [{ type: "text", text: word, ...some(MARK) }];
  if (path === CHAT) {
    const tool = (called: string) => ({
      type: "function",
      function: { name: called, parameters: SCHEMA, ...some({ strict: true }) },
      ...some(MARK),
    });
    return {
      model: name,
      max_tokens: 3000,
      messages: [{ role: "system", content: text("the rules") }, {
        role: "user",
        content: text("the question"),
      }],
      tools: [tool("first"), tool("second")],
      tool_choice: "required",
      ...some({ stop: ["END", "\n"] }),
      ...some({ temperature: 0.5 }),
      ...some({ top_p: 0.5, top_k: 5 }),
      ...some({ parallel_tool_calls: false }),
      ...some({ reasoning_effort: random.pick(["none", "low", "max"]) }),
    };
  }
  const tool = (called: string) => ({
    name: called,
    input_schema: SCHEMA,
    ...some({ strict: true }),
    ...some(MARK),
  });
  return {
    model: name,
    max_tokens: 3000,
    system: text("the rules"),
    messages: [{ role: "user", content: text("the question") }],
    tools: [tool("first"), tool("second")],
    tool_choice: { type: "any", ...some({ disable_parallel_tool_use: true }) },
    ...some({ stop_sequences: ["END", "\n"] }),
    ...some({ temperature: 0.5 }),
    ...some({ top_k: 5 }),
    ...some({
      output_config: { effort: "max", ...some({ format: { type: "json_schema", schema: SCHEMA } }) },
    }),
  };
}

/** What must stay of a request, as it reached Bedrock. */
function kept({ url, init }: ScriptedCall): unknown {
  const sent = JSON.parse(decodeUtf8(init.body ?? EMPTY));
  const counted = sent.input?.converse ??
    (sent.input && JSON.parse(atob(sent.input.invokeModel.body)));
  const isCount = counted !== undefined;
  const body = counted ?? sent;
  const texts = (blocks: readonly { text?: string }[] = []) => blocks.flatMap(({ text }) => text ?? []);
  const tools: readonly { name?: string; toolSpec?: { name: string } }[] = body.toolConfig?.tools ??
    body.tools;
  const choice = body.toolConfig?.toolChoice ?? body.tool_choice ??
    body.additionalModelRequestFields?.tool_choice;
  const guardrail = body.guardrailConfig?.guardrailIdentifier ??
    init.headers.get("x-amzn-bedrock-guardrailidentifier");
  return {
    system: texts(body.system),
    messages: body.messages.map((
      message: { role: string; content: [] },
    ) => [message.role, texts(message.content)]),
    tools: tools.flatMap(({ name, toolSpec }) => name ?? toolSpec?.name ?? []).slice(0, 2),
    isForced: "any" in choice || choice.type === "any",
    // What is only counted is not limited and not guarded.
    limit: isCount ? 3000 : body.inferenceConfig?.maxTokens ?? body.max_tokens,
    guardrail: isCount ? GUARDRAIL.id : guardrail,
    isModel: /acme|anthropic/.test(url),
  };
}

Deno.test(`no message of an upstream removes what a caller must have (${ROUNDS} requests)`, async () => {
  const random = new Random(SEED);
  let gateway = startGateway(snapshot());
  const taught = new Set<string>();
  let seconds = 0;
  for (let round = 0; round < ROUNDS; round++) {
    // What was learned piles up for a while, and is forgotten.
    if (round % 60 === 0) {
      const models = IDS.map((id) => withSettings(model(id, EAST, id), { guardrail: GUARDRAIL }));
      gateway = startGateway(snapshot({ models, callers: [USER] }));
    }
    const path = random.pick(PATHS);
    const body = JSON.stringify(randomRequest(random, path, random.pick(IDS)));
    const first = gateway.bedrock.calls.length;
    let isDone = false;
    const response = gateway.send(path, { headers: HEADERS, body }).response.finally(() => isDone = true);
    for (let at = first; !isDone; at++) {
      await Promise.race([gateway.bedrock.call(at), response]);
      const call = gateway.bedrock.calls[at];
      if (call !== undefined) answerBadly(random, call);
    }
    await (await response).text();
    const calls = gateway.bedrock.calls.slice(first);
    ok(calls.length <= 2, `sent ${calls.length} times: ${body}`);
    seconds += calls.length === 2 ? 1 : 0;
    for (const call of calls) {
      deepEqual(kept(call), {
        system: ["the rules"],
        messages: [["user", ["the question"]]],
        tools: ["first", "second"],
        isForced: true,
        limit: 3000,
        guardrail: GUARDRAIL.id,
        isModel: true,
      }, body);
    }
    for (const { members } of gateway.lessons.list()) members.forEach((name) => taught.add(name));
    equal(gateway.lessons.list().length <= IDS.length, true);
  }
  // Otherwise nothing was tried.
  ok(seconds > ROUNDS / 50, String(seconds));
  ok(taught.size > LESSON_NAMES.length / 4, [...taught].join(", "));
});
