/** Responses that are read whole: their JSON, and the errors for other statuses. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { type AditError, ERRORS } from "../../../lib/base/errors.ts";
import { readJsonAnswer } from "../../../lib/providers/bedrock/answer.ts";
import { ofKind } from "../../fakes/errors.ts";
import { startExchange } from "../../fakes/exchange.ts";

Deno.test("a refusal whose body is endless or breaks off is classified by its status", async () => {
  for (const end of ["end", "fail"] as const) {
    const { exchange, upstream, timers } = startExchange();
    const body = (await upstream.call(0)).answer(503);
    const pieces = end === "end" ? 1_000 : 1;
    body.push(...Array.from({ length: pieces }, () => encodeUtf8(" ".repeat(1_000))));
    body[end]();
    await rejects(readJsonAnswer(exchange), ofKind("overloaded"));
    equal(timers.size, 0);
    equal(body.pulls < 80, true);
  }
});

Deno.test("a whole response is returned as JSON, with its id", async () => {
  const { exchange, upstream, timers } = startExchange();
  (await upstream.call(0)).answerWhole(200, '{"stopReason":"end_turn"}', { "x-amzn-requestid": "r-9" });
  deepEqual(await readJsonAnswer(exchange), {
    value: { stopReason: "end_turn" },
    requestId: "r-9",
    headerUsage: undefined,
  });
  equal(timers.size, 0);
});

Deno.test("a whole response that is not JSON is an error that does not quote it", async () => {
  const { exchange, upstream } = startExchange();
  (await upstream.call(0)).answerWhole(200, '{"text":"Confidential');
  await rejects(readJsonAnswer(exchange), (error: AditError) => {
    equal(error.message, ERRORS.upstream_protocol.text);
    equal(Deno.inspect(error).includes("Confidential"), false);
    return ofKind("upstream_protocol")(error);
  });
});

Deno.test("a whole response that breaks off is stream_truncated", async () => {
  const { exchange, upstream } = startExchange();
  const body = (await upstream.call(0)).answer(200);
  body.push(encodeUtf8('{"stopReason":'));
  body.fail();
  await rejects(readJsonAnswer(exchange), ofKind("stream_truncated"));
});
