/** Converse -> Responses: the whole response. */

import type { Usage } from "../../base/usage.ts";
import type { ConverseResponse } from "../../wire/bedrock/converse.ts";
import type { ResponseObject } from "../../wire/openai/responses_answer.ts";
import { converseEvents } from "../converse/replay.ts";
import type { AnswerContext } from "./head.ts";
import { ResponseBuilder } from "./response_builder.ts";

export interface ResponsesResult {
  readonly body: ResponseObject;
  /** Undefined if Bedrock did not report it. */
  readonly usage: Usage | undefined;
  /** What the response had that Responses cannot represent, for the log and the metrics. */
  readonly anomalies: readonly string[];
}

/**
 * Translates an answer as the events in which it would have been streamed; never fails over a block or a stop reason
 * that it does not know. Throws `model_error` for a malformed structured answer.
 */
export function converseToResponses(response: ConverseResponse, context: AnswerContext): ResponsesResult {
  const builder = new ResponseBuilder(context, () => {});
  for (const event of converseEvents(response)) builder.push(event);
  return { body: builder.finish(), usage: builder.usage, anomalies: builder.anomalies };
}
