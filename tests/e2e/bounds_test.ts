/** Requests that are refused: too large, too deep, too long, too many at once, or without a valid key. */

import assert from "node:assert/strict";
import type { HttpMessage } from "../fakes/http_reader.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { stall, startFakeUpstream } from "../fakes/upstream.ts";
import { endpointConfig, keyHash } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";
import { answerOf, type Ask, ask, begin, jsonOf, statusOf } from "./requests.ts";

type Dialect = "anthropic" | "bedrock" | "openai";

/** The route of each dialect. */
const LINES: Readonly<Record<Dialect, string>> = {
  openai: "POST /v1/chat/completions",
  anthropic: "POST /v1/messages",
  bedrock: "POST /model/claude/converse",
};
const DIALECTS = Object.keys(LINES) as Dialect[];

/** A request for the model that is fine, whatever its dialect. */
function fineBody(dialect: Dialect, model = "claude"): string {
  const text = "Hello";
  switch (dialect) {
    case "openai":
    case "anthropic":
      return JSON.stringify({ model, max_tokens: 5, messages: [{ role: "user", content: text }] });
    case "bedrock":
      return JSON.stringify({ messages: [{ role: "user", content: [{ text }] }] });
  }
}

/** The message of an error, which must have the form of its dialect. */
function messageIn(answer: HttpMessage, dialect: Dialect): string {
  const body = jsonOf(answer);
  const requestId = answer.headers.get("x-request-id");
  assert.match(requestId ?? "", /^req_/);
  switch (dialect) {
    case "openai":
      assert.deepEqual(Object.keys(body), ["error"]);
      assert.deepEqual(Object.keys(body.error), ["message", "type", "param", "code"]);
      return body.error.message;
    case "anthropic":
      assert.deepEqual([body.type, body.request_id], ["error", requestId]);
      assert.deepEqual(Object.keys(body.error), ["type", "message"]);
      return body.error.message;
    case "bedrock":
      assert.deepEqual(Object.keys(body), ["message"]);
      assert.match(answer.headers.get("x-amzn-errortype") ?? "", /Exception$/);
      assert.equal(answer.headers.get("x-adit-error"), "true");
      return body.message;
  }
}

const BOUNDS = "limits: { body: 2KiB, headers: 1KiB, json_depth: 8 }\n";

forEachRuntime(
  "limits on bodies, headers and JSON are answered in the dialect of the route",
  async (runtime, t) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(runtime, endpointConfig(upstream.url, BOUNDS));
    const tooMuch = " ".repeat(3 * 1024);
    const expectRefusal = async (dialect: Dialect, request: Ask, expected: readonly [number, RegExp]) => {
      const answer = await ask(program.url, request);
      assert.equal(statusOf(answer), expected[0]);
      assert.match(messageIn(answer, dialect), expected[1]);
    };
    for (const dialect of DIALECTS) {
      const line = LINES[dialect];
      await t.step(
        `${dialect}: a body that is announced too large`,
        () => expectRefusal(dialect, { line, body: tooMuch }, [413, /limit of 2048 bytes/]),
      );
      await t.step(`${dialect}: a body that becomes too large`, async () => {
        await using client = await begin(program.url, { line, headers: { "Transfer-Encoding": "chunked" } });
        client.send(`${tooMuch.length.toString(16)}\r\n${tooMuch}\r\n`);
        const answer = await answerOf(client);
        assert.equal(statusOf(answer), 413);
        assert.match(messageIn(answer, dialect), /limit of 2048 bytes/);
      });
      await t.step(`${dialect}: headers that are too large`, () => {
        const headers = { "X-Large": "x".repeat(1024) };
        return expectRefusal(dialect, { line, headers, body: fineBody(dialect) }, [
          431,
          /limit of 1024 bytes/,
        ]);
      });
      // The body of a native request is Bedrock's to judge.
      if (dialect === "bedrock") {
        continue;
      }
      await t.step(`${dialect}: JSON that is nested too deeply`, () => {
        const body = fineBody(dialect).replace('"Hello"', "[".repeat(8) + "]".repeat(8));
        return expectRefusal(dialect, { line, body }, [400, /more than 8 levels/]);
      });
      await t.step(`${dialect}: invalid JSON, with its position`, () => {
        const body = '{\n  "model": "claude",\n  "messages": [},\n}';
        return expectRefusal(dialect, { line, body }, [400, /line 3, column 16/]);
      });
      await t.step(
        `${dialect}: JSON that is no object`,
        () => expectRefusal(dialect, { line, body: "[1]" }, [400, /must be a JSON object, found an array/]),
      );
      await t.step(`${dialect}: nothing`, () => expectRefusal(dialect, { line }, [400, /empty/]));
    }
    assert.equal(upstream.requests.length, 0);
  },
);

