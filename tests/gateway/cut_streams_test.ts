/** Streams that a budget with `cut_streams` ends: when they end, how they end in each dialect, and what is counted. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/bytes.ts";
import type { Budget } from "../../lib/snapshot/budget.ts";
import { CLAUDE_STOP, converseFrames, eventFrame, invokeFrames } from "../fakes/frames.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, native, provider, snapshot, withSettings } from "../fakes/snapshot.ts";
import { budget } from "../suites/budget_rules.ts";
import { CHAT, chatBody } from "./requests.ts";

const EAST = provider("east", "us-east-1");
const CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const MODELS = [
  model("claude", EAST, CLAUDE),
  model("nova", EAST, "amazon.nova-lite-v1:0"),
  model("new", EAST, "example.model-v1:0"),
  withSettings(model("gpt", EAST, "us.openai.gpt-5.6-sol"), {
    ownApis: {
      chat: "runtime",
      responses: "runtime",
      messages: undefined,
      mantlePath: "/openai/v1",
      hoistsTools: false,
    },
  }),
];
const ANN = caller("ann", { models: ["*"], native: native(["us-east-1"]) });

const LIMIT = 100_000;
/** The initial hold of a stream: 1024 tokens of output, the input, and a tenth of that. */
const HELD = 1_100;
/** More than the hold, at the initial estimate of bytes per token. */
const LONG = "x".repeat(60_000);

type Bytes = Uint8Array<ArrayBuffer>;

function start(parts: Partial<Budget> = {}) {
  const gateway = startGateway(snapshot({
    models: MODELS,
    callers: [ANN],
    budgets: [budget("small", { unit: "tokens", limit: LIMIT, cutStreams: true, ...parts })],
  }));
  const headers = { authorization: `Bearer ${ANN.key}` };
  return {
    ...gateway,
    view() {
      const [view] = gateway.budgets.view();
      ok(view !== undefined);
      return view;
    },
    /** Opens a stream whose first piece has arrived; `read` reads one more piece. */
    async open({ path, body, type = "application/vnd.amazon.eventstream" }: Opened, ...first: Bytes[]) {
      const index = gateway.bedrock.calls.length;
      const { response } = gateway.send(path, { headers, body });
      const upstream = (await gateway.bedrock.call(index)).answer(200, { "content-type": type });
      upstream.push(...first);
      const answer = await response;
      equal(answer.status, 200);
      const reader = answer.body?.getReader();
      ok(reader !== undefined);
      const read = async () => (await reader.read()).value ?? new Uint8Array();
      return {
        upstream,
        read,
        /** Reads on until the text has arrived. */
        async until(text: string): Promise<void> {
          while (!decodeUtf8(await read()).includes(text));
        },
        async rest(): Promise<Bytes> {
          const pieces: Bytes[] = [];
          for (let piece = await read(); piece.length > 0; piece = await read()) pieces.push(piece);
          return new Uint8Array(await new Blob(pieces).arrayBuffer());
        },
      };
    },
    ask: () => gateway.send(CHAT, { headers, body: chatBody({ model: "nova" }) }).response,
  };
}

interface Opened {
  readonly path: string;
  readonly body: string;
  readonly type?: string;
}

const delta = (text: string) => eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text } });

/** A stream of Chat that has begun. */
const CHAT_STREAM: Opened = { path: CHAT, body: chatBody({ model: "nova", stream: true, max_tokens: 4000 }) };
const BEGUN = converseFrames("Hi").slice(0, 3);

const CLAUDE_BEGUN = invokeFrames(
  { type: "message_start", message: { id: "m", usage: { input_tokens: 7, output_tokens: 1 } } },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
);
const claudeDelta = (text: string) =>
  invokeFrames({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });

interface Way extends Opened {
  readonly begun: readonly Bytes[];
  readonly long: readonly Bytes[];
  /** Checks how the stream ends. */
  expect(rest: string): void;
}

const messages = (name: string) =>
  JSON.stringify({
    model: name,
    stream: true,
    max_tokens: 4000,
    messages: [{ role: "user", content: "Hi" }],
  });
const ENDED = /ended by this gateway: budget "small" of .* has nothing left for this stream; it resets at/;

