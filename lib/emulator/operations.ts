/** What each operation does with a request that is authentic: parse, check, answer. */

import { Buffer } from "node:buffer";
import type { Clock } from "../base/clock.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json.ts";
import { type Answer, answerPrompt, type ModelState } from "./answer.ts";
import { claudeEvents, claudeMessage } from "./claude_answer.ts";
import { parseClaudeBody } from "./claude_body.ts";
import { checkClaudePrompt } from "./claude_rules.ts";
import { converseEvents, type ConverseExchange, converseResponse } from "./converse_answer.ts";
import { converseToPrompt } from "./converse_prompt.ts";
import { type ConverseRequest, parseConverseRequest, parseCountTokensRequest } from "./converse_request.ts";
import { checkConversation } from "./converse_rules.ts";
import { invalid, ModelRefusal } from "./exception.ts";
import type { StreamEvent } from "./frames.ts";
import { guardrailTrace } from "./guardrail.ts";
import { findCountingModel, findModel, type Model } from "./models.ts";
import { novaEvents, novaMessage, novaToConverse } from "./nova.ts";
import { countPromptTokens, type Guardrail, type Prompt } from "./prompt.ts";
import type { Operation } from "./route.ts";

/** One request, authentic and routed. */
export interface Call {
  readonly modelId: string;
  readonly headers: Headers;
  /** The parsed body; undefined where there was none. */
  readonly body: JsonValue | undefined;
  readonly receivedAt: number;
  readonly clock: Clock;
  readonly state: ModelState;
}

export type Outcome =
  | { readonly kind: "json"; readonly body: object; readonly sorted: boolean; readonly headers: Headers }
  | { readonly kind: "events"; readonly events: Iterable<StreamEvent>; readonly headers: Headers };

export const OPERATIONS: Readonly<Record<Operation, (call: Call) => Outcome>> = {
  converse: (call) => ({
    kind: "json",
    body: converseResponse(converse(call)),
    sorted: true,
    headers: new Headers(),
  }),
  "converse-stream": (call) => ({
    kind: "events",
    events: converseEvents(converse(call)),
    headers: new Headers(),
  }),
  "count-tokens": (call) => ({ kind: "json", body: countTokens(call), sorted: true, headers: new Headers() }),
  invoke: invoke,
  "invoke-with-response-stream": invokeStream,
};

function converse(call: Call): ConverseExchange {
  const request = parseConverseRequest(call.body ?? {});
  const model = findModel(call.modelId);
  const prompt = promptOfConverse(request, model, call.state);
  const answer = answerPrompt(prompt, model, call.state);
  return { request, prompt, model, answer, latencyMs: latencyOf(call) };
}

function promptOfConverse(request: ConverseRequest, model: Model, state: ModelState): Prompt {
  checkConversation(request, model);
  try {
    const prompt = converseToPrompt(request, model);
    if (model.family === "claude") checkClaudePrompt(prompt, model, state.seal);
    return prompt;
  } catch (error) {
    throw error instanceof ModelRefusal ? error.viaConverse() : error;
  }
}

function countTokens(call: Call): object {
  const { input } = parseCountTokensRequest(call.body ?? {});
  const model = findCountingModel(call.modelId);
  const prompt = input.converse
    ? promptOfConverse(input.converse, model, call.state)
    : promptOfInvoke(parseBase64Json(input.invokeModel?.body ?? ""), { model, state: call.state });
  return { inputTokens: countPromptTokens(prompt) };
}

function parseBase64Json(text: string): JsonValue {
  try {
    return JSON.parse(Buffer.from(text, "base64").toString());
  } catch {
    throw invalid("Malformed input request, please reformat your input and try again.");
  }
}

interface InvokeContext {
  readonly model: Model;
  readonly state: ModelState;
  readonly guardrail?: Guardrail | undefined;
}

function promptOfInvoke(body: JsonValue | undefined, { model, state, guardrail }: InvokeContext): Prompt {
  try {
    switch (model.family) {
      case "claude": {
        const prompt = parseClaudeBody(body, guardrail);
        checkClaudePrompt(prompt, model, state.seal);
        return prompt;
      }
      case "nova":
        return { ...promptOfConverse(novaToConverse(body), model, state), guardrail };
      case "other":
        throw invalid(
          "The emulator answers InvokeModel for Claude and Nova only; use Converse for this model.",
        );
    }
  } catch (error) {
    throw error instanceof ModelRefusal ? error.viaInvoke() : error;
  }
}

