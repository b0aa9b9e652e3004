/** Replays a whole Converse response as a stream of events, for models that do not stream tool calls. */

import { readJsonAnswer } from "../providers/bedrock/answer.ts";
import type { Exchange } from "../providers/transport/exchange.ts";
import { converseEvents } from "../translate/converse/replay.ts";
import { parseConverseResponse } from "../wire/bedrock/converse.ts";
import type { ConverseEvent } from "../wire/bedrock/converse_stream.ts";
import type { EventSource } from "./event_answer.ts";

/** Reads the answer of Converse to its end. Throws the error for an error status, as before any stream. */
export async function replayedAnswer(exchange: Exchange): Promise<EventSource<ConverseEvent>> {
  const { value, requestId } = await readJsonAnswer(exchange);
  const batches = [converseEvents(parseConverseResponse(value))];
  return { requestId, unknownEvents: [], next: () => Promise.resolve(batches.shift()) };
}
