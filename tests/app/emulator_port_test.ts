/** The emulator as other threads use it: what is abandoned is released. */

import { equal, rejects } from "node:assert/strict";

import { EmulatorStreams } from "../../lib/app/threads/emulator_port.ts";

const REQUEST = { stream: 1, url: "http://emulator/", method: "POST", headers: [], body: undefined };

Deno.test("a response that was abandoned before it came is cancelled", async () => {
  const cancelled = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const streams = new EmulatorStreams(() => answer.promise);
  const sent = streams.send(REQUEST);
  streams.abandon(1);
  answer.resolve(new Response(new ReadableStream({ cancel: () => cancelled.resolve() })));
  equal((await sent).status, 200);
  await cancelled.promise;
  await rejects(streams.read(1), /no longer read/);
});
