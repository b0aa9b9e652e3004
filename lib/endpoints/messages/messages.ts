/** `POST /v1/messages`: Anthropic's Messages, answered by InvokeModel for Claude and by Converse for the rest. */

import { encodeUtf8 } from "../../base/bytes.ts";
import { newMessageId } from "../../base/ids.ts";
import type { JsonObject } from "../../base/json.ts";
import type { ModelApi } from "../../snapshot/snapshot.ts";
import { resolveModel } from "../../gateway/resolve.ts";
import type { Target } from "../../snapshot/plan.ts";
import { ConverseStreamToMessages } from "../../translate/messages/answer_stream.ts";
import { converseToMessages } from "../../translate/messages/answer.ts";
import { InvokeStreamToMessages } from "../../translate/messages/invoke_answer_stream.ts";
import { invokeToMessages } from "../../translate/messages/invoke_answer.ts";
import { MESSAGES_PING } from "../../translate/messages/events.ts";
import { messagesToConverse } from "../../translate/messages/request.ts";
import { messagesToInvoke } from "../../translate/messages/invoke_request.ts";
import { readJsonAnswer } from "../../providers/bedrock/answer.ts";
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
import { type Answer, jsonAnswer, type ModelRequest } from "../../gateway/endpoint.ts";
import { eventAnswer } from "../event_answer.ts";
import { withFetchedSources } from "./images.ts";
import { configuredModel, messagesApi } from "../model_api.ts";

/** Reads as much of a Messages request as every way of answering it needs. */
export function messagesRequest(body: JsonObject, headers: Headers): ModelRequest {
  const head = parseMessagesHead(body);
  const betas = parseBetaHeaders([headers.get("anthropic-beta") ?? ""]);
  let whole: Promise<JsonObject> | undefined;
  return {
    plan: (caller, snapshot) => resolveModel(head.model, caller, snapshot),
    attempt: async (target, call) => {
      whole ??= withFetchedSources(body, call);
      const request = { ...head, body: await whole, betas };
      return await ATTEMPTS[messagesApi(configuredModel(target))](request, { target, call });
    },
  };
}

interface Request extends MessagesHead {
  readonly body: JsonObject;
  /** Flags of the `anthropic-beta` headers. */
  readonly betas: readonly string[];
}

interface Attempt {
  readonly target: Target;
  readonly call: Call;
}

const ATTEMPTS = { invoke: attemptInvoke, converse: attemptConverse } as const satisfies Record<
  ModelApi,
  (request: Request, attempt: Attempt) => Promise<Answer>
>;

async function attemptInvoke(
  { body, betas, model, stream }: Request,
  { target, call }: Attempt,
): Promise<Answer> {
  const settings = configuredModel(target);
  const invoke = messagesToInvoke(body, {
    traits: settings.traits,
    betas,
    betaTable: call.snapshot.betaFlags,
    settings,
  });
  call.ignored = invoke.ignored;
  const exchange = call.open(target, {
    operation: stream ? "invokeStream" : "invoke",
    headers: new Headers({ "content-type": "application/json", ...invoke.headers }),
    body: encodeUtf8(JSON.stringify(invoke.body)),
  });
  if (stream) {
    return eventAnswer({
      events: await openInvokeStream(exchange),
      translation: new InvokeStreamToMessages({ model, requestId: call.id }),
      ping: MESSAGES_PING,
      call,
    });
  }
  const { value, requestId } = await readJsonAnswer(exchange);
  call.upstreamRequestId = requestId;
  const answer = invokeToMessages(value, model);
  call.usage = answer.usage;
  call.stopReason = answer.stopReason;
  return jsonAnswer(answer.body);
}

async function attemptConverse(
  { body, betas, model, stream }: Request,
  { target, call }: Attempt,
): Promise<Answer> {
  const settings = configuredModel(target);
  const converse = messagesToConverse(parseMessagesRequest(body), {
    traits: settings.traits,
    betas,
    betaTable: call.snapshot.betaFlags,
    settings,
  });
  call.ignored = converse.ignored;
  const context = { id: newMessageId(), model, requestId: call.id, call: converse };
  const exchange = call.open(target, {
    operation: stream ? "converseStream" : "converse",
    headers: new Headers({ "content-type": "application/json" }),
    body: encodeUtf8(JSON.stringify(converse.request)),
  });
  if (stream) {
    return eventAnswer({
      events: await openConverseStream(exchange),
      translation: new ConverseStreamToMessages(context),
      ping: MESSAGES_PING,
      call,
    });
  }
  const { value, requestId } = await readJsonAnswer(exchange);
  call.upstreamRequestId = requestId;
  const answer = converseToMessages(parseConverseResponse(value), context);
  call.usage = answer.usage;
  call.stopReason = answer.body.stop_reason ?? undefined;
  call.anomalies = answer.anomalies;
  return jsonAnswer(answer.body);
}
