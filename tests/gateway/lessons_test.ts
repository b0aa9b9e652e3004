/** When a refused request is sent again, and which lessons are kept. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { decodeUtf8, EMPTY } from "../../lib/base/bytes.ts";
import type { Snapshot } from "../../lib/snapshot/snapshot.ts";
import type { ScriptedCall } from "../fakes/fetch.ts";
import { exceptionFrame } from "../fakes/frames.ts";
import { type LogLine, startGateway } from "../fakes/gateway.ts";
import { caller, model, modelTarget, native, provider, snapshot, withSettings } from "../fakes/snapshot.ts";
import { ANSWER, CHAT } from "./requests.ts";

const ID = "acme.thinker-9-v1:0";
const EAST = provider("east", "us-east-1");
const WEST = provider("west", "us-west-2");
const USER = caller("user", { models: ["*"], native: native(["us-east-1"]) });
const HEADERS = { authorization: `Bearer ${USER.key}`, "content-type": "application/json" };

const NEW = model("new", EAST, ID);
const CLAUDE = model("claude", EAST, "us.anthropic.claude-haiku-4-5-20251001-v1:0");
const TWO = {
  ...NEW,
  name: "two",
  targets: [modelTarget("two", EAST, ID), {
    ...modelTarget("two", WEST, "acme.other-1"),
    priority: 1,
  }] as const,
};
const CONFIG = snapshot({
  models: [NEW, model("again", WEST, ID), CLAUDE, model("other", EAST, "acme.other-1"), TWO],
  callers: [USER],
});

const PARAMETERS = { type: "object", properties: { n: { type: "string" } }, additionalProperties: false };
const STRICT = { type: "function", function: { name: "f", strict: true, parameters: PARAMETERS } };
const MARKED = { type: "text", text: "Hi", cache_control: { type: "ephemeral" } };
const ASK = { messages: [{ role: "user", content: "Hi" }] };

const NO_STRICT = "This model doesn't support the strict field. Remove strict and try again.";
const NO_CACHING =
  "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.";
const VALIDATION = { "x-amzn-errortype": "ValidationException" };

const started = (config: Snapshot = CONFIG) => startGateway(config);
type Started = ReturnType<typeof started>;

const refuse = (
  call: ScriptedCall,
  message: string,
  status = 400,
  headers: Record<string, string> = VALIDATION,
) => call.answerWhole(status, JSON.stringify({ message }), headers);
const answer = (call: ScriptedCall) => call.answerWhole(200, ANSWER);
const sentBy = ({ init }: ScriptedCall) => JSON.parse(decodeUtf8(init.body ?? EMPTY));

/** Sends a request; each step answers one request to Bedrock. */
async function exchange(
  gateway: Started,
  { path = CHAT, body }: { readonly path?: string; readonly body: object },
  ...steps: readonly ((call: ScriptedCall) => void)[]
) {
  const first = gateway.bedrock.calls.length;
  const { response } = gateway.send(path, { headers: HEADERS, body: JSON.stringify(body) });
  for (const [at, step] of steps.entries()) step(await gateway.bedrock.call(first + at));
  const result = await response;
  const text = await result.text();
  equal(gateway.bedrock.calls.length - first, steps.length, text);
  return {
    status: result.status,
    text,
    ignored: result.headers.get("x-adit-ignored"),
    sent: gateway.bedrock.calls.slice(first).map(sentBy),
  };
}

const strictRequest = (members: object = {}) => ({
  body: { model: "new", ...ASK, tools: [STRICT], ...members },
});
const isLesson = ({ message }: LogLine) =>
  message === "Bedrock refused an optional field, which is now left out";

