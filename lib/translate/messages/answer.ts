/** Converse -> Anthropic Messages: the whole response. */

import { AditError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import type { Usage } from "../../base/usage.ts";
import { messagesUsage } from "../../wire/anthropic/answer.ts";
import type { AnswerBlock, MessageAnswer } from "../../wire/anthropic/answer.ts";
import { redactedData } from "../../wire/anthropic/redacted.ts";
import type { Citation, ConverseResponse, ResponseBlock } from "../../wire/bedrock/converse.ts";
import { NO_TOKENS } from "../../wire/usage.ts";
import {
  oddStopReason,
  SECOND_ANSWER,
  TEXT_BESIDE_ANSWER,
  UNKNOWN_CITATION,
  unknownBlock,
} from "../converse/anomalies.ts";
import { messagesCitation } from "./citations.ts";
import type { MessagesCall } from "./request.ts";
import { isMalformed, stopReasonRow } from "../converse/stop_reasons.ts";

export interface MessageContext {
  /** `msg_` and a unique suffix. */
  readonly id: string;
  /** The model name that the caller sent. */
  readonly model: string;
  /** For the body of an error in a stream. */
  readonly requestId: string;
  readonly call: Pick<MessagesCall, "toolNames" | "structuredTool" | "isStructured" | "stopSequences">;
}

export interface MessageResult {
  readonly body: MessageAnswer;
  /** Undefined if Bedrock did not report it. */
  readonly usage: Usage | undefined;
  /** What the response had that Messages cannot represent, for the log and the metrics. */
  readonly anomalies: readonly string[];
}

/** Translates a response; unknown blocks and stop reasons are never an error. */
export function converseToMessages(response: ConverseResponse, context: MessageContext): MessageResult {
  const { id, model, call } = context;
  const anomalies: string[] = [];
  const blocks = response.content.flatMap((block) => answerBlock(block, { call, anomalies }));
  const content = call.structuredTool === undefined
    ? blocks
    : structuredContent(response, { blocks, call, anomalies });
  const body: MessageAnswer = {
    id,
    type: "message",
    role: "assistant",
    model,
    content,
    ...messagesStop(response.stopReason, {
      ...call,
      hasToolCalls: content.some(({ type }) => type === "tool_use"),
      anomalies,
    }),
    usage: messagesUsage(response.usage ?? NO_TOKENS),
  };
  return { body, usage: response.usage, anomalies };
}

interface BlockContext {
  readonly call: MessageContext["call"];
  readonly anomalies: string[];
}

/** The block in Messages' form; none for empty text, which a caller could not send back. */
function answerBlock(block: ResponseBlock, { call, anomalies }: BlockContext): AnswerBlock[] {
  switch (block.type) {
    case "text":
      return block.text === "" ? [] : [{ type: "text", text: block.text }];
    case "citations": {
      const citations = readCitations(block.citations, anomalies);
      if (citations.length === 0) return block.text === "" ? [] : [{ type: "text", text: block.text }];
      return [{ type: "text", text: block.text, citations }];
    }
    case "toolUse": {
      const { toolUseId: id, input } = block;
      if (block.name === call.structuredTool) return [];
      return [{ type: "tool_use", id, name: call.toolNames.toCaller(block.name), input }];
    }
    case "reasoningText":
      return [{ type: "thinking", thinking: block.text, signature: block.signature ?? "" }];
    case "redactedContent":
      return [{ type: "redacted_thinking", data: redactedData(block.data) }];
    case "unknown":
      anomalies.push(unknownBlock(block.name));
      return [];
  }
}

function readCitations(citations: readonly Citation[], anomalies: string[]): JsonObject[] {
  const read = citations.map(messagesCitation);
  const known = read.filter((citation) => citation !== undefined);
  if (known.length < read.length) anomalies.push(UNKNOWN_CITATION);
  return known;
}

interface StructuredContext extends BlockContext {
  /** The calls, without the one for structured output. */
  readonly blocks: readonly AnswerBlock[];
}

/** The content if a tool is used for structured output: its input replaces all text. */
function structuredContent(
  { content }: ConverseResponse,
  { blocks, call, anomalies }: StructuredContext,
): AnswerBlock[] {
  const answers = content.flatMap((block) =>
    block.type === "toolUse" && block.name === call.structuredTool ? [jsonText(block.input)] : []
  );
  const text = blocks.map((block) => block.type === "text" ? block.text : "").join("");
  const others = blocks.filter(({ type }) => type !== "text");
  if (answers.length > 1) anomalies.push(SECOND_ANSWER);
  if (answers.length > 0 && text !== "") anomalies.push(TEXT_BESIDE_ANSWER);
  const only = answers[0] ?? text;
  return only === "" ? others : [...others, { type: "text", text: only }];
}

/** Why a message ended, as in a whole message and in `message_delta`. */
export type StopDelta = Pick<MessageAnswer, "stop_reason" | "stop_sequence">;

/** What determines the stop reason in addition to Bedrock's own value. */
export interface StopContext {
  readonly hasToolCalls: boolean;
  /** Whether the answer must have a format. */
  readonly isStructured: boolean;
  /** The sequences that were asked for. */
  readonly stopSequences: readonly string[];
  /** Receives a stop reason that Messages cannot represent. */
  readonly anomalies: string[];
}

/**
 * Why the message ended. Converse does not report which stop sequence matched; it is only known if there is one. Throws
 * `model_error` for a malformed structured answer.
 */
export function messagesStop(
  stopReason: string,
  { hasToolCalls, isStructured, stopSequences, anomalies }: StopContext,
): StopDelta {
  if (isStructured && isMalformed(stopReason)) {
    throw new AditError("model_error", `the model's structured answer is malformed (${stopReason})`);
  }
  const { messages: reason, anomaly } = stopReasonRow(stopReason, hasToolCalls);
  if (anomaly) anomalies.push(oddStopReason(stopReason));
  const [only = null, ...others] = stopSequences;
  return {
    stop_reason: reason,
    stop_sequence: reason === "stop_sequence" && others.length === 0 ? only : null,
  };
}
