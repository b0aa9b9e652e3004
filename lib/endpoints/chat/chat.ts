/** `POST /v1/chat/completions`: OpenAI's Chat Completions, answered by Converse and ConverseStream. */

import { encodeUtf8 } from "../../base/bytes.ts";
import { invalidField } from "../../base/errors.ts";
import { newCompletionId } from "../../base/ids.ts";
import type { JsonObject } from "../../base/json.ts";
import { encodeSseComment } from "../../codec/sse.ts";
import { resolveModel } from "../../gateway/resolve.ts";
import type { Target } from "../../snapshot/plan.ts";
import { chatToConverse } from "../../translate/chat/request.ts";
import { type CompletionContext, converseToChat } from "../../translate/chat/answer.ts";
import { ConverseStreamToChat } from "../../translate/chat/answer_stream.ts";
import { readJsonAnswer } from "../../providers/bedrock/answer.ts";
import { openConverseStream } from "../../providers/bedrock/converse.ts";
import { parseConverseResponse } from "../../wire/bedrock/converse.ts";
import { type ChatRequest, parseChatRequest } from "../../wire/openai/chat.ts";
import type { Call } from "../../gateway/call.ts";
import { withFetchedImages } from "./images.ts";
import { type Answer, jsonAnswer, type ModelRequest } from "../../gateway/endpoint.ts";
import { eventAnswer } from "../event_answer.ts";
import { configuredModel } from "../model_api.ts";

/** What a route has to say about the `model` of its requests. */
export interface ChatRoute {
  /** Taken where the body names none. */
  readonly defaultModel: string | undefined;
  /** What clients that choose among providers may write ahead of a name; empty where they may not. */
  readonly modelPrefix: string;
}

/** Reads a chat request. Answers repeat the model's name as the caller wrote it. */
export function chatRequest(body: JsonObject, { defaultModel, modelPrefix }: ChatRoute): ModelRequest {
  const request = parseChatRequest(body);
  const name = request.model ?? defaultModel;
  if (name === undefined) throw invalidField("model", "expected the name of a model, found nothing");
  let whole: Promise<ChatRequest> | undefined;
  return {
    plan: (caller, snapshot) => resolveModel(withoutPrefix(name, modelPrefix), caller, snapshot),
    attempt: async (target, call) => {
      whole ??= withFetchedImages(request, call);
      return await attempt(await whole, name, { target, call });
    },
  };
}

function withoutPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

interface Attempt {
  readonly target: Target;
  readonly call: Call;
}

async function attempt(request: ChatRequest, name: string, { target, call }: Attempt): Promise<Answer> {
  const model = configuredModel(target);
  const converse = chatToConverse(request, { traits: model.traits, settings: model });
  const context: CompletionContext = {
    id: newCompletionId(),
    created: Math.floor(call.options.clock.now() / 1000),
    model: name,
    call: converse,
  };
  const exchange = call.open(target, {
    operation: request.stream ? "converseStream" : "converse",
    headers: new Headers({ "content-type": "application/json" }),
    body: encodeUtf8(JSON.stringify(converse.request)),
  });
  call.ignored = converse.ignored;
  if (request.stream) {
    return eventAnswer({
      events: await openConverseStream(exchange),
      translation: new ConverseStreamToChat(context),
      ping: encodeSseComment("keep-alive"),
      call,
    });
  }
  const { value, requestId } = await readJsonAnswer(exchange);
  call.upstreamRequestId = requestId;
  const { body, usage, anomalies } = converseToChat(parseConverseResponse(value), context);
  call.usage = usage;
  call.stopReason = body.choices[0].finish_reason;
  call.anomalies = anomalies;
  return jsonAnswer(body);
}
