/** ConverseStream responses: how a stream opens, breaks off, and completes. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { EMPTY, encodeUtf8 } from "../../../lib/base/bytes.ts";
import { AditError, type ErrorKind } from "../../../lib/base/errors.ts";
import { encodeFrame } from "../../../lib/codec/eventstream.ts";
import { openConverseStream } from "../../../lib/providers/bedrock/converse.ts";
import type { ConverseEvent } from "../../../lib/wire/bedrock/converse_stream.ts";
import { ofKind } from "../../fakes/errors.ts";
import { startExchange } from "../../fakes/exchange.ts";
import {
  converseFrames,
  corrupt,
  cutEvery,
  errorFrame,
  eventFrame,
  exceptionFrame,
  joined,
} from "../../fakes/frames.ts";
import { TIMEOUTS } from "../../fakes/snapshot.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type End = "end" | "fail";

const TEXTS = ["Hello", ", ", "world"];
const [START, HELLO, , , BLOCK_STOP, STOP, METADATA] = converseFrames(...TEXTS) as [
  Bytes,
  Bytes,
  Bytes,
  Bytes,
  Bytes,
  Bytes,
  Bytes,
];
const WHOLE = joined(...converseFrames(...TEXTS));

/** An exchange whose response has these chunks and this end. */
async function answered(chunks: readonly Bytes[], end: End = "end") {
  const started = startExchange();
  const call = await started.upstream.call(0);
  const body = call.answer(200, { "x-amzn-requestid": "r-1" });
  body.push(...chunks);
  body[end]();
  return { ...started, body, signal: call.init.signal };
}

interface Outcome {
  readonly texts: string;
  readonly types: readonly string[];
  readonly opened: boolean;
  readonly error: AditError | undefined;
}

/** The result of a stream of these chunks. */
async function collect(chunks: readonly Bytes[], end: End = "end"): Promise<Outcome> {
  const { exchange, timers } = await answered(chunks, end);
  const events: ConverseEvent[] = [];
  let opened = false;
  let error: AditError | undefined;
  try {
    const stream = await openConverseStream(exchange);
    opened = true;
    for (let batch = await stream.next(); batch !== undefined; batch = await stream.next()) {
      events.push(...batch);
    }
  } catch (thrown) {
    if (!(thrown instanceof AditError)) throw thrown;
    error = thrown;
  }
  equal(timers.size, 0, "deadlines are left");
  const texts = events.map((event) =>
    event.type === "contentBlockDelta" && event.delta.type === "text" ? event.delta.text : ""
  ).join("");
  return { texts, types: events.map((event) => event.type), opened, error };
}

Deno.test("the events of a stream are the same however it is cut", async () => {
  const whole = await collect([WHOLE]);
  equal(whole.texts, "Hello, world");
  equal(whole.error, undefined);
  for (const size of [1, 2, 7, 64, 100, WHOLE.length]) {
    deepEqual(await collect(cutEvery(size, WHOLE)), whole, `pieces of ${size} bytes`);
  }
  for (let cut = 1; cut < WHOLE.length; cut++) {
    const { texts, error } = await collect([WHOLE.slice(0, cut), WHOLE.slice(cut)]);
    deepEqual([texts, error], ["Hello, world", undefined], `cut at ${cut}`);
  }
});

Deno.test("the events of one chunk are one batch", async () => {
  const { exchange } = await answered([joined(START, HELLO), joined(BLOCK_STOP, STOP)]);
  const stream = await openConverseStream(exchange);
  equal(stream.requestId, "r-1");
  const batches = [await stream.next(), await stream.next(), await stream.next()];
  deepEqual(batches.map((batch) => batch?.length), [2, 2, undefined]);
});

