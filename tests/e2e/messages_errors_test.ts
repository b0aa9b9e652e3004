/** Failures as Anthropic's client reports them: the classes of its errors, the provider's messages, and pauses. */

import Anthropic from "@anthropic-ai/sdk";
import assert from "node:assert/strict";
import {
  ALL,
  ask,
  CLAUDE,
  clientOf,
  clientTest,
  messagesConfig,
  type ModelEntry,
  NOVA,
  textOf,
} from "./messages_client.ts";
import { forEachRuntime, type Program, replaceFile, startProgram } from "./program.ts";
import { answerOf, type Ask, begin, statusOf, textOf as bodyOf } from "./requests.ts";

/** A Claude and a Nova with each of the faults. */
function faulty(...faults: readonly string[]): Record<string, ModelEntry> {
  return Object.fromEntries(
    faults.flatMap((fault) => [
      [`claude-${fault}`, { id: `${CLAUDE}.fault-${fault}` }],
      [`nova-${fault}`, { id: `${NOVA}.fault-${fault}` }],
    ]),
  );
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** The error that Anthropic's client throws for a fault, with and without a stream. */
const FAULTS: readonly {
  readonly fault: string;
  readonly error: ErrorClass;
  readonly status: number;
  readonly type: string;
}[] = [
  { fault: "validation", error: Anthropic.BadRequestError, status: 400, type: "invalid_request_error" },
  { fault: "access-denied", error: Anthropic.PermissionDeniedError, status: 403, type: "permission_error" },
  { fault: "not-found", error: Anthropic.NotFoundError, status: 404, type: "not_found_error" },
  { fault: "throttling:7", error: Anthropic.RateLimitError, status: 429, type: "rate_limit_error" },
  { fault: "quota", error: Anthropic.RateLimitError, status: 429, type: "rate_limit_error" },
  { fault: "internal", error: Anthropic.InternalServerError, status: 502, type: "api_error" },
  { fault: "expired-token", error: Anthropic.InternalServerError, status: 502, type: "api_error" },
  { fault: "model-timeout", error: Anthropic.InternalServerError, status: 504, type: "timeout_error" },
  { fault: "unavailable", error: Anthropic.InternalServerError, status: 529, type: "overloaded_error" },
  { fault: "stream-throttling:0", error: Anthropic.RateLimitError, status: 429, type: "rate_limit_error" },
  {
    fault: "stream-unavailable:0",
    error: Anthropic.InternalServerError,
    status: 529,
    type: "overloaded_error",
  },
];

clientTest(
  "every refusal becomes an error of the client's own class, with a type and a request id",
  async (client) => {
    for (const { fault, error: ErrorOfClient, status, type } of FAULTS) {
      for (const family of ["claude", "nova"]) {
        const request = { model: `${family}-${fault}`, max_tokens: 100, messages: ask("Hello") };
        const sends: (() => Promise<Anthropic.Message>)[] = [
          () => client.messages.stream(request).finalMessage(),
        ];
        if (!fault.startsWith("stream-")) sends.push(() => client.messages.create(request));
        for (const send of sends) {
          await assert.rejects(send, (error) => {
            assert.ok(error instanceof ErrorOfClient, `${request.model}: ${error}`);
            assert.ok(error instanceof Anthropic.APIError);
            assert.deepEqual([error.status, error.type], [status, type]);
            assert.match(error.requestID ?? "", /^req_/);
            if (fault === "throttling:7") assert.equal(error.headers?.get("retry-after"), "7");
            return true;
          });
        }
      }
    }
  },
  { models: faulty(...FAULTS.map(({ fault }) => fault)) },
);

const BREAKS = [
  "stream-model-error:5",
  "stream-throttling:5",
  "cut:5",
  "end:5",
  "bad-crc:5",
  "reset:5",
  "no-stop",
];

clientTest(
  "a stream that breaks off is an error after its text, never a message",
  async (client, program) => {
    for (const fault of BREAKS) {
      for (const family of ["claude", "nova"]) {
        const before = program.logs.length;
        const model = `${family}-${fault}`;
        const stream = client.messages.stream({ model, max_tokens: 100, messages: ask("Hello") });
        let text = "";
        stream.on("text", (delta) => text += delta);
        await assert.rejects(stream.finalMessage(), (error) => {
          assert.ok(error instanceof Anthropic.APIError, `${model}: ${error}`);
          assert.match(error.type ?? "", /^(api|rate_limit)_error$/);
          assert.match(error.message, /"request_id":"req_/);
          return true;
        });
        assert.match(text, /^You/, model);
        const line = await program.waitForLog(({ message }) => message === "request", before);
        assert.equal(typeof line["error"], "string", model);
      }
    }
  },
  { models: faulty(...BREAKS) },
);

clientTest(
  "a prompt that is too long is refused with the provider's message, which clients look for",
  async (client) => {
    const messages = ask("a ".repeat(200_001));
    for (const model of ["claude", "claude-converse"]) {
      await assert.rejects(
        client.messages.create({ model, max_tokens: 100, messages }),
        (error) =>
          error instanceof Anthropic.BadRequestError &&
          /prompt is too long: \d+ tokens > 200000 maximum/.test(error.message),
      );
    }
    const long = await client.beta.messages.create({
      model: "claude",
      max_tokens: 100,
      messages: [{ role: "user", content: "a ".repeat(200_001) }],
      betas: ["context-1m-2025-08-07"],
    });
    assert.ok(long.usage.input_tokens > 200_000);
  },
);

clientTest("an invalid request is refused with the path of the problem", async (client) => {
  const hello = ask("Hello");
  const image = { type: "image", source: { type: "url", url: "https://example.com/a.png" } } as const;
  for (const model of ALL) {
    await assert.rejects(
      client.messages.create({ model, max_tokens: 100, messages: [] }),
      Anthropic.BadRequestError,
    );
    await assert.rejects(
      client.messages.create({ model, max_tokens: 100, messages: ask([image]) }),
      (error) =>
        error instanceof Anthropic.BadRequestError &&
        /messages\.0\.content\.0[.\w]*source/.test(error.message),
    );
  }
  await assert.rejects(
    client.messages.create({ model: "opus", max_tokens: 100, messages: hello }),
    (error) => error instanceof Anthropic.NotFoundError && /the model \\"opus\\"/.test(error.message),
  );
  const search = { type: "web_search_20250305", name: "web_search" } as const;
  await assert.rejects(
    client.messages.create({
      model: "nova",
      max_tokens: 100,
      messages: hello,
      tools: [search],
      tool_choice: { type: "tool", name: "web_search" },
    }),
    (error) =>
      error instanceof Anthropic.BadRequestError &&
      /tools\.0\.type: Bedrock does not have this tool/.test(error.message),
  );
});

function streamOf(model: string): Ask {
  return {
    line: "POST /v1/messages?beta=true",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 100, stream: true, messages: ask("Hello") }),
  };
}

