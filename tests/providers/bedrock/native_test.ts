/** Native responses: the same bytes, and an error wherever they break off. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { concat, decodeUtf8, encodeUtf8 } from "../../../lib/base/bytes.ts";
import { AditError, type ErrorKind } from "../../../lib/base/errors.ts";
import type { Usage } from "../../../lib/base/usage.ts";
import { NativeStream, readNative } from "../../../lib/providers/bedrock/native.ts";
import type { Operation } from "../../../lib/providers/bedrock/operations.ts";
import { ofKind } from "../../fakes/errors.ts";
import { startExchange } from "../../fakes/exchange.ts";
import { TIMEOUTS } from "../../fakes/snapshot.ts";
import {
  CLAUDE_STOP,
  converseFrames,
  corrupt,
  cutEvery,
  errorFrame,
  exceptionFrame,
  invokeFrames,
  joined,
  USAGE,
} from "../../fakes/frames.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const CONVERSE = converseFrames("Hello", "world");
const INVOKE = invokeFrames({ type: "message_start" }, { type: "content_block_delta" }, CLAUDE_STOP);
const COUNTED: Usage = { inputTokens: 7, outputTokens: 3, cacheReadTokens: 2, cacheWriteTokens: 0 };

async function answered(chunks: readonly Bytes[], end: "end" | "fail" | undefined = "end") {
  const started = startExchange();
  const call = await started.upstream.call(0);
  const body = call.answer(200, { "x-amzn-requestid": "r-1" });
  body.push(...chunks);
  if (end !== undefined) body[end]();
  return { ...started, body, head: await started.exchange.head(), signal: call.init.signal };
}

interface Relayed {
  readonly bytes: Bytes;
  readonly pieces: number;
  readonly usage: Usage | undefined;
  readonly exception: ErrorKind | undefined;
  readonly error: ErrorKind | undefined;
}

async function relay(
  chunks: readonly Bytes[],
  operation: Operation,
  end: "end" | "fail" = "end",
): Promise<Relayed> {
  const { exchange, head, timers } = await answered(chunks, end);
  const stream = new NativeStream(exchange, { head, operation, hold: undefined });
  const pieces: Bytes[] = [];
  let error: ErrorKind | undefined;
  try {
    for (let piece = await stream.next(); piece !== undefined; piece = await stream.next()) {
      pieces.push(piece);
    }
  } catch (thrown) {
    if (!(thrown instanceof AditError)) throw thrown;
    error = thrown.kind;
  }
  equal(timers.size, 0, "deadlines are left");
  const { usage, exception } = stream;
  return { bytes: concat(pieces), pieces: pieces.length, usage, exception: exception?.kind, error };
}

for (const [operation, frames] of [["converseStream", CONVERSE], ["invokeStream", INVOKE]] as const) {
  const whole = joined(...frames);

  Deno.test(`the bytes of ${operation} are the same wherever they are cut, and usage is read from them`, async () => {
    const expected = { bytes: whole, usage: COUNTED, exception: undefined, error: undefined };
    for (let cut = 1; cut < whole.length; cut++) {
      const { pieces: _, ...relayed } = await relay([whole.slice(0, cut), whole.slice(cut)], operation);
      deepEqual(relayed, expected, `cut at ${cut}`);
    }
    for (const size of [1, 3, 100]) {
      const { pieces: _, ...relayed } = await relay(cutEvery(size, whole), operation);
      deepEqual(relayed, expected, `pieces of ${size} bytes`);
    }
  });

  // Events after the messageStop of a Converse stream are not needed for completeness.
  const lastStart = joined(...frames.slice(0, -1)).length;
  const needed = operation === "converseStream" ? lastStart : whole.length;

  Deno.test(`${operation} cut off anywhere passes on whole frames only, and ends with an error if it was not complete`, async () => {
    const starts = frames.map((_, index) => joined(...frames.slice(0, index)).length);
    for (let length = 0; length < whole.length; length++) {
      for (const end of ["end", "fail"] as const) {
        const { bytes, error } = await relay([whole.slice(0, length)], operation, end);
        const complete = Math.max(...starts.filter((start) => start <= length));
        equal(bytes.length, complete, `${end} after ${length} bytes`);
        equal(error, length >= needed ? undefined : "stream_truncated", `${end} after ${length} bytes`);
      }
    }
  });

  Deno.test(`${operation} ends normally when the upstream is lost or stalls after a complete response`, async () => {
    const complete = whole.slice(0, needed);
    const lost = await relay([complete], operation, "fail");
    deepEqual([lost.bytes, lost.error], [complete, undefined]);
    const { exchange, head, advance } = await answered([complete], undefined);
    const stream = new NativeStream(exchange, { head, operation, hold: undefined });
    deepEqual(await stream.next(), complete);
    const end = stream.next();
    advance(TIMEOUTS.idleMs + 100);
    equal(await end, undefined);
  });
}

Deno.test("a stream lost after Bedrock's own exception gets no second one", async () => {
  const bytes = joined(...CONVERSE.slice(0, 1), exceptionFrame("throttlingException", "slow down"));
  const relayed = await relay([bytes], "converseStream", "fail");
  deepEqual([relayed.bytes, relayed.error, relayed.exception], [bytes, undefined, "rate_limited"]);
});

Deno.test("frames in one chunk are passed on in one piece", async () => {
  const { pieces } = await relay([joined(...CONVERSE)], "converseStream");
  equal(pieces, 1);
});

Deno.test("a chunk of whole frames is passed on without a copy", async () => {
  const chunk = joined(...CONVERSE);
  const { exchange, head } = await answered([chunk]);
  const piece = await new NativeStream(exchange, { head, operation: "converseStream", hold: undefined })
    .next();
  equal(piece?.buffer, chunk.buffer);
});

Deno.test("Bedrock's own exceptions and errors are passed on, and complete the stream", async () => {
  const endings: readonly (readonly [frame: Bytes, kind: ErrorKind])[] = [
    [exceptionFrame("throttlingException", "slow down"), "rate_limited"],
    [errorFrame("InternalFailure", "oh no"), "upstream_error"],
  ];
  for (const [frame, kind] of endings) {
    for (const [operation, frames] of [["converseStream", CONVERSE], ["invokeStream", INVOKE]] as const) {
      const bytes = joined(...frames.slice(0, 1), frame);
      const relayed = await relay([bytes], operation);
      deepEqual(relayed.bytes, bytes);
      deepEqual([relayed.error, relayed.exception], [undefined, kind]);
    }
  }
});

Deno.test("the message of an exception that was passed on is kept for the log", async () => {
  const { exchange, head } = await answered([exceptionFrame("throttlingException", "slow down")]);
  const stream = new NativeStream(exchange, { head, operation: "converseStream", hold: undefined });
  await stream.next();
  deepEqual(stream.exception?.details.upstream, {
    type: "ThrottlingException",
    message: "slow down",
    requestId: "r-1",
  });
});

Deno.test("bytes that are not frames end the stream and the exchange", async () => {
  const { exchange, head, signal } = await answered([encodeUtf8("<html>no event stream at all</html>")]);
  await rejects(
    new NativeStream(exchange, { head, operation: "converseStream", hold: undefined }).next(),
    ofKind("upstream_protocol"),
  );
  equal(signal.aborted, true);
});

Deno.test("a frame with a wrong checksum is an error, and is not forwarded, whatever surrounds it", async () => {
  const [start, ...rest] = CONVERSE as [Bytes, ...Bytes[]];
  const [next = start, ...others] = rest;
  for (const damaged of [corrupt(next), joined(corrupt(next), ...others)]) {
    for (const chunks of [[start, damaged], [joined(start, damaged)], cutEvery(7, joined(start, damaged))]) {
      const { bytes, error } = await relay(chunks, "converseStream");
      equal(error, "upstream_protocol");
      deepEqual(bytes, start);
    }
  }
});

Deno.test("a whole response is passed on unchanged, with the counts that can be read from it", async () => {
  const converse = encodeUtf8(JSON.stringify({ output: {}, usage: USAGE }));
  const cases: readonly (readonly [Operation, Bytes, Record<string, string>, Usage | undefined])[] = [
    ["converse", converse, {}, COUNTED],
    ["converse", new Uint8Array(gzipSync(converse)), { "content-encoding": "gzip" }, undefined],
    ["invoke", Uint8Array.of(0, 255, 254), { "x-amzn-bedrock-input-token-count": "7" }, {
      inputTokens: 7,
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
    }],
    ["invoke", encodeUtf8('{"prompt_token_count":7}'), {}, {
      ...COUNTED,
      outputTokens: 0,
      cacheReadTokens: 0,
    }],
    ["invoke", encodeUtf8('{"prompt_token_count":7}'), { "content-encoding": "gzip" }, undefined],
  ];
  for (const [operation, body, headers, usage] of cases) {
    const { exchange, upstream, timers } = startExchange();
    (await upstream.call(0)).answerWhole(200, body, headers);
    const answer = await readNative(exchange, operation);
    deepEqual(answer.body, body);
    deepEqual(answer.usage, usage);
    equal(answer.error, undefined);
    equal(timers.size, 0);
  }
});

Deno.test("a refusal keeps its status and its bytes, and is classified for the log", async () => {
  const { exchange, upstream } = startExchange();
  const text = '{"message":"The provided model identifier is invalid."}';
  (await upstream.call(0)).answerWhole(400, text, { "x-amzn-errortype": "ValidationException:http://x/" });
  const { head, body, error } = await readNative(exchange, "converseStream");
  equal(head.status, 400);
  equal(decodeUtf8(body), text);
  equal(error?.kind, "invalid_request");
});

Deno.test("a response that breaks off is an error, not a part of a response", async () => {
  for (const status of [200, 400]) {
    const { exchange, upstream } = startExchange();
    const body = (await upstream.call(0)).answer(status);
    body.push(encodeUtf8('{"output":'));
    body.fail();
    await rejects(readNative(exchange, "converse"), ofKind("stream_truncated"));
  }
});
