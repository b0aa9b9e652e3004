/**
 * InvokeModel and InvokeModelWithResponseStream: the model's own body, with token counts in headers or the last
 * chunk.
 */

import { Buffer } from "node:buffer";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { type Answer, answerPrompt } from "../model/answer.ts";
import { type Call, latencyOf, type Outcome } from "../server/call.ts";
import type { Embedder } from "./embeddings/embedder.ts";
import { findEmbedder } from "./embeddings/embeddings.ts";
import { invalid } from "../server/exception.ts";
import type { StreamEvent } from "../server/frames.ts";
import { guardrailTrace } from "../guardrail/guardrail.ts";
import type { Model } from "../model/catalog.ts";
import { findModel } from "../model/models.ts";
import { findReranker, type Reranker } from "./rerank.ts";
import { nativeEvents, nativeMessage, promptOfInvoke } from "./native_bodies.ts";
import type { Guardrail, Prompt } from "../model/prompt.ts";

interface InvokeExchange {
  readonly model: Model;
  readonly prompt: Prompt;
  readonly answer: Answer;
  /** Response headers that repeat those of the request. */
  readonly headers: Headers;
}

/** Headers of an InvokeModel request that its response repeats. */
const ECHOED_HEADERS = ["x-amzn-bedrock-performanceconfig-latency", "x-amzn-bedrock-service-tier"];

function exchangeInvoke(call: Call, stream: boolean): InvokeExchange {
  const model = findModel(call.resourceId, call.region);
  const guardrail = guardrailOf(call);
  const prompt = promptOfInvoke(call.body, { model, state: call.state, stream, guardrail });
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

/** InvokeModel's result, from a text model, an embedding model or a rerank model. */
export function invoke(call: Call): Outcome {
  const embedder = findEmbedder(call.resourceId);
  if (embedder !== undefined) return invokeEmbedder(embedder, call);
  const reranker = findReranker(call.resourceId);
  return reranker === undefined ? invokeModel(call) : invokeReranker(reranker, call);
}

function invokeReranker(reranker: Reranker, call: Call): Outcome {
  const body = reranker.rank(call.body);
  const headers = new Headers({ "x-amzn-bedrock-invocation-latency": String(latencyOf(call)) });
  return { kind: "json", body, sorted: false, headers };
}

/** Embeddings have no output tokens, and no header for them; some models report no input tokens either. */
function invokeEmbedder(embedder: Embedder, call: Call): Outcome {
  const { body, inputTokens } = embedder.embed(call.body);
  const headers = new Headers({
    "x-amzn-bedrock-invocation-latency": String(latencyOf(call)),
    ...(inputTokens !== undefined && { "x-amzn-bedrock-input-token-count": String(inputTokens) }),
  });
  return { kind: "json", body, sorted: false, headers };
}

function invokeModel(call: Call): Outcome {
  const exchange = exchangeInvoke(call, false);
  const { answer, model, headers } = exchange;
  const { inputTokens, readTokens, writtenTokens } = answer.account;
  headers.set("x-amzn-bedrock-input-token-count", String(inputTokens));
  headers.set("x-amzn-bedrock-output-token-count", String(answer.outputTokens));
  headers.set("x-amzn-bedrock-invocation-latency", String(latencyOf(call)));
  if (model.cacheMinTokens !== undefined) {
    headers.set("x-amzn-bedrock-cache-read-input-token-count", String(readTokens));
    headers.set("x-amzn-bedrock-cache-write-input-token-count", String(writtenTokens));
  }
  const message = nativeMessage(answer, model);
  return { kind: "json", body: { ...message, ...guardrailFields(exchange) }, sorted: false, headers };
}

/** InvokeModelWithResponseStream's result; embedding models have none and are refused. */
export function invokeStream(call: Call): Outcome {
  const exchange = exchangeInvoke(call, true);
  exchange.headers.set("x-amzn-bedrock-content-type", "application/json");
  return { kind: "events", events: chunks(exchange, latencyOf(call)), headers: exchange.headers };
}

/** The model's own events, each in a `chunk`; the last one has the invocation metrics. */
function* chunks(exchange: InvokeExchange, latencyMs: number): Generator<StreamEvent> {
  const { answer, model } = exchange;
  const { inputTokens, readTokens, writtenTokens } = answer.account;
  const metrics = {
    inputTokenCount: inputTokens,
    outputTokenCount: answer.outputTokens,
    invocationLatency: latencyMs,
    firstByteLatency: latencyMs,
    cacheReadInputTokenCount: readTokens,
    cacheWriteInputTokenCount: writtenTokens,
  };
  const events = [...nativeEvents(answer, model)];
  for (const [index, event] of events.entries()) {
    const name = typeof event["type"] === "string" ? event["type"] : Object.keys(event)[0] ?? "";
    const isLast = index === events.length - 1;
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