function expectOpenAi(rest: string): void {
  const error = rest.slice(rest.lastIndexOf("data: ") + "data: ".length);
  const { error: { message, type, code } } = JSON.parse(error);
  deepEqual([type, code], ["insufficient_quota", "insufficient_quota"]);
  match(message, ENDED);
  ok(!rest.includes("[DONE]"));
}

function expectMessages(rest: string): void {
  match(rest, /event: error\ndata: \{"type":"error","error":\{"type":"rate_limit_error","message":"ended by/);
  match(rest, /budget \\"small\\" of .* has nothing left for this stream/);
  ok(!rest.includes("message_stop"));
}

function expectResponses(rest: string): void {
  const events = rest.slice(rest.indexOf("event: error")).split("\n\n").slice(0, -1);
  const [error, failed, ...more] = events.map((text) => JSON.parse(text.slice(text.indexOf("{"))));
  deepEqual([error?.type, failed?.type, more], ["error", "response.failed", []]);
  const { status, error: reason } = failed?.response ?? {};
  deepEqual([status, reason?.code], ["failed", "insufficient_quota"]);
  match(reason?.message ?? "", ENDED);
}

const OWN_EVENT = (text: string) => `data: {"id":"c","choices":[{"delta":{"content":"${text}"}}]}\n\n`;
const RESPONSE_EVENTS = [
  'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"r"}}\n\n',
  `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":1,"delta":"${LONG}"}\n\n`,
] as const;

const WAYS: Readonly<Record<string, Way>> = {
  "Chat": { ...CHAT_STREAM, begun: BEGUN, long: [delta(LONG)], expect: expectOpenAi },
  "Messages by InvokeModel": {
    path: "/v1/messages",
    body: messages("claude"),
    begun: CLAUDE_BEGUN,
    long: claudeDelta(LONG),
    expect: expectMessages,
  },
  "Messages by Converse": {
    path: "/v1/messages",
    body: messages("nova"),
    begun: BEGUN,
    long: [delta(LONG)],
    expect: expectMessages,
  },
  "Responses": {
    path: "/v1/responses",
    body: JSON.stringify({ model: "nova", input: "Hi", stream: true, max_output_tokens: 4000 }),
    begun: BEGUN,
    long: [delta(LONG)],
    expect: expectResponses,
  },
  "Chat that is passed on": {
    path: CHAT,
    body: chatBody({ model: "gpt", stream: true, max_completion_tokens: 4000 }),
    type: "text/event-stream",
    begun: [encodeUtf8(OWN_EVENT("Hi"))],
    long: [encodeUtf8(OWN_EVENT(LONG))],
    expect: expectOpenAi,
  },
  "Responses that are passed on": {
    path: "/v1/responses",
    body: JSON.stringify({ model: "gpt", input: "Hi", stream: true, max_output_tokens: 4000 }),
    type: "text/event-stream",
    begun: [encodeUtf8(RESPONSE_EVENTS[0])],
    long: [encodeUtf8(RESPONSE_EVENTS[1])],
    expect: expectResponses,
  },
  "Bedrock's own ConverseStream": {
    path: "/model/nova/converse-stream",
    body: JSON.stringify({
      messages: [{ role: "user", content: [{ text: "Hi" }] }],
      inferenceConfig: { maxTokens: 4000 },
    }),
    begun: BEGUN,
    long: [delta(LONG)],
    expect(rest) {
      match(rest, /:exception-type[^a-z]+validationException/);
      match(rest, /ended by this gateway: budget \\"small\\"/);
    },
  },
};

for (const [name, way] of Object.entries(WAYS)) {
  Deno.test(`a stream of ${name} that has used what is left ends with an error, and is counted`, async () => {
    const gateway = start();
    const { upstream, read, rest } = await gateway.open(way, ...way.begun);
    await read();
    gateway.budgets.correct("small", "", BigInt(LIMIT));
    upstream.push(...way.long);
    const text = decodeUtf8(await rest());
    ok(text.includes(LONG), "the piece that passes what is left is still sent");
    way.expect(text);
    ok(upstream.cancelled, "the upstream is not read on");
    const [line] = await gateway.logLines();
    deepEqual([line?.["status"], line?.["error"], line?.["estimated"], line?.["limit"]], [
      200,
      "insufficient_quota",
      true,
      "small;tokens",
    ]);
    const { spent, held } = gateway.view();
    const used = Number(line?.["input_tokens"]) + Number(line?.["output_tokens"]);
    ok(used > LONG.length / 40, `${used} are counted`);
    equal(spent, String(LIMIT + used), "what the log says is what the budget counts");
    equal(held, "0");
    await gateway.expectSettled(1);
  });
}

Deno.test("without cut_streams a running stream continues, whatever is left", async () => {
  const gateway = start({ cutStreams: false });
  const { upstream, read, rest } = await gateway.open(CHAT_STREAM, ...BEGUN);
  await read();
  gateway.budgets.correct("small", "", BigInt(LIMIT));
  upstream.push(delta(LONG), ...converseFrames().slice(1));
  upstream.end();
  match(decodeUtf8(await rest()), /\[DONE\]/);
});

Deno.test("a hold grows with its stream, and less is left for others", async () => {
  const gateway = start();
  const { upstream, until, rest } = await gateway.open(CHAT_STREAM, ...BEGUN);
  await until("Hi");
  ok(Number(gateway.view().held) < HELD);
  const worst = gateway.view().worst_case;
  upstream.push(delta(LONG));
  await until(LONG);
  ok(Number(gateway.view().held) > LONG.length / 40);
  equal(gateway.view().worst_case, worst, "what it may use in all is the same");
  gateway.budgets.correct("small", "", BigInt(LIMIT - HELD));
  const refused = await gateway.ask();
  equal(refused.status, 429);
  upstream.push(...converseFrames().slice(1));
  upstream.end();
  await rest();
  deepEqual([gateway.view().held, gateway.view().spent], ["0", String(LIMIT - HELD + 12)]);
});

Deno.test("a stream is never cut while it stays within its hold", async () => {
  const gateway = start();
  const { upstream, read, rest } = await gateway.open(CHAT_STREAM, ...BEGUN);
  await read();
  gateway.budgets.correct("small", "", BigInt(2 * LIMIT));
  upstream.push(delta("x".repeat(20_000)), ...converseFrames().slice(1));
  upstream.end();
  match(decodeUtf8(await rest()), /\[DONE\]/);
});

Deno.test("a stream whose last piece exceeds what is left ends normally", async () => {
  const gateway = start();
  const way = WAYS["Messages by InvokeModel"];
  ok(way !== undefined);
  const { upstream, read, rest } = await gateway.open(way, ...way.begun);
  await read();
  gateway.budgets.correct("small", "", BigInt(LIMIT));
  const all = [...claudeDelta(LONG), ...invokeFrames(CLAUDE_STOP, { type: "message_stop" })];
  upstream.push(new Uint8Array(await new Blob(all).arrayBuffer()));
  upstream.end();
  const text = decodeUtf8(await rest());
  ok(text.includes("message_stop") && !text.includes("event: error"));
});

Deno.test("a budget of money is cut by the price of the target; an unknown price is not", async () => {
  for (const [name, isCut] of [["nova", true], ["new", false]] as const) {
    const gateway = start({ unit: "usd", limit: 100_000_000 });
    const stream = { ...CHAT_STREAM, body: chatBody({ model: name, stream: true, max_tokens: 4000 }) };
    const { upstream, read, rest } = await gateway.open(stream, ...BEGUN);
    await read();
    gateway.budgets.correct("small", "", 100_000_000n);
    upstream.push(delta(LONG), ...converseFrames().slice(1));
    upstream.end();
    equal(decodeUtf8(await rest()).includes("ended by this gateway"), isCut);
  }
});

Deno.test("streams of the model to which a spent budget sends requests are not cut", async () => {
  const gateway = start({ whenSpent: { use: "nova" } });
  const { upstream, read, rest } = await gateway.open(CHAT_STREAM, ...BEGUN);
  await read();
  gateway.budgets.correct("small", "", BigInt(LIMIT));
  upstream.push(delta(LONG), ...converseFrames().slice(1));
  upstream.end();
  match(decodeUtf8(await rest()), /\[DONE\]/);
});
