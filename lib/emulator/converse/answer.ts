/** A response as Converse and ConverseStream return it. */

import { Buffer } from "node:buffer";
import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import type { Answer, AnswerBlock } from "../model/answer.ts";
import { claudeMessage } from "../invoke/claude_answer.ts";
import type { ConverseRequest } from "./request.ts";
import type { StreamEvent } from "../server/frames.ts";
import { guardrailTrace } from "../guardrail/guardrail.ts";
import type { Model } from "../model/catalog.ts";
import type { Prompt } from "../model/prompt.ts";
import { tokenize } from "../model/tokens.ts";

/** One exchange being answered. */
export interface ConverseExchange {
  readonly request: ConverseRequest;
  readonly prompt: Prompt;
  readonly model: Model;
  readonly answer: Answer;
  readonly latencyMs: number;
}

/**
 * The body of a Converse response, with usage and, if it was requested, the trace of the guardrail.
 */
export function converseResponse(exchange: ConverseExchange): object {
  const { answer, model } = exchange;
  return {
    ...modelFields(exchange),
    ...trailer(exchange),
    output: {
      message: { content: answer.blocks.map((block) => contentBlock(block, model)), role: "assistant" },
    },
    stopReason: answer.stopReason,
  };
}

/** Text and reasoning blocks have no start event; the usage comes last, after `messageStop`. */
export function* converseEvents(exchange: ConverseExchange): Generator<StreamEvent> {
  const { answer, model } = exchange;
  yield event("messageStart", { role: "assistant" });
  const blocks: readonly AnswerBlock[] = model.emptyLead
    ? [{ kind: "text", text: "" }, ...answer.blocks]
    : answer.blocks;
  for (const [contentBlockIndex, block] of blocks.entries()) {
    yield* blockEvents(block, model, contentBlockIndex);
    yield event("contentBlockStop", { contentBlockIndex });
  }
  yield event("messageStop", { ...modelFields(exchange), stopReason: answer.stopReason });
  yield event("metadata", trailer(exchange));
}

function event(type: string, payload: object): StreamEvent {
  return { type, name: type, payload };
}

function* blockEvents(block: AnswerBlock, model: Model, contentBlockIndex: number): Generator<StreamEvent> {
  const delta = (delta: object) => event("contentBlockDelta", { contentBlockIndex, delta });
  switch (block.kind) {
    case "text":
      if (block.text === "") yield delta({ text: "" });
      for (const text of tokenize(block.text)) yield delta({ text });
      return;
    case "reasoning":
      for (const text of tokenize(block.text)) yield delta({ reasoningContent: { text } });
      if (block.signature !== undefined) yield delta({ reasoningContent: { signature: block.signature } });
      return;
    case "redacted":
      yield delta({ reasoningContent: { redactedContent: blob(block.data) } });
      return;
    case "tool_use": {
      const { toolUse: { input, ...toolUse } } = toolUseBlock(block, model);
      yield event("contentBlockStart", { contentBlockIndex, start: { toolUse } });
      if (model.family === "claude") yield delta({ toolUse: { input: "" } });
      for (const piece of tokenize(JSON.stringify(input))) yield delta({ toolUse: { input: piece } });
    }
  }
}

function contentBlock(block: AnswerBlock, model: Model): object {
  switch (block.kind) {
    case "text":
      return { text: block.text };
    case "reasoning": {
      const { text, signature } = block;
      return {
        reasoningContent: { reasoningText: signature === undefined ? { text } : { signature, text } },
      };
    }
    case "redacted":
      return { reasoningContent: { redactedContent: blob(block.data) } };
    case "tool_use":
      return toolUseBlock(block, model);
  }
}

type ToolUse = Extract<AnswerBlock, { kind: "tool_use" }>;

interface ToolUseMembers {
  readonly input: JsonValue;
  readonly name: string;
  readonly toolUseId: string;
  readonly type?: string;
}

function toolUseBlock(
  { key, name, input }: ToolUse,
  model: Model,
): { readonly toolUse: ToolUseMembers } {
  const toolUse = { input, name, toolUseId: `tooluse_${key.slice(0, 22)}` };
  // Claude marks its calls with a type that is not in AWS's model; Nova does not.
  return { toolUse: model.family === "claude" ? { ...toolUse, type: "tool_use" } : toolUse };
}

/** Claude's redacted reasoning is base64 text, which Converse carries as a blob, so it is encoded twice. */
function blob(data: string): string {
  return Buffer.from(data).toString("base64");
}

/** The members of the response besides the message, and of the stream's last event. */
function trailer({ request, prompt, answer, model, latencyMs }: ConverseExchange): object {
  const { performanceConfig, serviceTier } = request;
  const { guardrail } = prompt;
  return {
    metrics: { latencyMs },
    ...(performanceConfig === undefined ? {} : { performanceConfig }),
    ...(serviceTier === undefined ? {} : { serviceTier }),
    ...(guardrail?.trace ? { trace: { guardrail: guardrailTrace(guardrail, answer.intervention) } } : {}),
    usage: usageOf(answer, model),
  };
}

function usageOf({ account, outputTokens }: Answer, model: Model): object {
  const { inputTokens, readTokens, written, writtenTokens } = account;
  const details = (["1h", "5m"] as const).flatMap((ttl) =>
    written[ttl] > 0 ? [{ inputTokens: written[ttl], ttl }] : []
  );
  const cached = model.cacheMinTokens === undefined ? {} : {
    ...(details.length > 0 ? { cacheDetails: details } : {}),
    // The service sends each count under two names, the second of which is not in AWS's model.
    cacheReadInputTokenCount: readTokens,
    cacheReadInputTokens: readTokens,
    cacheWriteInputTokenCount: writtenTokens,
    cacheWriteInputTokens: writtenTokens,
  };
  return {
    ...cached,
    inputTokens,
    outputTokens,
    serverToolUsage: {},
    totalTokens: inputTokens + outputTokens + readTokens + writtenTokens,
  };
}

/** The fields of the model's own response that the request selects, at their original positions. */
function modelFields(
  { request, answer, model }: ConverseExchange,
): { additionalModelResponseFields?: JsonValue } {
  let fields: JsonObject = {};
  for (const pointer of request.additionalModelResponseFieldPaths ?? []) {
    const path = pointer.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const value = valueAt(claudeMessage(answer, model), path);
    if (value !== undefined) fields = withValue(fields, path, value);
  }
  return Object.keys(fields).length === 0 ? {} : { additionalModelResponseFields: fields };
}

function valueAt(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (found, name) => isJsonObject(found) ? found[name] : undefined,
    value,
  );
}

function withValue(
  object: JsonObject,
  [name = "", ...rest]: readonly string[],
  value: JsonValue,
): JsonObject {
  if (rest.length === 0) return { ...object, [name]: value };
  const inner = object[name];
  return { ...object, [name]: withValue(isJsonObject(inner) ? inner : {}, rest, value) };
}