Deno.test("a field that Bedrock refuses is left out and named, and the request is sent again", async () => {
  const gateway = started();
  const { status, ignored, sent } = await exchange(
    gateway,
    strictRequest(),
    (call) => refuse(call, NO_STRICT),
    answer,
  );
  equal(status, 200);
  equal(ignored, "tools[].function.strict");
  const [before, after] = sent;
  equal(before.toolConfig.tools[0].toolSpec.strict, true);
  delete before.toolConfig.tools[0].toolSpec.strict;
  deepEqual(after, before);
  const lines = await gateway.logLines();
  const { time: _, ...line } = lines.find(isLesson) ?? {};
  deepEqual(line, {
    level: "warn",
    message: "Bedrock refused an optional field, which is now left out",
    model_id: ID,
    members: ["strict"],
    setting: "models.new.traits",
    traits: "{ strict_tools: false }",
    row: `- { match: "${ID}", strict_tools: false }`,
    upstream_message: NO_STRICT,
  });
  const request = lines.find(({ message }) => message === "request");
  deepEqual((request?.["attempts"] as LogLine[]).map(({ error }) => error), [
    "invalid_request_error",
    undefined,
  ]);
  equal(request?.["error"], undefined);
});

Deno.test("a lesson applies to every model with that id, in any region, until it is forgotten", async () => {
  const gateway = started();
  await exchange(gateway, strictRequest(), (call) => refuse(call, NO_STRICT), answer);
  for (const name of ["new", "again"]) {
    const { status, ignored, sent } = await exchange(gateway, strictRequest({ model: name }), answer);
    deepEqual([status, ignored], [200, "tools[].function.strict"]);
    equal(sent[0].toolConfig.tools[0].toolSpec.strict, undefined);
  }
  const other = await exchange(gateway, strictRequest({ model: "other" }), answer);
  equal(other.sent[0].toolConfig.tools[0].toolSpec.strict, true);
  deepEqual(gateway.lessons.list().map(({ modelId, members }) => [modelId, members]), [[ID, ["strict"]]]);
  gateway.lessons.clear();
  const { sent } = await exchange(gateway, strictRequest(), answer);
  equal(sent[0].toolConfig.tools[0].toolSpec.strict, true);
});

Deno.test("a request that began before the lessons were forgotten teaches nothing", async () => {
  const gateway = started();
  const { status } = await exchange(gateway, strictRequest(), (call) => refuse(call, NO_STRICT), (call) => {
    gateway.lessons.clear();
    answer(call);
  });
  equal(status, 200);
  deepEqual(gateway.lessons.list(), []);
});

Deno.test("Messages requests learn through InvokeModel, Converse and CountTokens", async () => {
  const marked = { max_tokens: 9, messages: [{ role: "user", content: [MARKED] }] };
  const cases = [
    ["/v1/messages", "claude", "messages.0.content.0.text.cache_control: Extra inputs are not permitted"],
    [
      "/v1/messages/count_tokens",
      "claude",
      "messages.0.content.0.cache_control: Extra inputs are not permitted",
    ],
    [
      "/v1/messages",
      "new",
      "This model doesn't support the cachePoint field. Remove cachePoint and try again.",
    ],
    ["/v1/messages/count_tokens", "new", "cachePoint: Extra inputs are not permitted"],
  ] as const;
  for (const [path, name, words] of cases) {
    const gateway = started();
    const result = await exchange(
      gateway,
      { path, body: { model: name, ...marked } },
      (call) => refuse(call, words),
      (call) =>
        call.answerWhole(
          200,
          path.endsWith("count_tokens")
            ? '{"inputTokens":3}'
            : name === "claude"
            ? '{"type":"message","content":[],"usage":{}}'
            : ANSWER,
        ),
    );
    deepEqual(
      [result.status, result.ignored],
      [200, "messages[].content[].cache_control"],
      `${path} ${name}`,
    );
    equal(gateway.lessons.list().length, 1);
  }
});

