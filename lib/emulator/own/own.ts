/** Bedrock's own OpenAI and Anthropic APIs, on the runtime endpoint and on the mantle endpoint. */

import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { nativeEvents, nativeMessage, promptOfInvoke } from "../invoke/native_bodies.ts";
import { type Answer, answerPrompt } from "../model/answer.ts";
import { type Model, MODELS } from "../model/catalog.ts";
import { findModel } from "../model/models.ts";
import type { Call, Outcome } from "../server/call.ts";
import { BedrockException, EXCEPTION_STATUS, invalid } from "../server/exception.ts";
import { messagesBody } from "./messages.ts";
import type { OwnCall } from "./own_call.ts";
import { responsesAnswer, responsesEvents } from "./responses_answer.ts";
import { responsesBody } from "./responses_request.ts";

export type OwnApi = "chat" | "messages" | "responses";

interface ApiRow {
  /** The path in messages. */
  readonly path: string;
  supports(model: Model, isMantle: boolean): boolean;
  /** The equivalent body of InvokeModel. */
  toBody(call: OwnCall): JsonObject;
  answer(answer: Answer, call: OwnCall): JsonObject;
  /** The text of the stream's events. */
  events(answer: Answer, call: OwnCall): Iterable<string>;
}

const ROWS: Readonly<Record<OwnApi, ApiRow>> = {
  chat: {
    path: "/v1/chat/completions",
    supports: ({ family }) => family === "chat",
    toBody: ({ body }) => body,
    answer: (answer, { model }) => nativeMessage(answer, model),
    *events(answer, { model, body }) {
      const options = body["stream_options"];
      const withUsage = isJsonObject(options) && options["include_usage"] === true;
      for (const chunk of nativeEvents(answer, model)) {
        if (withUsage || chunk["usage"] === undefined) yield `data: ${JSON.stringify(chunk)}\n\n`;
      }
      yield "data: [DONE]\n\n";
    },
  },
  messages: {
    path: "/v1/messages",
    supports: ({ family }) => family === "claude",
    toBody: messagesBody,
    answer: (answer, { model }) => nativeMessage(answer, model),
    *events(answer, { model }) {
      for (const event of nativeEvents(answer, model)) {
        yield `event: ${event["type"]}\ndata: ${JSON.stringify(event)}\n\n`;
      }
    },
  },
  responses: {
    path: "/v1/responses",
    supports: ({ family, id }, isMantle) =>
      family === "chat" && (isMantle || !id.startsWith("openai.gpt-oss-")),
    toBody: responsesBody,
    answer: responsesAnswer,
    events: responsesEvents,
  },
};

/** The operation of an API. Refusals have the form of the API. */
export function ownOperation(api: OwnApi): (call: Call) => Outcome {
  return (call) => {
    try {
      return answerOwn(api, call);
    } catch (error) {
      if (!(error instanceof BedrockException)) throw error;
      return refused(api, error);
    }
  };
}

function answerOwn(api: OwnApi, call: Call): Outcome {
  const row = ROWS[api];
  const { body, headers } = call;
  if (!isJsonObject(body) || typeof body["model"] !== "string") throw invalid("model is required");
  const isMantle = isSignedForMantle(headers);
  const model = isMantle ? findMantleModel(call.resourceId) : findModel(call.resourceId, call.region);
  if (!row.supports(model, isMantle)) {
    throw invalid(`The model '${call.resourceId}' does not support the '${row.path}' API`);
  }
  const own: OwnCall = { body, model, isMantle, headers, state: call.state };
  const stream = body["stream"] === true;
  const prompt = promptOfInvoke(row.toBody(own), { model, state: call.state, stream });
  const answer = answerPrompt(prompt, model, call.state);
  return stream
    ? { kind: "text events", events: row.events(answer, own), headers: new Headers() }
    : { kind: "json", body: row.answer(answer, own), sorted: false, headers: new Headers() };
}

function isSignedForMantle(headers: Headers): boolean {
  return /Credential=[^,]*\/bedrock-mantle\//.test(headers.get("authorization") ?? "");
}

/** The mantle endpoint knows models by their bare ids, and no profiles. */
function findMantleModel(id: string): Model {
  const model = MODELS.find((each) => each.id === id);
  if (model === undefined) {
    throw new BedrockException("ResourceNotFoundException", `The model '${id}' does not exist`);
  }
  return model;
}

function refused(api: OwnApi, { name, message, details }: BedrockException): Outcome {
  const type = name === "ResourceNotFoundException" ? "not_found_error" : "invalid_request_error";
  const error: Record<string, JsonValue> = { message, type };
  const body = api === "messages"
    ? { type: "error", error }
    : { error: { ...error, code: "validation_error", param: null, ...details.members } };
  const headers = new Headers(details.headers);
  return { kind: "json", body, sorted: false, headers, status: EXCEPTION_STATUS[name] };
}
