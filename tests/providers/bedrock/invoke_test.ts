/** InvokeModelWithResponseStream responses: how a stream opens, breaks off, and completes. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeUtf8 } from "../../../lib/base/bytes.ts";
import { AditError } from "../../../lib/base/errors.ts";
import { openInvokeStream } from "../../../lib/providers/bedrock/invoke.ts";
import { ofKind } from "../../fakes/errors.ts";
import { startExchange } from "../../fakes/exchange.ts";
import {
  CLAUDE_STOP,
  corrupt,
  cutEvery,
  errorFrame,
  eventFrame,
  exceptionFrame,
  invokeFrames,
  joined,
} from "../../fakes/frames.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const DELTA = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } };
const CHUNKS = [{ type: "message_start" }, DELTA, CLAUDE_STOP];
const [START, HELLO, STOP] = invokeFrames(...CHUNKS) as [Bytes, Bytes, Bytes];

/** The result of a stream of these chunks: the types of the events, and how it ended. */
async function collect(chunks: readonly Bytes[], end: "end" | "fail" = "end") {
  const { exchange, upstream, timers } = startExchange();
  const body = (await upstream.call(0)).answer(200, { "x-amzn-requestid": "r-1" });
  body.push(...chunks);
  body[end]();
  const types: string[] = [];
  let opened = false;
  let error: AditError | undefined;
  let unknown: readonly string[] = [];
  try {
    const stream = await openInvokeStream(exchange);
    opened = true;
    equal(stream.requestId, "r-1");
    for (let batch = await stream.next(); batch !== undefined; batch = await stream.next()) {
      for (const payload of batch) {
        const { bytes } = JSON.parse(decodeUtf8(payload));
        types.push(JSON.parse(Buffer.from(bytes, "base64").toString()).type);
      }
    }
    unknown = stream.unknownEvents;
  } catch (thrown) {
    if (!(thrown instanceof AditError)) throw thrown;
    error = thrown;
  }
  equal(timers.size, 0, "deadlines are left");
  return { types, opened, error: error?.kind, unknown };
}

const WHOLE = { types: CHUNKS.map(({ type }) => type), opened: true, error: undefined, unknown: [] };

Deno.test("the chunks of a stream are the same however it is cut", async () => {
  const bytes = joined(START, HELLO, STOP);
  for (const size of [1, 2, 7, 50, bytes.length]) deepEqual(await collect(cutEvery(size, bytes)), WHOLE);
});

Deno.test("a stream that ends or breaks before message_stop is truncated, wherever it does", async () => {
  const bytes = joined(START, HELLO, STOP);
  for (let length = START.length; length < bytes.length; length += 5) {
    for (const end of ["end", "fail"] as const) {
      const { opened, error } = await collect([bytes.slice(0, length)], end);
      deepEqual([opened, error], [true, "stream_truncated"]);
    }
  }
});

Deno.test("a connection that breaks after message_stop is not an error", async () => {
  deepEqual(await collect([joined(START, HELLO, STOP)], "fail"), WHOLE);
});

Deno.test("an error ahead of the first chunk is thrown before the stream is open", async () => {
  const errors = [
    [exceptionFrame("throttlingException", "slow down"), "rate_limited"],
    [exceptionFrame("modelStreamErrorException", "oh"), "model_error"],
    [errorFrame("InternalFailure", "oh"), "upstream_error"],
    [corrupt(START), "upstream_protocol"],
  ] as const;
  for (const [frame, kind] of errors) {
    deepEqual(await collect([frame]), { types: [], opened: false, error: kind, unknown: [] });
  }
  deepEqual(await collect([]), { types: [], opened: false, error: "stream_truncated", unknown: [] });
});

Deno.test("an error event of the model before it begins is thrown before the stream is open", async () => {
  const frames = (...events: readonly object[]) => invokeFrames(...events) as Bytes[];
  const overloaded = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  const closed = (error: string) => ({ types: [], opened: false, error, unknown: [] });
  deepEqual(await collect(frames(overloaded)), closed("overloaded"));
  const late = await collect(frames(...CHUNKS.slice(0, 1), overloaded), "end");
  deepEqual([late.opened, late.types], [true, ["message_start", "error"]]);
});

Deno.test("a first chunk that cannot be read is thrown before the stream is open", async () => {
  const payloads = [{}, { bytes: 7 }, { bytes: "bm90IEpTT04=" }, { bytes: "W10=" }];
  for (const payload of payloads) {
    const { opened, error } = await collect([eventFrame("chunk", payload)]);
    deepEqual([opened, error], [false, "upstream_protocol"], JSON.stringify(payload));
  }
});

Deno.test("unknown events are skipped and named, up to sixteen of them", async () => {
  const unknown = Array.from({ length: 40 }, (_, at) => eventFrame(`surprise${at}`, {}));
  const found = await collect([joined(START, HELLO, ...unknown, ...unknown, STOP)]);
  deepEqual(found, { ...WHOLE, unknown: Array.from({ length: 16 }, (_, at) => `surprise${at}`) });
});

Deno.test("an exception after chunks is thrown once they have been delivered", async () => {
  const { exchange, upstream } = startExchange();
  const call = await upstream.call(0);
  call.answer(200).push(joined(START, HELLO, exceptionFrame("serviceUnavailableException", "later")));
  const stream = await openInvokeStream(exchange);
  equal((await stream.next())?.length, 2);
  await rejects(stream.next(), ofKind("overloaded"));
  equal(call.init.signal.aborted, true);
});

Deno.test("an event that is not a chunk is skipped and listed once", async () => {
  const strange = eventFrame("surprise", { a: 1 });
  deepEqual(await collect([START, strange, HELLO, strange, STOP]), { ...WHOLE, unknown: ["surprise"] });
});