forEachRuntime("one request more than limits.concurrent is a 503 with retry-after", async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(
    runtime,
    endpointConfig(upstream.url, "limits: { concurrent: 2 }"),
  );
  upstream.always(stall);
  const fine: Ask = { line: LINES.openai, body: fineBody("openai") };
  await using first = await begin(program.url, fine);
  await using second = await begin(program.url, fine);
  await upstream.requestAt(1);
  for (const dialect of DIALECTS) {
    const answer = await ask(program.url, { line: LINES[dialect], body: fineBody(dialect) });
    assert.equal(statusOf(answer), dialect === "anthropic" ? 529 : 503);
    assert.match(messageIn(answer, dialect), /at its concurrency limit/);
    assert.equal(answer.headers.get("retry-after"), "1");
  }
  // Room again, as soon as one has gone.
  await second.close();
  await program.waitForLog(({ error }) => error === "client_gone");
  await using third = await begin(program.url, fine);
  await upstream.requestAt(2);
  await Promise.all([first.close(), third.close()]);
});

forEachRuntime("a body that does not arrive within timeouts.idle is a 408", async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(
    runtime,
    endpointConfig(upstream.url, "timeouts: { idle: 200ms }"),
  );
  for (const dialect of DIALECTS) {
    await using client = await begin(program.url, {
      line: LINES[dialect],
      headers: { "Content-Length": "9" },
      body: "{",
    });
    const answer = await answerOf(client);
    assert.equal(statusOf(answer), 408);
    assert.match(messageIn(answer, dialect), /timed out reading the request body/);
  }
});

const CALLERS = `callers:
  expired: { key: "${keyHash("expired-key")}", models: ["*"], expires: 2020-01-01 }
  disabled: { key: "${keyHash("disabled-key")}", models: ["*"], disabled: true }
  narrow: { key: "${keyHash("narrow-key")}", models: [nova] }
  demo:`;

forEachRuntime(
  "missing, wrong, expired and disabled keys are distinguished",
  async (runtime, t) => {
    await using upstream = await startFakeUpstream();
    const config = endpointConfig(upstream.url).replace("callers:\n  demo:", CALLERS);
    await using program = await startProgram(runtime, config);
    const cases: readonly (readonly [headers: Record<string, string>, message: RegExp])[] = [
      [{}, /missing API key/],
      [{ Authorization: "Bearer wrong" }, /invalid API key/],
      [{ "x-api-key": "wrong" }, /invalid API key/],
      [{ Authorization: "Bearer expired-key" }, /has expired/],
      [{ Authorization: "Bearer disabled-key" }, /is disabled/],
    ];
    for (const dialect of DIALECTS) {
      for (const [headers, message] of cases) {
        await t.step(`${dialect}: ${JSON.stringify(headers)}`, async () => {
          await using client = await connectRaw(program.url);
          client.send(requestText(LINES[dialect], headers, fineBody(dialect)));
          const answer = await answerOf(client);
          // AWS has no 401, and its SDKs expect what AWS answers.
          assert.equal(statusOf(answer), dialect === "bedrock" ? 403 : 401);
          assert.match(messageIn(answer, dialect), message);
        });
      }
    }
    assert.equal(upstream.requests.length, 0);
  },
);

forEachRuntime("a model of other callers and one that does not exist look the same", async (runtime) => {
  await using upstream = await startFakeUpstream();
  const config = endpointConfig(upstream.url).replace("callers:\n  demo:", CALLERS);
  await using program = await startProgram(runtime, config);
  for (const dialect of DIALECTS) {
    const [others, missing] = await Promise.all(["claude", "nobody"].map(async (model) => {
      await using client = await connectRaw(program.url);
      const line = LINES[dialect].replace("claude", model);
      client.send(requestText(line, { Authorization: "Bearer narrow-key" }, fineBody(dialect, model)));
      const answer = await answerOf(client);
      const message = messageIn(answer, dialect).replace(model, "MODEL");
      return { status: statusOf(answer), type: answer.headers.get("x-amzn-errortype"), message };
    }));
    assert.deepEqual(others, missing);
    assert.equal(others?.status, dialect === "bedrock" ? 403 : 404);
    assert.match(others?.message ?? "", /"MODEL" does not exist or this key is not allowed to use it/);
  }
  assert.equal(upstream.requests.length, 0);
});
