/** `POST /v1/messages`: Anthropic's Messages, answered by InvokeModel for Claude and by Converse for the rest. */

import { encodeUtf8 } from "../base/bytes.ts";
import { newMessageId } from "../base/ids.ts";
import type { JsonObject } from "../base/json.ts";
import type { ModelApi } from "../config/snapshot.ts";
import { resolveModel, type Target } from "../routing/resolve.ts";
import { ConverseStreamToMessages } from "../translate/converse_stream_to_messages.ts";
import { converseToMessages } from "../translate/converse_to_messages.ts";
import { InvokeStreamToMessages } from "../translate/invoke_stream_to_messages.ts";
import { invokeToMessages } from "../translate/invoke_to_messages.ts";
import { MESSAGES_PING } from "../translate/messages_events.ts";
import { messagesToConverse } from "../translate/messages_to_converse.ts";
import { messagesToInvoke } from "../translate/messages_to_invoke.ts";
import { readJsonAnswer } from "../upstream/answer.ts";
import { openConverseStream } from "../upstream/converse.ts";
import { openInvokeStream } from "../upstream/invoke.ts";
import {
  type MessagesHead,
  parseBetaHeaders,
  parseMessagesHead,
  parseMessagesRequest,
} from "../wire/anthropic_messages.ts";
import { parseConverseResponse } from "../wire/converse.ts";
import type { Call } from "./call.ts";
import { type Answer, jsonAnswer, type ModelRequest } from "./endpoint.ts";
import { eventAnswer } from "./event_answer.ts";
import { withFetchedSources } from "./messages_images.ts";
import { configuredModel, messagesApi } from "./model_api.ts";

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
