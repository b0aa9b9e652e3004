/** Responses that are read whole: translated at once, or replayed as a stream. */

import type { JsonValue } from "../base/json.ts";
import type { Usage } from "../base/usage.ts";
import type { Call } from "../gateway/call.ts";
import { answeredBy, type Attempt, refusedFor } from "../gateway/endpoint.ts";
import { jsonAnswer } from "../gateway/outcome.ts";
import { readJsonAnswer } from "../providers/bedrock/answer.ts";
import type { Exchange } from "../providers/transport/exchange.ts";
import type { UpstreamCall } from "../providers/upstream.ts";
import type { Target } from "../snapshot/plan.ts";
import { converseEvents } from "../translate/converse/replay.ts";
import { parseConverseResponse } from "../wire/bedrock/converse.ts";
import type { ConverseEvent } from "../wire/bedrock/converse_stream.ts";
import type { EventSource } from "./event_answer.ts";

/** The request to send, and its target. */
export interface WholeCall {
  readonly send: UpstreamCall;
  readonly target: Target;
  readonly call: Call;
  /** Fields and flags of the request that were ignored. */
  readonly ignored: readonly string[];
}

/** A response in the caller's API, and its outcome. */
export interface TranslatedAnswer {
  readonly body: unknown;
  readonly usage: Usage | undefined;
  /** Bedrock's own value. */
  readonly stopReason: string | undefined;
  readonly anomalies: readonly string[];
}

/**
 * Sends a request and answers with the target's whole response, which `translate` makes from the JSON. `translate` gets
 * everything else as `context`, so one function serves all requests.
 */
export async function attemptWhole<Context>(
  { send, target, call, ignored }: WholeCall,
  translate: (value: JsonValue, context: Context) => TranslatedAnswer,
  context: Context,
): Promise<Attempt> {
  try {
    const { value, requestId } = await readJsonAnswer(call.open(target, send));
    const { body, usage, stopReason, anomalies } = translate(value, context);
    return answeredBy(
      jsonAnswer(body, { usage, stopReason, upstreamRequestId: requestId, anomalies }),
      ignored,
    );
  } catch (cause) {
    return refusedFor(cause, ignored);
  }
}

/**
 * A whole response of Converse as a stream of events, for models that do not stream tool calls. Throws the error for an
 * error status, as for any stream.
 */
export async function replayedAnswer(exchange: Exchange): Promise<EventSource<ConverseEvent>> {
  const { value, requestId } = await readJsonAnswer(exchange);
  const batches = [converseEvents(parseConverseResponse(value))];
  return { requestId, unknownEvents: [], next: () => Promise.resolve(batches.shift()) };
}