Deno.test("the 403 about prompt caching teaches, and does not count against the target", async () => {
  const gateway = started();
  const body = { model: "two", messages: [{ role: "user", content: [MARKED] }] };
  const { status, ignored, sent } = await exchange(
    gateway,
    { body },
    (call) => refuse(call, NO_CACHING, 403, { "x-amzn-errortype": "AccessDeniedException" }),
    answer,
  );
  deepEqual([status, ignored], [200, "messages[].content[].cache_control"]);
  deepEqual(sent[1].messages, [{ role: "user", content: [{ text: "Hi" }] }]);
  ok((await gateway.logLines()).every(({ message }) => message !== "target is not usable"));
  // The next request for the model still tries its first target first.
  await exchange(gateway, { body: { model: "two", ...ASK } }, answer);
  match(gateway.bedrock.calls.at(-1)?.url ?? "", /us-east-1.*thinker/);
});

const REFUSED = [
  ["words that name nothing", "The model is having a bad day.", 400, VALIDATION],
  [
    "a field that the request does not have",
    "stopSequences: Extra inputs are not permitted",
    400,
    VALIDATION,
  ],
  [
    "tools",
    "This model doesn't support the toolConfig field. Remove toolConfig and try again.",
    400,
    VALIDATION,
  ],
  ["another status", NO_STRICT, 424, { "x-amzn-errortype": "ModelErrorException" }],
  ["another 400", NO_STRICT, 400, { "x-amzn-errortype": "ServiceQuotaExceededException" }],
  ["another 403", NO_STRICT, 403, { "x-amzn-errortype": "AccessDeniedException" }],
] as const;

for (const [name, message, status, headers] of REFUSED) {
  Deno.test(`a refusal is the caller's if it is about ${name}`, async () => {
    const gateway = started();
    const { status: answered } = await exchange(
      gateway,
      strictRequest(),
      (call) => refuse(call, message, status, headers),
    );
    ok(answered >= 400, String(answered));
    deepEqual(gateway.lessons.list(), []);
  });
}

Deno.test("a lesson that does not help is not kept, and Bedrock is not asked a third time", async () => {
  const gateway = started();
  for (const second of [NO_STRICT, "Something else is wrong."]) {
    const { status, text } = await exchange(
      gateway,
      strictRequest(),
      (call) => refuse(call, NO_STRICT),
      (call) => refuse(call, second),
    );
    equal(status, 400);
    ok(text.includes(second), text);
    deepEqual(gateway.lessons.list(), []);
  }
});

Deno.test("two refused fields are learned one by one, over two requests", async () => {
  const gateway = started();
  const request = strictRequest({ stop: ["END"] });
  const noStops = "This model doesn't support the stopSequences field. Remove stopSequences and try again.";
  const first = await exchange(
    gateway,
    request,
    (call) => refuse(call, NO_STRICT),
    (call) => refuse(call, noStops),
  );
  equal(first.status, 400);
  const second = await exchange(gateway, request, (call) => refuse(call, noStops), answer);
  deepEqual([second.status, second.ignored], [200, "tools[].function.strict, stop"]);
  deepEqual(gateway.lessons.list().map(({ members, traits }) => [members, traits]), [
    [["strict", "stop_sequences"], "{ stop_sequences: none, strict_tools: false }"],
  ]);
});

Deno.test("bytes that are passed through are never changed, for a configured name or an id", async () => {
  const gateway = started();
  await exchange(gateway, strictRequest(), (call) => refuse(call, NO_STRICT), answer);
  const tools = [{ toolSpec: { name: "f", strict: true, inputSchema: { json: { type: "object" } } } }];
  const body = { messages: [{ role: "user", content: [{ text: "Hi" }] }], toolConfig: { tools } };
  for (const name of ["new", ID]) {
    const { status, sent } = await exchange(
      gateway,
      { path: `/model/${encodeURIComponent(name)}/converse`, body },
      (call) => refuse(call, NO_STRICT),
    );
    deepEqual([status, sent], [400, [body]]);
  }
});

