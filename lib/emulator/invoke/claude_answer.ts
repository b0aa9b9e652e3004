/** A response in Claude's own API, whole or as a stream of events. */

import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Answer, AnswerBlock } from "../model/answer.ts";
import type { Model } from "../model/catalog.ts";
import { tokenize } from "../model/tokens.ts";

/** The model's name without provider and version suffix. */
export function bareName(id: string): string {
  return id.replace(/^anthropic\.|-v\d+(:\d+)?$/g, "");
}

/** `model` is the bare name, without provider and version suffix. */
export function claudeMessage(answer: Answer, model: Model): JsonObject {
  return {
    model: bareName(model.id),
    id: `msg_bdrk_${answer.key}`,
    type: "message",
    role: "assistant",
    content: answer.blocks.map(contentBlock),
    stop_reason: stopReason(answer),
    stop_sequence: answer.stopSequence ?? null,
    usage: { ...inputUsage(answer), output_tokens: answer.outputTokens },
  };
}

/** The events of the message, without the invocation metrics that Bedrock adds to the last one. */
export function* claudeEvents(answer: Answer, model: Model): Generator<JsonObject> {
  const message = { ...claudeMessage(answer, model), content: [], stop_reason: null, stop_sequence: null };
  yield {
    type: "message_start",
    message: { ...message, usage: { ...inputUsage(answer), output_tokens: 1 } },
  };
  for (const [index, block] of answer.blocks.entries()) {
    yield { type: "content_block_start", index, content_block: emptyBlock(block) };
    for (const delta of deltas(block)) yield { type: "content_block_delta", index, delta };
    yield { type: "content_block_stop", index };
  }
  yield {
    type: "message_delta",
    delta: { stop_reason: stopReason(answer), stop_sequence: answer.stopSequence ?? null },
    usage: { output_tokens: answer.outputTokens },
  };
  yield { type: "message_stop" };
}

/** A guardrail's intervention ends the message normally; additional fields report it. */
function stopReason({ stopReason }: Answer): string {
  return stopReason === "guardrail_intervened" ? "end_turn" : stopReason;
}

function inputUsage({ account: { inputTokens, readTokens, written, writtenTokens } }: Answer): JsonObject {
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: writtenTokens,
    cache_read_input_tokens: readTokens,
    cache_creation: { ephemeral_5m_input_tokens: written["5m"], ephemeral_1h_input_tokens: written["1h"] },
  };
}

function contentBlock(block: AnswerBlock): JsonObject {
  switch (block.kind) {
    case "text":
      return { type: "text", text: block.text };
    case "reasoning":
      return { type: "thinking", thinking: block.text, signature: block.signature ?? "" };
    case "redacted":
      return { type: "redacted_thinking", data: block.data };
    case "tool_use":
      return { type: "tool_use", id: `toolu_bdrk_${block.key}`, name: block.name, input: block.input };
  }
}

function emptyBlock(block: AnswerBlock): JsonObject {
  switch (block.kind) {
    case "text":
      return { type: "text", text: "" };
    case "reasoning":
      return { type: "thinking", thinking: "", signature: "" };
    case "redacted":
      return contentBlock(block);
    case "tool_use":
      return { ...contentBlock(block), input: {} };
  }
}

function* deltas(block: AnswerBlock): Generator<JsonValue> {
  switch (block.kind) {
    case "text":
      for (const text of tokenize(block.text)) yield { type: "text_delta", text };
      return;
    case "reasoning":
      for (const thinking of tokenize(block.text)) yield { type: "thinking_delta", thinking };
      yield { type: "signature_delta", signature: block.signature ?? "" };
      return;
    case "redacted":
      return;
    case "tool_use":
      yield { type: "input_json_delta", partial_json: "" };
      for (const piece of tokenize(JSON.stringify(block.input))) {
        yield { type: "input_json_delta", partial_json: piece };
      }
  }
}
