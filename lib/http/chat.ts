/** `POST /v1/chat/completions`: OpenAI's Chat Completions, answered by Converse and ConverseStream. */

import { encodeUtf8 } from "../base/bytes.ts";
import { invalidField } from "../base/errors.ts";
import { newCompletionId } from "../base/ids.ts";
import type { JsonObject } from "../base/json.ts";
import { encodeSseComment } from "../codec/sse.ts";
import { resolveModel, type Target } from "../routing/resolve.ts";
import { chatToConverse } from "../translate/chat_to_converse.ts";
import { type CompletionContext, converseToChat } from "../translate/converse_to_chat.ts";
import { ConverseStreamToChat } from "../translate/converse_stream_to_chat.ts";
import { readJsonAnswer } from "../upstream/answer.ts";
import { openConverseStream } from "../upstream/converse.ts";
import { parseConverseResponse } from "../wire/converse.ts";
import { type ChatRequest, parseChatRequest } from "../wire/openai_chat.ts";
import type { Call } from "./call.ts";
import { withFetchedImages } from "./chat_images.ts";
import { type Answer, jsonAnswer, type ModelRequest } from "./endpoint.ts";
import { eventAnswer } from "./event_answer.ts";
import { configuredModel } from "./model_api.ts";

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
