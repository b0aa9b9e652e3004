/**
 * `POST /v1/messages`: Anthropic's Messages, through InvokeModel for Claude and Converse for other models.
 */

import { newMessageId } from "../../base/ids.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import type { ModelApi } from "../../snapshot/snapshot.ts";
import { resolveRequested } from "../../gateway/resolve.ts";
import type { Target } from "../../snapshot/plan.ts";
import { ConverseStreamToMessages } from "../../translate/messages/answer_stream.ts";
import { converseToMessages, type MessageContext } from "../../translate/messages/answer.ts";
import { InvokeStreamToMessages } from "../../translate/messages/invoke_answer_stream.ts";
import { invokeToMessages } from "../../translate/messages/invoke_answer.ts";
import { MESSAGES_PING } from "../../translate/messages/events.ts";
import { type MessagesCall, messagesToConverse } from "../../translate/messages/request.ts";
import { type InvokeCall, messagesToInvoke } from "../../translate/messages/invoke_request.ts";
import type { Hold } from "../../providers/bedrock/hold.ts";
import type { UpstreamCall } from "../../providers/upstream.ts";
import { openConverseStream } from "../../providers/bedrock/converse.ts";
import { openInvokeStream } from "../../providers/bedrock/invoke.ts";
import {
  type MessagesHead,
  parseBetaHeader,
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
import { eventAnswer } from "../event_answer.ts";
import { attemptWhole, replayedAnswer, type TranslatedAnswer } from "../whole_answer.ts";
import { withFetchedSources } from "./images.ts";
import { affinityKey } from "../affinity.ts";
import { withDottedPaths } from "../../wire/anthropic/paths.ts";
import { jsonBody, plainBody } from "../json_body.ts";
import { requestSize } from "../request_size.ts";
import { refuseForeignAddresses } from "../s3_locations.ts";
import { ownReading } from "../own/own.ts";
import { messagesApi, settingsOf } from "../model_api.ts";

/** Parses the fields that every Bedrock API needs. */
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
    const betas = parseBetaHeader(headers.get("anthropic-beta"));
    const plan = planOf(head.model);
    let whole: Promise<JsonObject> | undefined;
    let known = body;
    const attempt: ModelRequest["attempt"] = snapshot.limits.fetchImages
      ? async (target, call, hold) => {
        known = await (whole ??= withFetchedSources(body, call));
        return await attemptMessages({ ...head, body: known, betas }, { target, call, hold });
      }
      : (target, call, hold) => attemptMessages({ ...head, body, betas }, { target, call, hold });
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

function attemptMessages(request: Request, at: At): Promise<Attempt> {
  return ATTEMPTS[messagesApi(settingsOf(at.target), request.body)](request, at);
}

function translateToInvoke({ body, betas }: Request, target: Target, call: Call): InvokeCall {
  const settings = settingsOf(target);
  return messagesToInvoke(body, {
    traits: settings.traits,
    betas,
    betaTable: call.snapshot.betaFlags,
    settings,
  });
}

/** What is translated is not kept while the model answers. */
function attemptInvoke(request: Request, { target, call, hold }: At): Promise<Attempt> {
  const { model, stream } = request;
  const { body: invoke, headers, ignored } = translateToInvoke(request, target, call);
  const send: UpstreamCall = {
    operation: stream ? "invokeStream" : "invoke",
    headers: new Headers({ "content-type": "application/json", ...headers }),
    body: jsonText(invoke),
  };
  return stream
    ? attemptWith(ignored, async () =>
      eventAnswer({
        events: await openInvokeStream(call.open(target, send), hold),
        translation: new InvokeStreamToMessages({ model, requestId: call.id }),
        ping: MESSAGES_PING,
      }))
    : attemptWhole({ send, target, call, ignored }, translateInvokeAnswer, model);
}

function translateInvokeAnswer(value: JsonValue, model: string): TranslatedAnswer {
  return { ...invokeToMessages(value, model), anomalies: NONE };
}

const NONE: readonly string[] = [];

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
  const context: MessageContext = { id: newMessageId(), model, requestId: call.id, call: translated };
  const send: UpstreamCall = {
    operation: stream && streams ? "converseStream" : "converse",
    body: jsonText(converse),
  };
  return stream
    ? attemptWith(ignored, async () => {
      const exchange = call.open(target, send);
      return eventAnswer({
        events: streams ? await openConverseStream(exchange, hold) : await replayedAnswer(exchange),
        translation: new ConverseStreamToMessages(context),
        ping: MESSAGES_PING,
      });
    })
    : attemptWhole({ send, target, call, ignored }, translateConverseAnswer, context);
}

function translateConverseAnswer(value: JsonValue, context: MessageContext): TranslatedAnswer {
  const response = parseConverseResponse(value);
  const { body, usage, anomalies } = converseToMessages(response, context);
  return { body, usage, stopReason: response.stopReason, anomalies };
}
