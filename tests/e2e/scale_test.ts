/** A thousand concurrent streams: none waits for another to end, although Bun's own limit is 256 requests. */

import assert from "node:assert/strict";
import { converseFrames } from "../fakes/frames.ts";
import { startFakeUpstream, streamAnswer } from "../fakes/upstream.ts";
import { endpointConfig } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";
import { answerOf, begin, CHAT_STREAM, CONVERSE_STREAM, eventsOf, framesOf } from "./requests.ts";

const STREAMS = 1_000;
const FRAMES = converseFrames("Hello", " there");

forEachRuntime(`${STREAMS} streams are open at once, and all of them complete`, async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url));
  // No stream continues before the last one has begun.
  let begun = 0;
  const allBegun = Promise.withResolvers<void>();
  upstream.always(streamAnswer(FRAMES.slice(0, 2), {
    then: async (exchange) => {
      if (++begun === STREAMS) allBegun.resolve();
      await allBegun.promise;
      for (const frame of FRAMES.slice(2)) await exchange.chunk(frame);
      await exchange.end();
    },
  }));
  await Promise.all(Array.from({ length: STREAMS }, async (_, index) => {
    const isChat = index % 2 === 0;
    await using client = await begin(program.url, isChat ? CHAT_STREAM : CONVERSE_STREAM);
    const answer = await answerOf(client);
    if (isChat) assert.equal(eventsOf(answer).at(-1), "[DONE]");
    else assert.equal(framesOf(answer).length, FRAMES.length);
  }));
  assert.equal(begun, STREAMS);
});
