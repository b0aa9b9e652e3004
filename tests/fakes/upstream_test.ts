import assert from "node:assert/strict";
import { connectRaw, requestText } from "./raw_client.ts";
import { after, close, jsonAnswer, reset, stall, startFakeUpstream, streamAnswer } from "./upstream.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined) => new TextDecoder().decode(data);

Deno.test("requests are recorded byte by byte and answered in the scripted order", async () => {
  await using upstream = await startFakeUpstream(
    jsonAnswer(200, 1),
    jsonAnswer(429, 2, { "retry-after": "7" }),
  );
  await using client = await connectRaw(upstream.url);
  const first = requestText("POST /model/a%3A0/invoke", { "X-Case": "Kept" }, "héllo");
  client.send(first);
  assert.equal(text((await client.answer())?.body), "1");
  client.send(
    requestText("POST /2", { "Transfer-Encoding": "chunked" }) + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
  );
  const second = await client.answer();
  assert.equal(second?.startLine, "HTTP/1.1 429 Scripted");
  assert.equal(second?.headers.get("retry-after"), "7");
  client.send(requestText("GET /3"));
  assert.equal((await client.answer())?.startLine, "HTTP/1.1 500 Scripted");

  assert.equal(upstream.requests[0]?.head + text(upstream.requests[0]?.body), first);
  assert.equal(text(upstream.requests[1]?.body), "abcde");
  assert.deepEqual(upstream.requests.map(({ startLine }) => startLine), [
    "POST /model/a%3A0/invoke HTTP/1.1",
    "POST /2 HTTP/1.1",
    "GET /3 HTTP/1.1",
  ]);
  assert.equal(upstream.connections, 1);
});

Deno.test("a stream is sent frame by frame, or cut at a given position", async () => {
  const frames = [bytes("first"), bytes("second")];
  await using upstream = await startFakeUpstream(
    streamAnswer(frames),
    streamAnswer(frames, { cuts: [1, 6] }),
  );
  await using client = await connectRaw(upstream.url);
  client.send(requestText("GET /"));
  assert.match(await client.through("0\r\n\r\n") ?? "", /\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n$/);
  client.send(requestText("GET /"));
  assert.match(
    await client.through("0\r\n\r\n") ?? "",
    /\r\n\r\n1\r\nf\r\n5\r\nirsts\r\n5\r\necond\r\n0\r\n\r\n$/,
  );
});

Deno.test("a stream can break off after its last frame, in the orderly way or not", async () => {
  for (const breakOff of [close, reset]) {
    await using upstream = await startFakeUpstream(streamAnswer([bytes("first")], { then: breakOff }));
    await using client = await connectRaw(upstream.url);
    const errors: unknown[] = [];
    client.socket.on("error", (error) => errors.push(error));
    client.send(requestText("GET /"));
    const answer = await client.answer();
    assert.equal(answer?.truncated, true);
    await client.closed;
    assert.equal(errors.length, breakOff === reset ? 1 : 0);
  }
});

Deno.test("a stalled answer ends when the client leaves, and the connection is no longer open", async () => {
  const left = Promise.withResolvers<void>();
  await using upstream = await startFakeUpstream(async (exchange) => {
    await stall(exchange);
    left.resolve();
  });
  const client = await connectRaw(upstream.url);
  client.send(requestText("GET /"));
  await upstream.requestAt(0);
  assert.equal(upstream.openConnections, 1);
  await client.close();
  await left.promise;
  await upstream.idle();
  assert.equal(upstream.openConnections, 0);
});

Deno.test("an answer can wait for an event", async () => {
  const event = Promise.withResolvers<void>();
  await using upstream = await startFakeUpstream(after(event.promise, jsonAnswer(200, "now")));
  await using client = await connectRaw(upstream.url);
  client.send(requestText("GET /"));
  await upstream.requestAt(0);
  event.resolve();
  assert.equal(text((await client.answer())?.body), '"now"');
});

Deno.test("a request that breaks off is recorded as truncated", async () => {
  await using upstream = await startFakeUpstream(stall);
  const client = await connectRaw(upstream.url);
  client.send(requestText("POST /", { "Content-Length": "100" }) + "less");
  client.socket.end();
  assert.equal((await upstream.requestAt(0)).truncated, true);
  await client.close();
});

Deno.test("a write to a client that does not read resolves once the client has left", async () => {
  const written = Promise.withResolvers<void>();
  await using upstream = await startFakeUpstream(async (exchange) => {
    await exchange.head(200, { "content-length": String(64 * 1024 * 1024) });
    await exchange.write(new Uint8Array(64 * 1024 * 1024));
    written.resolve();
  });
  const client = await connectRaw(upstream.url);
  client.socket.pause();
  client.send(requestText("GET /"));
  await upstream.requestAt(0);
  await client.reset();
  await written.promise;
});
