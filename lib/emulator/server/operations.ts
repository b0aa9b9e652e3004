/** Handles each operation after authentication: parse, validate, respond. */

import { Buffer } from "node:buffer";
import type { JsonValue } from "../../base/json.ts";
import { answerPrompt } from "../model/answer.ts";
import { type Call, latencyOf, type Outcome } from "./call.ts";
import { converseEvents, type ConverseExchange, converseResponse } from "../converse/answer.ts";
import { parseConverseRequest, parseCountTokensRequest } from "../converse/request.ts";
import { findEmbedder } from "../invoke/embeddings/embeddings.ts";
import { invalid } from "./exception.ts";
import { applyGuardrail, invokeGuardrailChecks } from "../guardrail/operations.ts";
import { invoke, invokeStream } from "../invoke/invoke.ts";
import { findCountingModel, findModel } from "../model/models.ts";
import { findReranker } from "../invoke/rerank.ts";
import { promptOfConverse, promptOfInvoke } from "../invoke/native_bodies.ts";
import { ownOperation } from "../own/own.ts";
import { countPromptTokens } from "../model/prompt.ts";
import type { Operation } from "./route.ts";

export const OPERATIONS: Readonly<Record<Operation, (call: Call) => Outcome>> = {
  "apply-guardrail": ({ resourceId: id, version, body }) => json(applyGuardrail({ id, version }, body)),
  converse: (call) => json(converseResponse(converse(call, false))),
  "converse-stream": (call) => ({
    kind: "events",
    events: converseEvents(converse(call, true)),
    headers: new Headers(),
  }),
  "count-tokens": (call) => json(countTokens(call)),
  "get-async-invoke": ({ jobs, resourceId }) => json(jobs.get(resourceId)),
  invoke,
  "invoke-guardrail-checks": ({ body }) => json(invokeGuardrailChecks(body)),
  "invoke-with-response-stream": invokeStream,
  "list-async-invokes": ({ jobs, query, region }) => json(jobs.list(query, region)),
  "own-chat": ownOperation("chat"),
  "own-messages": ownOperation("messages"),
  "own-responses": ownOperation("responses"),
  "start-async-invoke": ({ jobs, body, region }) => json(jobs.start(body, region)),
};

function json(body: object): Outcome {
  return { kind: "json", body, sorted: true, headers: new Headers() };
}

function converse(call: Call, stream: boolean): ConverseExchange {
  const request = parseConverseRequest(call.body ?? {});
  if (findEmbedder(call.resourceId) !== undefined || findReranker(call.resourceId) !== undefined) {
    throw invalid(
      "This action doesn't support the model that you provided. Try again with a supported text or chat model.",
    );
  }
  const model = findModel(call.resourceId, call.region);
  const prompt = promptOfConverse(request, { model, state: call.state, stream });
  const answer = answerPrompt(prompt, model, call.state);
  return { request, prompt, model, answer, latencyMs: latencyOf(call) };
}

function countTokens(call: Call): object {
  const { input } = parseCountTokensRequest(call.body ?? {});
  const model = findCountingModel(call.resourceId, call.region);
  const prompt = input.converse
    ? promptOfConverse(input.converse, { model, state: call.state })
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
