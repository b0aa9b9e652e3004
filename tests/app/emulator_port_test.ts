/** The emulator for other threads: abandoned responses are released. */

import { equal, rejects } from "node:assert/strict";

import { EmulatorStreams } from "../../lib/app/threads/emulator_port.ts";

const REQUEST = { stream: 1, url: "http://emulator/", method: "POST", headers: [], body: undefined };

Deno.test("a response that is abandoned before it arrives is cancelled", async () => {
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