Deno.test("fields from the operator's defaults are never left out", async () => {
  const defaults = { additionalModelRequestFields: { top_k: 5 } };
  const gateway = started(snapshot({ models: [withSettings(NEW, { defaults })], callers: [USER] }));
  const { status } = await exchange(
    gateway,
    { body: { model: "new", ...ASK } },
    (call) => refuse(call, "additionalModelRequestFields.top_k: Extra inputs are not permitted"),
  );
  equal(status, 400);
});

Deno.test("a forced tool call is never dropped: Bedrock's refusal is the answer", async () => {
  const gateway = started();
  const message = "This model doesn't support the toolConfig.toolChoice.any field. " +
    "Remove toolConfig.toolChoice.any and try again.";
  const request = strictRequest({ tool_choice: "required" });
  const { status, text } = await exchange(gateway, request, (call) => refuse(call, message));
  equal(status, 400);
  ok(text.includes("toolConfig.toolChoice.any"), text);
});

Deno.test("a tool chosen by name becomes the only tool, and its call is forced", async () => {
  const gateway = started();
  const other = { type: "function", function: { name: "g", parameters: PARAMETERS } };
  const choice = { type: "function", function: { name: "f" } };
  const { status, sent } = await exchange(
    gateway,
    strictRequest({ tools: [STRICT, other], tool_choice: choice }),
    (call) => refuse(call, "toolConfig.toolChoice.tool is not supported for this model."),
    answer,
  );
  equal(status, 200);
  deepEqual(sent[1].toolConfig.toolChoice, { any: {} });
  deepEqual(sent[1].toolConfig.tools, sent[0].toolConfig.tools.slice(0, 1));
});

Deno.test("a stream that Bedrock refuses before it begins is requested again", async () => {
  const gateway = started();
  const request = strictRequest({ stream: true });
  const words = "This model doesn't support tool use in streaming mode.";
  const { status, text } = await exchange(gateway, request, (call) => refuse(call, words), answer);
  equal(status, 200);
  ok(text.endsWith("data: [DONE]\n\n"), text);
  deepEqual(gateway.bedrock.calls.map(({ url }) => url.split("/").at(-1)), ["converse-stream", "converse"]);
});

Deno.test("an exception instead of a stream's first event teaches like a 400", async () => {
  const gateway = started();
  const { status, ignored } = await exchange(gateway, strictRequest({ stream: true }), (call) => {
    const body = call.answer(200, { "content-type": "application/vnd.amazon.eventstream" });
    body.push(exceptionFrame("validationException", NO_STRICT));
    body.end();
  }, (call) => refuse(call, "No."));
  deepEqual([status, ignored], [400, "tools[].function.strict"]);
});

Deno.test("the second attempt is within the request's deadline", async () => {
  const gateway = started();
  const { response } = gateway.send(CHAT, { headers: HEADERS, body: JSON.stringify(strictRequest().body) });
  const { totalMs } = CONFIG.timeouts;
  const first = await gateway.bedrock.call(0);
  gateway.advance(CONFIG.timeouts.firstByteMs - 100);
  refuse(first, NO_STRICT);
  await gateway.bedrock.call(1);
  gateway.advance(totalMs);
  equal((await response).status, 504);
  deepEqual(gateway.lessons.list(), []);
});

Deno.test("each target teaches once, and a throttled second attempt moves on with the lesson", async () => {
  const routing = { ...NEW.routing, retry: { ...NEW.routing.retry, attempts: 2 } };
  const gateway = started(snapshot({ models: [{ ...TWO, routing }], callers: [USER] }));
  const { status } = await exchange(
    gateway,
    strictRequest({ model: "two" }),
    (call) => refuse(call, NO_STRICT),
    (call) => refuse(call, "Too many requests", 429, { "x-amzn-errortype": "ThrottlingException" }),
    (call) => refuse(call, NO_STRICT),
    answer,
  );
  equal(status, 200);
  // Only the second target has answered without the field.
  deepEqual(gateway.lessons.list().map(({ modelId }) => modelId), ["acme.other-1"]);
});