/** The outcome of a stream of these chunks: an error before it is open, one in the middle, or none. */
const STREAMS: readonly {
  readonly name: string;
  readonly chunks: readonly Bytes[];
  readonly end?: End;
  readonly error?: ErrorKind;
  readonly opened?: boolean;
  readonly texts?: string;
}[] = [
  {
    name: "an exception as the first frame",
    chunks: [exceptionFrame("throttlingException", "slow down")],
    error: "rate_limited",
    opened: false,
  },
  {
    name: "an exception as the first frame, with others after it",
    chunks: [joined(exceptionFrame("validationException", "no"), START)],
    error: "invalid_request",
    opened: false,
  },
  {
    name: "an error as the first frame",
    chunks: [errorFrame("InternalFailure", "oh no")],
    error: "upstream_error",
    opened: false,
  },
  {
    name: "an exception after good events in one chunk",
    chunks: [joined(START, HELLO, exceptionFrame("modelStreamErrorException", "broke"))],
    error: "model_error",
    texts: "Hello",
  },
  {
    name: "an exception in a chunk of its own",
    chunks: [START, HELLO, exceptionFrame("internalServerException", "broke")],
    error: "upstream_error",
    texts: "Hello",
  },
  {
    name: "an exception after messageStop",
    chunks: [START, STOP, exceptionFrame("internalServerException", "broke")],
    error: "upstream_error",
  },
  {
    name: "an error in mid-stream",
    chunks: [START, errorFrame("ThrottlingException", "")],
    error: "rate_limited",
  },
  {
    name: "a bad checksum after good events in one chunk",
    chunks: [joined(START, HELLO, corrupt(HELLO)), STOP],
    error: "upstream_protocol",
    texts: "Hello",
  },
  {
    name: "a bad checksum at the end",
    chunks: [joined(START, corrupt(HELLO))],
    error: "upstream_protocol",
  },
  { name: "HTML", chunks: [encodeUtf8("<html>hello</html>")], error: "upstream_protocol", opened: false },
  { name: "nothing", chunks: [], error: "stream_truncated", opened: false },
  {
    name: "a lost connection before the first frame",
    chunks: [],
    end: "fail",
    error: "stream_truncated",
    opened: false,
  },
  {
    name: "an end inside the first frame",
    chunks: [START.slice(0, 20)],
    error: "stream_truncated",
    opened: false,
  },
  { name: "an end inside a frame", chunks: [START, HELLO.slice(0, -1)], error: "stream_truncated" },
  { name: "a silent end", chunks: [START, HELLO], error: "stream_truncated", texts: "Hello" },
  {
    name: "a silent end before messageStop",
    chunks: [START, HELLO, BLOCK_STOP],
    error: "stream_truncated",
    texts: "Hello",
  },
  {
    name: "a lost connection",
    chunks: [START, HELLO],
    end: "fail",
    error: "stream_truncated",
    texts: "Hello",
  },
  { name: "an end without metadata", chunks: [START, HELLO, STOP], texts: "Hello" },
  { name: "a lost connection behind messageStop", chunks: [START, HELLO, STOP], end: "fail", texts: "Hello" },
  { name: "an end inside metadata", chunks: [START, HELLO, STOP, METADATA.slice(0, 30)], texts: "Hello" },
  {
    name: "a frame without :message-type",
    chunks: [
      START,
      encodeFrame(
        { ":event-type": "contentBlockDelta" },
        encodeUtf8('{"contentBlockIndex":0,"delta":{"text":"x"}}'),
      ),
      STOP,
    ],
    texts: "x",
  },
  {
    name: "an event of a type that is new",
    chunks: [eventFrame("futureEvent", { text: "y" }), START, HELLO, eventFrame("constructor", {}), STOP],
    texts: "Hello",
  },
  {
    name: "a frame without any header",
    chunks: [START, encodeFrame({}, EMPTY), HELLO, STOP],
    texts: "Hello",
  },
  {
    name: "a payload that is not JSON",
    chunks: [START, encodeFrame({ ":event-type": "contentBlockDelta" }, encodeUtf8("{")), STOP],
    error: "upstream_protocol",
  },
];

for (const { name, chunks, end = "end", error, opened = true, texts = "" } of STREAMS) {
  Deno.test(`${name}: ${error ?? "good"}, ${opened ? "once the stream is open" : "before the stream is open"}`, async () => {
    const outcome = await collect(chunks, end);
    equal(outcome.error?.kind, error);
    equal(outcome.opened, opened);
    equal(outcome.texts, texts);
  });
}

Deno.test("an exception in the stream ends the exchange, and every read throws it", async () => {
  const { exchange, signal } = await answered([START, exceptionFrame("throttlingException", "slow down")]);
  const stream = await openConverseStream(exchange);
  await stream.next();
  await rejects(stream.next(), ofKind("rate_limited"));
  await rejects(stream.next(), ofKind("rate_limited"));
  equal(signal.aborted, true);
});

Deno.test("usage that is missing does not spoil a complete response", async () => {
  const { exchange, upstream, advance } = startExchange();
  (await upstream.call(0)).answer(200).push(START, STOP);
  const stream = await openConverseStream(exchange);
  await stream.next();
  await stream.next();
  const last = stream.next();
  advance(TIMEOUTS.idleMs + 100);
  equal(await last, undefined);
});

Deno.test("a stream that is ended externally throws the reason, also after messageStop", async () => {
  for (const frames of [[START], [joined(START, STOP)]]) {
    const { exchange, upstream } = startExchange();
    (await upstream.call(0)).answer(200).push(...frames);
    const stream = await openConverseStream(exchange);
    await stream.next();
    const next = stream.next();
    exchange.end(new AditError("draining"));
    await rejects(next, ofKind("draining"));
  }
});

Deno.test("a refusal becomes the corresponding error, and releases the connection", async () => {
  const { exchange, upstream, timers } = startExchange();
  const body = (await upstream.call(0)).answer(429, {
    "x-amzn-errortype": "ThrottlingException",
    "retry-after": "3",
  });
  body.push(encodeUtf8('{"message":"Too many tokens"}'));
  body.end();
  await rejects(openConverseStream(exchange), (error: AditError) => {
    equal(error.message, "Too many tokens");
    equal(error.details.retryAfter, "3");
    return ofKind("rate_limited")(error);
  });
  equal(timers.size, 0);
});
