/** Nova's native body in InvokeModel, and its response: Converse's shapes with a few different names. */

import { z } from "zod";
import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import type { Answer, AnswerBlock } from "../model/answer.ts";
import { type ConverseRequest, parseConverseRequest } from "../converse/request.ts";
import { invalid } from "../server/exception.ts";
import { tokenize } from "../model/tokens.ts";

const inferenceConfig = z.strictObject({
  maxTokens: z.int().min(1).optional(),
  max_new_tokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(1).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.int().min(0).max(128).optional(),
  stopSequences: z.array(z.string().min(1)).optional(),
});

/** A Nova body as the equivalent Converse request. */
export function novaToConverse(body: JsonValue | undefined): ConverseRequest {
  if (!isJsonObject(body)) throw malformed("#: expected type: JSONObject");
  const { schemaVersion = "messages-v1", inferenceConfig: config = {}, reasoningConfig, ...rest } = body;
  if (schemaVersion !== "messages-v1") {
    throw malformed(`#/schemaVersion: ${JSON.stringify(schemaVersion)} is not a valid enum value`);
  }
  if (!Array.isArray(rest["messages"])) throw malformed("#: required key [messages] not found");
  const allowed = ["messages", "system", "toolConfig"];
  const unknown = Object.keys(rest).find((name) =>
    !allowed.includes(name) && !name.startsWith("amazon-bedrock-")
  );
  if (unknown !== undefined) throw malformed(`#: extraneous key [${unknown}] is not permitted`);
  const result = inferenceConfig.safeParse(config);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw malformed(`#/${["inferenceConfig", ...(issue?.path ?? [])].join("/")}: ${issue?.message}`);
  }
  const { max_new_tokens: maxNewTokens, maxTokens = maxNewTokens, topK, ...inference } = result.data;
  return parseConverseRequest({
    messages: rest["messages"],
    ...(rest["system"] === undefined ? {} : { system: rest["system"] }),
    ...(rest["toolConfig"] === undefined ? {} : { toolConfig: rest["toolConfig"] }),
    inferenceConfig: maxTokens === undefined ? inference : { ...inference, maxTokens },
    additionalModelRequestFields: {
      ...(topK === undefined ? {} : { inferenceConfig: { topK } }),
      ...(reasoningConfig === undefined ? {} : { reasoningConfig }),
    },
  });
}

function malformed(problem: string): Error {
  return invalid(`Malformed input request: ${problem}, please reformat your input and try again.`);
}

/** The body of an InvokeModel response. */
export function novaMessage(answer: Answer): JsonObject {
  return {
    output: { message: { content: answer.blocks.map(contentBlock), role: "assistant" } },
    stopReason: answer.stopReason,
    usage: usageOf(answer),
  };
}

/** The objects of the stream: a block for each piece of text, and a tool's input in one piece. */
export function* novaEvents(answer: Answer): Generator<JsonObject> {
  yield { messageStart: { role: "assistant" } };
  let contentBlockIndex = 0;
  for (const block of answer.blocks) {
    for (const { start, delta } of pieces(block)) {
      if (start !== undefined) yield { contentBlockStart: { start, contentBlockIndex } };
      yield { contentBlockDelta: { delta, contentBlockIndex } };
      yield { contentBlockStop: { contentBlockIndex } };
      contentBlockIndex++;
    }
  }
  yield { messageStop: { stopReason: answer.stopReason } };
  yield { metadata: { usage: usageOf(answer), metrics: {}, trace: {} } };
}

interface Piece {
  readonly start?: JsonObject;
  readonly delta: JsonObject;
}

function* pieces(block: AnswerBlock): Generator<Piece> {
  switch (block.kind) {
    case "text":
      for (const text of tokenize(block.text)) yield { delta: { text } };
      return;
    case "reasoning":
      yield { delta: { reasoningContent: { text: block.text } } };
      return;
    case "redacted":
      return;
    case "tool_use":
      yield {
        start: { toolUse: { toolUseId: uuidOf(block.key), name: block.name } },
        delta: { toolUse: { input: JSON.stringify(block.input) } },
      };
  }
}

function contentBlock(block: AnswerBlock): JsonObject {
  switch (block.kind) {
    case "text":
      return { text: block.text };
    case "reasoning":
      return { reasoningContent: { reasoningText: { text: block.text } } };
    case "redacted":
      return { reasoningContent: { redactedContent: block.data } };
    case "tool_use":
      return { toolUse: { name: block.name, toolUseId: uuidOf(block.key), input: block.input } };
  }
}

/** Nova's native tool ids are UUIDs. */
function uuidOf(key: string): string {
  const hex = Array.from(key, (character) => (character.charCodeAt(0) & 15).toString(16)).join("").padEnd(
    32,
    "0",
  );
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function usageOf({ account: { inputTokens, readTokens, writtenTokens }, outputTokens }: Answer): JsonObject {
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens + readTokens + writtenTokens,
    cacheReadInputTokenCount: readTokens,
    cacheWriteInputTokenCount: writtenTokens,
  };
}
