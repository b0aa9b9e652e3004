/** Converse -> Chat Completions: the whole response. */

import type { Usage } from "../../base/usage.ts";
import type { ConverseResponse } from "../../wire/bedrock/converse.ts";
import type { ThinkingBlock } from "../../wire/openai/chat_messages.ts";
import type {
  Annotation,
  ChatAnswer,
  ChatCompletion,
  FinishReason,
  ToolCallOut,
} from "../../wire/openai/completion.ts";
import { annotation } from "../converse/annotations.ts";
import { oddStopReason, SECOND_ANSWER, TEXT_BESIDE_ANSWER, unknownBlock } from "../converse/anomalies.ts";
import type { ChatCall } from "./request.ts";
import { chatExtras } from "./extras.ts";
import { chatUsage } from "./usage.ts";
import { stopReasonRow } from "../converse/stop_reasons.ts";

export interface CompletionContext {
  /** `chatcmpl-` and a unique suffix. */
  readonly id: string;
  /** Seconds since the Unix epoch. */
  readonly created: number;
  /** The model name that the caller sent. */
  readonly model: string;
  readonly call: Pick<ChatCall, "toolNames" | "structuredTool" | "includeUsage">;
}

export interface CompletionResult {
  readonly body: ChatCompletion;
  /** Undefined if Bedrock did not report it. */
  readonly usage: Usage | undefined;
  /** What the response had that Chat cannot represent, for the log and the metrics. */
  readonly anomalies: readonly string[];
}

/** Translates a response; unknown blocks and stop reasons are never an error. */
export function converseToChat(
  response: ConverseResponse,
  { id, created, model, call }: CompletionContext,
): CompletionResult {
  const answer = readBlocks(response, call);
  const { toolCalls, anomalies } = answer;
  const usage = response.usage;
  const body: ChatCompletion = {
    id,
    object: "chat.completion",
    created,
    model,
    choices: [{
      index: 0,
      message: message(answer),
      logprobs: null,
      finish_reason: finishReason(response.stopReason, {
        hasToolCalls: toolCalls.length > 0,
        anomalies,
        call,
      }),
    }],
    ...(usage && { usage: chatUsage(usage) }),
    ...chatExtras(response),
  };
  return { body, usage, anomalies };
}

interface Answer {
  text: string;
  /** The input of the tool used for structured output. */
  structured: string | undefined;
  reasoning: string;
  readonly toolCalls: ToolCallOut[];
  readonly thinking: ThinkingBlock[];
  readonly annotations: Annotation[];
  readonly anomalies: string[];
}

function readBlocks({ content }: ConverseResponse, call: CompletionContext["call"]): Answer {
  const answer: Answer = {
    text: "",
    structured: undefined,
    reasoning: "",
    toolCalls: [],
    thinking: [],
    annotations: [],
    anomalies: [],
  };
  for (const block of content) {
    switch (block.type) {
      case "text":
        answer.text += block.text;
        break;
      case "citations": {
        const range = { start: answer.text.length, end: answer.text.length + block.text.length };
        answer.text += block.text;
        answer.annotations.push(...block.citations.map((citation) => annotation(citation, range)));
        break;
      }
      case "toolUse": {
        const input = JSON.stringify(block.input);
        if (block.name !== call.structuredTool) {
          const name = call.toolNames.toCaller(block.name);
          answer.toolCalls.push({
            id: block.toolUseId,
            type: "function",
            function: { name, arguments: input },
          });
        } else if (answer.structured === undefined) answer.structured = input;
        else answer.anomalies.push(SECOND_ANSWER);
        break;
      }
      case "reasoningText": {
        const { text: thinking, signature } = block;
        answer.reasoning += thinking;
        // Without its signature, thinking cannot be sent back, so there is no block to keep.
        if (signature) answer.thinking.push({ type: "thinking", thinking, signature });
        break;
      }
      case "redactedContent":
        answer.thinking.push({ type: "redacted_thinking", data: block.data });
        break;
      case "unknown":
        answer.anomalies.push(unknownBlock(block.name));
        break;
    }
  }
  if (answer.structured !== undefined && answer.text !== "") answer.anomalies.push(TEXT_BESIDE_ANSWER);
  return answer;
}

function message(answer: Answer): ChatAnswer {
  return {
    role: "assistant",
    content: answer.structured ?? (answer.text || null),
    refusal: null,
    ...(answer.toolCalls.length > 0 && { tool_calls: answer.toolCalls }),
    ...(answer.reasoning !== "" && { reasoning_content: answer.reasoning }),
    ...(answer.thinking.length > 0 && { thinking_blocks: answer.thinking }),
    ...(answer.annotations.length > 0 && { annotations: answer.annotations }),
  };
}

export interface FinishContext {
  readonly hasToolCalls: boolean;
  readonly anomalies: string[];
  readonly call: Pick<ChatCall, "structuredTool">;
}

/** The finish reason; a stop reason that Chat cannot represent is added to `anomalies`. */
export function finishReason(
  stopReason: string,
  { hasToolCalls, anomalies, call }: FinishContext,
): FinishReason {
  const row = stopReasonRow(stopReason);
  if (row.anomaly) anomalies.push(oddStopReason(stopReason));
  // The caller does not know about the tool used for structured output.
  return row.chat === "tool_calls" && call.structuredTool !== undefined && !hasToolCalls ? "stop" : row.chat;
}
