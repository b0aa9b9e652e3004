/** `POST /v1/chat/completions`: OpenAI's Chat Completions, through Converse and ConverseStream. */

import { invalidField } from "../../base/errors.ts";
import { newCompletionId } from "../../base/ids.ts";
import type { JsonValue } from "../../base/json.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import { encodeSseComment } from "../../codec/sse.ts";
import { resolveRequested } from "../../gateway/resolve.ts";
import type { Target } from "../../snapshot/plan.ts";
import { type ChatCall, chatToConverse } from "../../translate/chat/request.ts";
import { type CompletionContext, converseToChat } from "../../translate/chat/answer.ts";
import { ConverseStreamToChat } from "../../translate/chat/answer_stream.ts";
import type { Hold } from "../../providers/bedrock/hold.ts";
import type { UpstreamCall } from "../../providers/upstream.ts";
import { openConverseStream } from "../../providers/bedrock/converse.ts";
import { parseConverseResponse } from "../../wire/bedrock/converse.ts";
import { type ChatRequest, parseChatRequest } from "../../wire/openai/chat.ts";
import type { Call } from "../../gateway/call.ts";
import { withFetchedImages } from "./images.ts";
import { type Attempt, attemptWith, type CallerEndpoint, type ModelRequest } from "../../gateway/endpoint.ts";
import type { Answer } from "../../gateway/outcome.ts";
import { eventAnswer } from "../event_answer.ts";
import { attemptWhole, replayedAnswer, type TranslatedAnswer } from "../whole_answer.ts";
import { affinityKey } from "../affinity.ts";
import { jsonBody, plainBody } from "../json_body.ts";
import { requestSize } from "../request_size.ts";
import { refuseForeignAddressesIn } from "../s3_locations.ts";
import { ownReading } from "../own/own.ts";
import { settingsOf } from "../model_api.ts";

/** How a route determines the `model` of its requests. */
export interface ChatRoute {
  /** Used if the body has none. */
  readonly defaultModel: string | undefined;
  /** The prefix that clients with several providers may put before a name; empty if there is none. */
  readonly modelPrefix: string;
}

/** Chat Completions at a path. Responses repeat the model name that the caller sent. */
export function chatEndpoint({ defaultModel, modelPrefix = "" }: Partial<ChatRoute>): CallerEndpoint {
  return {
    needs: "caller",
    about: { endpoint: "chat", defaultModel, modelPrefix },
    counts: "tokens",
    read(received) {
      const bytes = plainBody(received);
      const body = jsonBody(received, bytes);
      const { caller, snapshot, instead, received: { headers } } = received;
      const planOf = (name: string) =>
        resolveRequested(withoutPrefix(name, modelPrefix), { caller, snapshot, instead });
      const own = ownReading({ api: "chat", received, bytes, body, defaultModel, planOf });
      if (own !== undefined) return own;
      const fields = body["additionalModelRequestFields"];
      if (fields !== undefined) refuseForeignAddressesIn(fields, "additionalModelRequestFields", caller);
      const request = parseChatRequest(body);
      const name = request.model ?? defaultModel;
      if (name === undefined) throw invalidField("model", "missing; send the name of a model");
      const plan = planOf(name);
      let whole: Promise<ChatRequest> | undefined;
      let known = request;
      const attempt: ModelRequest["attempt"] = snapshot.limits.fetchImages
        ? async (target, call, hold) => {
          known = await (whole ??= withFetchedImages(request, call));
          return await attemptChat(known, name, { target, call, hold });
        }
        : (target, call, hold) => attemptChat(request, name, { target, call, hold });
      const translated = (target: Target) => {
        const { operation, request, ignored } = translate(known, target);
        return { request: { operation, request }, ignored };
      };
      const affinity = (by: readonly string[]) => affinityKey(by, { headers, body });
      const measure = () => requestSize(body);
      return { kind: "model", request: { plan, attempt, measure, translated, affinity } };
    },
  };
}

function withoutPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

interface At {
  readonly target: Target;
  readonly call: Call;
  readonly hold: Hold | undefined;
}

function translate(request: ChatRequest, target: Target): ChatCall {
  const settings = settingsOf(target);
  return chatToConverse(request, { traits: settings.traits, settings });
}

/** What is translated is not kept while the model answers. */
function attemptChat(request: ChatRequest, name: string, { target, call, hold }: At): Promise<Attempt> {
  const { request: converse, operation, ignored, ...translated } = translate(request, target);
  const context: CompletionContext = {
    id: newCompletionId(),
    created: Math.floor(call.tools.clock.now() / 1000),
    model: name,
    call: translated,
  };
  const send = {
    operation,
    body: jsonText(converse),
  };
  return request.stream
    ? attemptWith(ignored, () => answerStream(send, context, { target, call, hold }))
    : attemptWhole({ send, target, call, ignored }, translateAnswer, context);
}

function translateAnswer(value: JsonValue, context: CompletionContext): TranslatedAnswer {
  const response = parseConverseResponse(value);
  const { body, usage, anomalies } = converseToChat(response, context);
  return { body, usage, stopReason: response.stopReason, anomalies };
}

async function answerStream(
  send: UpstreamCall,
  context: CompletionContext,
  { target, call, hold }: At,
): Promise<Answer> {
  const exchange = call.open(target, send);
  return eventAnswer({
    events: send.operation === "converse"
      ? await replayedAnswer(exchange)
      : await openConverseStream(exchange, hold),
    translation: new ConverseStreamToChat(context),
    ping: encodeSseComment("keep-alive"),
  });
}
