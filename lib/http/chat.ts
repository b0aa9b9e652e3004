/** `POST /v1/chat/completions`: OpenAI's Chat Completions, answered by Converse and ConverseStream. */

import { encodeUtf8 } from "../base/bytes.ts";
import { AditError, invalidField } from "../base/errors.ts";
import { newCompletionId } from "../base/ids.ts";
import type { JsonObject } from "../base/json.ts";
import { resolveModel, type Target } from "../routing/resolve.ts";
import { chatToConverse, type ConverseCall } from "../translate/chat_to_converse.ts";
import { type CompletionContext, converseToChat } from "../translate/converse_to_chat.ts";
import { ConverseStreamToChat } from "../translate/converse_stream_to_chat.ts";
import { ConverseStream, readConverse } from "../upstream/converse.ts";
import { parseConverseResponse } from "../wire/converse.ts";
import { type ChatRequest, parseChatRequest } from "../wire/openai_chat.ts";
import type { Call } from "./call.ts";
import type { Answer, ModelRequest } from "./endpoint.ts";
import type { ByteSource } from "./stream.ts";

/** Reads a chat request; `defaultModel` is the route's own, for bodies that name none. */
export function chatRequest(body: JsonObject, defaultModel: string | undefined): ModelRequest {
  const request = parseChatRequest(body);
  const name = request.model ?? defaultModel;
  if (name === undefined) throw invalidField("model", "expected the name of a model, found nothing");
  return {
    plan: (caller, snapshot) => resolveModel(name, caller, snapshot),
    attempt: (target, call) => attempt(request, name, { target, call }),
  };
}

interface Attempt {
  readonly target: Target;
  readonly call: Call;
}

async function attempt(request: ChatRequest, name: string, { target, call }: Attempt): Promise<Answer> {
  const { model } = target;
  // Only a native request may name an id in place of a configured model.
  if (model === undefined) throw new AditError("internal");
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
  if (request.stream) {
    const events = await ConverseStream.open(exchange);
    call.upstreamRequestId = events.requestId;
    const headers = answerHeaders("text/event-stream; charset=utf-8", converse);
    headers.set("cache-control", "no-cache");
    return { status: 200, headers, body: new ChatStream(events, new ConverseStreamToChat(context), call) };
  }
  const { value, requestId } = await readConverse(exchange);
  call.upstreamRequestId = requestId;
  const { body, usage, anomalies } = converseToChat(parseConverseResponse(value), context);
  call.usage = usage;
  call.stopReason = body.choices[0].finish_reason;
  call.anomalies = anomalies;
  return {
    status: 200,
    headers: answerHeaders("application/json", converse),
    body: encodeUtf8(JSON.stringify(body)),
  };
}

function answerHeaders(contentType: string, { ignored }: ConverseCall): Headers {
  const headers = new Headers({ "content-type": contentType });
  if (ignored.length > 0) headers.set("x-adit-ignored", ignored.join(", "));
  return headers;
}

/** Chunks of a completion, out of the upstream's events: one piece of text for each batch of them. */
class ChatStream implements ByteSource {
  readonly ping = encodeUtf8(": keep-alive\n\n");
  #ended = false;

  constructor(
    private readonly events: ConverseStream,
    private readonly chat: ConverseStreamToChat,
    private readonly call: Call,
  ) {}

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#ended) return undefined;
    for (;;) {
      const batch = await this.events.next();
      let text = "";
      if (batch === undefined) {
        text = this.chat.end();
        this.#ended = true;
      } else {
        for (const event of batch) text += this.chat.push(event);
      }
      this.#note();
      if (text !== "") return encodeUtf8(text);
      if (this.#ended) return undefined;
    }
  }

  failure(error: AditError): Uint8Array<ArrayBuffer> {
    return encodeUtf8(this.chat.fail(error));
  }

  #note(): void {
    this.call.usage = this.chat.usage;
    this.call.stopReason = this.chat.stopReason;
    this.call.anomalies = this.chat.anomalies;
  }
}
