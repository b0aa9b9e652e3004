/**
 * `POST /v1/messages`: Anthropic's Messages, through InvokeModel for Claude and Converse for other models.
 */

import { encodeUtf8 } from "../../base/bytes.ts";
import { newMessageId } from "../../base/ids.ts";
import type { JsonObject } from "../../base/json.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import type { ModelApi } from "../../snapshot/snapshot.ts";
import { resolveRequested } from "../../gateway/resolve.ts";
import type { Target } from "../../snapshot/plan.ts";
import { ConverseStreamToMessages } from "../../translate/messages/answer_stream.ts";
import { converseToMessages } from "../../translate/messages/answer.ts";
import { InvokeStreamToMessages } from "../../translate/messages/invoke_answer_stream.ts";
import { invokeToMessages } from "../../translate/messages/invoke_answer.ts";
import { MESSAGES_PING } from "../../translate/messages/events.ts";
import { type MessagesCall, messagesToConverse } from "../../translate/messages/request.ts";
import { type InvokeCall, messagesToInvoke } from "../../translate/messages/invoke_request.ts";
import { readJsonAnswer } from "../../providers/bedrock/answer.ts";
import type { Hold } from "../../providers/bedrock/hold.ts";
import { openConverseStream } from "../../providers/bedrock/converse.ts";
import { openInvokeStream } from "../../providers/bedrock/invoke.ts";
import {
  type MessagesHead,
  parseBetaHeaders,
  parseMessagesHead,
  parseMessagesRequest,
} from "../../wire/anthropic/messages.ts";
import { parseConverseResponse } from "../../wire/bedrock/converse.ts";
import type { Call } from "../../gateway/call.ts";
import {
  type Attempt,
  attemptWith,
  type CallerEndpoint,
  type ModelRequest,
  type Translated,
} from "../../gateway/endpoint.ts";
import { jsonAnswer } from "../../gateway/outcome.ts";
import { eventAnswer } from "../event_answer.ts";
import { replayedAnswer } from "../replayed_answer.ts";
import { withFetchedSources } from "./images.ts";
import { affinityKey } from "../affinity.ts";
import { withDottedPaths } from "../../wire/anthropic/paths.ts";
import { jsonBody, plainBody } from "../json_body.ts";
import { requestSize } from "../request_size.ts";
import { refuseForeignAddresses } from "../s3_locations.ts";
import { ownReading } from "../own/own.ts";
import { messagesApi, settingsOf } from "../model_api.ts";

/** Parses what every Bedrock API needs. */
export const messages: CallerEndpoint = {
  needs: "caller",
  about: { endpoint: "messages" },
  counts: "tokens",
  read(received) {
    const bytes = plainBody(received);
    const body = withDottedPaths(() => jsonBody(received, bytes));
    const { caller, snapshot, instead, received: { headers } } = received;
    const planOf = (name: string) => resolveRequested(name, { caller, snapshot, instead });
    const own = ownReading({ api: "messages", received, bytes, body, defaultModel: undefined, planOf });
    if (own !== undefined) return own;
    withDottedPaths(() => refuseForeignAddresses(bytes, caller));
    const head = parseMessagesHead(body);
    const betas = parseBetaHeaders([headers.get("anthropic-beta") ?? ""]);
    const plan = planOf(head.model);
    let whole: Promise<JsonObject> | undefined;
    let known = body;
    const attempt: ModelRequest["attempt"] = async (target, call, hold) => {
      whole ??= withFetchedSources(body, call);
      known = await whole;
      const request = { ...head, body: known, betas };
      const api = messagesApi(settingsOf(target), request.body);
      return await ATTEMPTS[api](request, { target, call, hold });
    };
    const translated = (target: Target, call: Call): Translated => {
      const request = { ...head, body: known, betas };
      if (messagesApi(settingsOf(target), known) === "converse") {
        const { request: converse, streams, ignored } = translateToConverse(request, target, call);
        return { request: { converse, streams }, ignored };
      }
      const { body: invoke, ignored } = translateToInvoke(request, target, call);
      return { request: { invoke }, ignored };
    };
    const affinity = (by: readonly string[]) => affinityKey(by, { headers, body });
    const measure = () => requestSize(body);
    return { kind: "model", request: { plan, attempt, measure, translated, affinity } };
  },
};

interface Request extends MessagesHead {
  readonly body: JsonObject;
  /** Flags of the `anthropic-beta` headers. */
  readonly betas: readonly string[];
}

interface At {
  readonly target: Target;
  readonly call: Call;
  readonly hold: Hold | undefined;
}

const ATTEMPTS = { invoke: attemptInvoke, converse: attemptConverse } as const satisfies Record<
  ModelApi,
  (request: Request, at: At) => Promise<Attempt>
>;

function translateToInvoke({ body, betas }: Request, target: Target, call: Call): InvokeCall {
  const settings = settingsOf(target);
  return messagesToInvoke(body, {
    traits: settings.traits,
    betas,
    betaTable: call.snapshot.betaFlags,
    settings,
  });
}

function attemptInvoke(request: Request, { target, call, hold }: At): Promise<Attempt> {
  const { model, stream } = request;
  // What is translated is not kept while the model answers.
  const { body: invoke, headers, ignored } = translateToInvoke(request, target, call);
  const body = encodeUtf8(jsonText(invoke));
  return attemptWith(ignored, async () => {
    const exchange = call.open(target, {
      operation: stream ? "invokeStream" : "invoke",
      headers: new Headers({ "content-type": "application/json", ...headers }),
      body,
    });
    if (stream) {
      return eventAnswer({
        events: await openInvokeStream(exchange, hold),
        translation: new InvokeStreamToMessages({ model, requestId: call.id }),
        ping: MESSAGES_PING,
      });
    }
    const { value, requestId } = await readJsonAnswer(exchange);
    const answer = invokeToMessages(value, model);
    const { usage, stopReason } = answer;
    return jsonAnswer(answer.body, { usage, stopReason, upstreamRequestId: requestId, anomalies: [] });
  });
}

function translateToConverse({ body, betas }: Request, target: Target, call: Call): MessagesCall {
  const settings = settingsOf(target);
  return messagesToConverse(parseMessagesRequest(body), {
    traits: settings.traits,
    betas,
    betaTable: call.snapshot.betaFlags,
    settings,
  });
}

function attemptConverse(request: Request, { target, call, hold }: At): Promise<Attempt> {
  const { model, stream } = request;
  const { request: converse, ignored, streams, ...translated } = translateToConverse(request, target, call);
  const body = encodeUtf8(jsonText(converse));
  const context = { id: newMessageId(), model, requestId: call.id, call: translated };
  return attemptWith(ignored, async () => {
    const exchange = call.open(target, {
      operation: stream && streams ? "converseStream" : "converse",
      headers: new Headers({ "content-type": "application/json" }),
      body,
    });
    if (stream) {
      return eventAnswer({
        events: streams ? await openConverseStream(exchange, hold) : await replayedAnswer(exchange),
        translation: new ConverseStreamToMessages(context),
        ping: MESSAGES_PING,
      });
    }
    const { value, requestId } = await readJsonAnswer(exchange);
    const response = parseConverseResponse(value);
    const { body: answer, usage, anomalies } = converseToMessages(response, context);
    const { stopReason } = response;
    return jsonAnswer(answer, { usage, stopReason, upstreamRequestId: requestId, anomalies });
  });
}
