/** `POST /v1/responses`: OpenAI's Responses, without stored state, through Converse and ConverseStream. */

import { invalidField } from "../../base/errors.ts";
import { newResponseId } from "../../base/ids.ts";
import type { JsonValue } from "../../base/json.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import type { Call } from "../../gateway/call.ts";
import { type Attempt, attemptWith, type CallerEndpoint, type ModelRequest } from "../../gateway/endpoint.ts";
import { resolveRequested } from "../../gateway/resolve.ts";
import { openConverseStream } from "../../providers/bedrock/converse.ts";
import type { Hold } from "../../providers/bedrock/hold.ts";
import type { UpstreamCall } from "../../providers/upstream.ts";
import type { Target } from "../../snapshot/plan.ts";
import { converseToResponses } from "../../translate/responses/answer.ts";
import { ConverseStreamToResponses } from "../../translate/responses/answer_stream.ts";
import type { AnswerContext } from "../../translate/responses/head.ts";
import { type ResponsesCall, responsesToConverse } from "../../translate/responses/request.ts";
import { parseConverseResponse } from "../../wire/bedrock/converse.ts";
import { parseResponsesRequest, type ResponsesRequest } from "../../wire/openai/responses.ts";
import { affinityKey } from "../affinity.ts";
import { eventAnswer } from "../event_answer.ts";
import { jsonBody, plainBody } from "../json_body.ts";
import { ownReading } from "../own/own.ts";
import { settingsOf } from "../model_api.ts";
import { requestSize } from "../request_size.ts";
import { attemptWhole, replayedAnswer, type TranslatedAnswer } from "../whole_answer.ts";
import { withFetchedImages } from "./images.ts";
import { asRateLimit } from "./rate_limit.ts";

/** Responses repeat the model name that the caller sent. */
export const responses: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "responses" },
  counts: "tokens",
  read(received) {
    const bytes = plainBody(received);
    const body = jsonBody(received, bytes);
    const { caller, snapshot, instead, received: { headers } } = received;
    const planOf = (name: string) => resolveRequested(name, { caller, snapshot, instead });
    const own = ownReading({ api: "responses", received, bytes, body, defaultModel: undefined, planOf });
    if (own !== undefined) return own;
    const request = parseResponsesRequest(body);
    const name = modelName(request);
    const plan = planOf(name);
    let whole: Promise<ResponsesRequest> | undefined;
    let known = request;
    const attempt: ModelRequest["attempt"] = async (target, call, hold) => {
      if (call.snapshot.limits.fetchImages) known = await (whole ??= withFetchedImages(request, call));
      return asRateLimit(await attemptResponses(known, name, { target, call, hold }));
    };
    const translated = (target: Target) => {
      const { operation, request: converse, ignored } = translateResponses(known, target);
      return { request: { operation, converse }, ignored };
    };
    const affinity = (by: readonly string[]) => affinityKey(by, { headers, body });
    const measure = () => requestSize(body);
    return { kind: "model", request: { plan, attempt, measure, translated, affinity } };
  },
};

/** Throws if the request has none. */
export function modelName({ model }: ResponsesRequest): string {
  if (model === undefined) throw invalidField("model", "missing; send the name of a model");
  return model;
}

/** The translation for a target. */
export function translateResponses(request: ResponsesRequest, target: Target): ResponsesCall {
  const settings = settingsOf(target);
  return responsesToConverse(request, { traits: settings.traits, settings, dropTools: settings.dropTools });
}

interface At {
  readonly target: Target;
  readonly call: Call;
  readonly hold: Hold | undefined;
}

function attemptResponses(
  request: ResponsesRequest,
  model: string,
  { target, call, hold }: At,
): Promise<Attempt> {
  // What is translated is not kept while the model answers.
  const { request: converse, operation, ignored, ...translated } = translateResponses(request, target);
  const send: UpstreamCall = { operation, body: jsonText(converse) };
  const now = () => Math.floor(call.tools.clock.now() / 1000);
  const context: AnswerContext = { id: newResponseId(), createdAt: now(), model, now, call: translated };
  return request.stream
    ? attemptWith(ignored, async () => {
      const exchange = call.open(target, send);
      const translation = new ConverseStreamToResponses(context);
      return eventAnswer({
        events: operation === "converse"
          ? await replayedAnswer(exchange)
          : await openConverseStream(exchange, hold),
        translation,
        ping: () => translation.ping(),
      });
    })
    : attemptWhole({ send, target, call, ignored }, translateAnswer, context);
}

function translateAnswer(value: JsonValue, context: AnswerContext): TranslatedAnswer {
  const response = parseConverseResponse(value);
  const { body, usage, anomalies } = converseToResponses(response, context);
  return { body, usage, stopReason: response.stopReason, anomalies };
}