interface InvokeExchange {
  readonly model: Model;
  readonly prompt: Prompt;
  readonly answer: Answer;
  /** Headers that repeat what the request asked for. */
  readonly headers: Headers;
}

/** Headers of a request to InvokeModel that its response repeats. */
const ECHOED_HEADERS = ["x-amzn-bedrock-performanceconfig-latency", "x-amzn-bedrock-service-tier"];

function exchangeInvoke(call: Call): InvokeExchange {
  const model = findModel(call.modelId);
  const guardrail = guardrailOf(call);
  const prompt = promptOfInvoke(call.body, { model, state: call.state, guardrail });
  const headers = new Headers();
  for (const name of ECHOED_HEADERS) {
    const value = call.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return { model, prompt, answer: answerPrompt(prompt, model, call.state), headers };
}

function guardrailOf({ headers, body }: Call): Guardrail | undefined {
  const id = headers.get("x-amzn-bedrock-guardrailidentifier");
  const version = headers.get("x-amzn-bedrock-guardrailversion");
  const hasConfig = isJsonObject(body) && body["amazon-bedrock-guardrailConfig"] !== undefined;
  if (id === null && hasConfig) {
    throw invalid("Guardrail identifier is required when amazon-bedrock-guardrailConfig is specified.");
  }
  if ((id === null) !== (version === null)) {
    throw invalid("Both the guardrail identifier and the guardrail version must be specified.");
  }
  if (id === null || version === null) return undefined;
  return { id, version, trace: (headers.get("x-amzn-bedrock-trace") ?? "DISABLED") !== "DISABLED" };
}

function invoke(call: Call): Outcome {
  const exchange = exchangeInvoke(call);
  const { answer, model, headers } = exchange;
  const { inputTokens, readTokens, written } = answer.account;
  headers.set("x-amzn-bedrock-input-token-count", String(inputTokens));
  headers.set("x-amzn-bedrock-output-token-count", String(answer.outputTokens));
  headers.set("x-amzn-bedrock-invocation-latency", String(latencyOf(call)));
  if (model.cacheMinTokens !== undefined) {
    headers.set("x-amzn-bedrock-cache-read-input-token-count", String(readTokens));
    headers.set("x-amzn-bedrock-cache-write-input-token-count", String(written["5m"] + written["1h"]));
  }
  const message = model.family === "claude" ? claudeMessage(answer, model) : novaMessage(answer);
  return { kind: "json", body: { ...message, ...guardrailFields(exchange) }, sorted: false, headers };
}

function invokeStream(call: Call): Outcome {
  const exchange = exchangeInvoke(call);
  exchange.headers.set("x-amzn-bedrock-content-type", "application/json");
  return { kind: "events", events: chunks(exchange, latencyOf(call)), headers: exchange.headers };
}

/** The model's own events, each in a `chunk`; the last one carries the metrics of the invocation. */
function* chunks(exchange: InvokeExchange, latencyMs: number): Generator<StreamEvent> {
  const { answer, model } = exchange;
  const { inputTokens, readTokens, written } = answer.account;
  const metrics = {
    inputTokenCount: inputTokens,
    outputTokenCount: answer.outputTokens,
    invocationLatency: latencyMs,
    firstByteLatency: latencyMs,
    cacheReadInputTokenCount: readTokens,
    cacheWriteInputTokenCount: written["5m"] + written["1h"],
  };
  const events = model.family === "claude" ? claudeEvents(answer, model) : novaEvents(answer);
  for (const event of events) {
    const name = typeof event["type"] === "string" ? event["type"] : Object.keys(event)[0] ?? "";
    const isLast = name === "message_stop" || name === "metadata";
    const whole: JsonObject = isLast
      ? { ...event, "amazon-bedrock-invocationMetrics": metrics, ...guardrailFields(exchange) }
      : event;
    yield { type: "chunk", name, payload: { bytes: Buffer.from(JSON.stringify(whole)).toString("base64") } };
  }
}

function guardrailFields({ prompt: { guardrail }, answer: { intervention } }: InvokeExchange): JsonObject {
  if (guardrail === undefined) return {};
  const action = intervention === undefined ? "NONE" : "INTERVENED";
  return guardrail.trace
    ? {
      "amazon-bedrock-guardrailAction": action,
      "amazon-bedrock-trace": { guardrail: guardrailTrace(guardrail, intervention) },
    }
    : { "amazon-bedrock-guardrailAction": action };
}

function latencyOf({ clock, receivedAt }: Call): number {
  return Math.max(1, Math.round(clock.monotonic() - receivedAt));
}