/** The log line of the only request of a program. */
function requestLine(program: Program) {
  return program.waitForLog(({ message }) => message === "request");
}

const PING = 'event: ping\ndata: {"type":"ping"}\n\n';

for (const family of ["claude", "nova"]) {
  clientTest(
    `while ${family} is silent in the middle its client has all that came, and gets ping events for as long as it stays`,
    async (_client, program) => {
      await using client = await begin(program.url, streamOf(`${family}-stall:4`));
      assert.ok(await client.seen('"text":"You"'));
      assert.ok(await client.seen('"text":" said"'));
      for (let count = 0; count < 3; count++) assert.ok(await client.through(PING) !== undefined);
      await client.close();
      assert.equal((await requestLine(program))["error"], "client_gone");
    },
    { models: faulty("stall:4"), extra: "timeouts: { keepalive: 50ms }" },
  );

  clientTest(
    `a silence of ${family} that is too long is an error event`,
    async (_client, program) => {
      await using client = await begin(program.url, streamOf(`${family}-stall`));
      const answer = await answerOf(client);
      assert.equal(statusOf(answer), 200);
      assert.match(
        bodyOf(answer),
        /\nevent: error\ndata: \{"type":"error","error":\{"type":"timeout_error"[^\n]*\n\n$/,
      );
      assert.equal((await requestLine(program))["error"], "timeout");
    },
    { models: faulty("stall"), extra: "timeouts: { idle: 3s, keepalive: 50ms }" },
  );
}

clientTest(
  "prompts and responses are never logged, whatever the outcome of the request",
  async (client, program) => {
    const secret = "Confidential-7f3a";
    for (
      const model of [...ALL, "claude-cut:5", "nova-cut:5", "claude-validation", "nova-validation", "opus"]
    ) {
      const request = {
        model,
        max_tokens: 100,
        system: `${secret} system`,
        messages: ask(`reply with: ${secret} text`),
        metadata: { user_id: secret },
      };
      const answers = await Promise.allSettled([
        client.messages.create(request),
        client.messages.stream(request).finalMessage(),
        client.messages.countTokens({ model, messages: request.messages }),
        client.messages.create({ ...request, messages: ask([]) }),
      ]);
      const [first] = answers;
      if (first.status === "fulfilled") assert.equal(textOf(first.value), `${secret} text`);
    }
    await program.stop();
    assert.ok(program.logs.filter(({ message }) => message === "request").length >= 32);
    assert.equal(JSON.stringify(program.logs).includes("Confidential"), false);
    assert.equal(program.stderr, "");
  },
  { models: faulty("cut:5", "validation") },
);

const FLAG = "files-api-2025-04-14";

forEachRuntime(
  "messages: a file of beta flags overrides the built-in table, and is reloaded",
  async (runtime) => {
    const table = await Deno.makeTempFile({ suffix: ".yaml" });
    try {
      await Deno.writeTextFile(table, "{}");
      await using program = await startProgram(runtime, messagesConfig({}, `data: { beta_flags: ${table} }`));
      const client = clientOf(program);
      const send = () =>
        client.beta.messages.create({
          model: "claude",
          max_tokens: 10,
          betas: [FLAG, "context-1m-2025-08-07"],
          messages: [{ role: "user", content: "Hello" }],
        }).withResponse();
      const { response } = await send();
      assert.equal(response.headers.get("x-adit-ignored"), `anthropic-beta[${FLAG}]`);
      const line = await program.waitForLog(({ message }) => message === "request");
      assert.deepEqual(line["ignored"], [`anthropic-beta[${FLAG}]`]);

      await replaceFile(table, `pass: [${FLAG}]`);
      await program.waitForLog(({ message }) => message === "configuration reloaded");
      // Bedrock does not know it after all.
      await assert.rejects(
        send(),
        (error) => error instanceof Anthropic.BadRequestError && /invalid beta flag/.test(error.message),
      );
    } finally {
      await Deno.remove(table);
    }
  },
);
