/** Converse -> Chat Completions: the whole response. */

import { AditError } from "../../base/errors.ts";
import { hasNoMembers } from "../../base/json.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import type { Usage } from "../../base/usage.ts";
import type { ConverseResponse } from "../../wire/bedrock/converse.ts";
import type { Placed, ThinkingBlock, ThoughtPosition } from "../../wire/openai/thinking.ts";
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
import { openAiExtras } from "../converse/extras.ts";
import { chatUsage } from "./usage.ts";
import { isMalformed, stopReasonRow } from "../converse/stop_reasons.ts";

export interface CompletionContext {
  /** `chatcmpl-` and a unique suffix. */
  readonly id: string;
  /** Seconds since the Unix epoch. */
  readonly created: number;
  /** The model name that the caller sent. */
  readonly model: string;
  readonly call: Pick<ChatCall, "toolNames" | "structuredTool" | "isStructured" | "includeUsage">;
}

export interface CompletionResult {
  readonly body: ChatCompletion;
  /** Undefined if Bedrock did not report it. */
  readonly usage: Usage | undefined;
  /** What the response had that Chat cannot represent, for the log and the metrics. */
  readonly anomalies: readonly string[];
}

/**
 * Translates an answer; never fails over a block or a stop reason that it does not know. Throws `model_error` for a
 * malformed structured answer.
 */
export function converseToChat(
  response: ConverseResponse,
  { id, created, model, call }: CompletionContext,
): CompletionResult {
  const answer = readBlocks(response, call);
  const { toolCalls, anomalies } = answer;
  const usage = response.usage;
  const extras = openAiExtras(response);
  const completion: { -readonly [Name in keyof ChatCompletion]: ChatCompletion[Name] } = {
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
  };
  if (usage !== undefined) completion.usage = chatUsage(usage);
  const body = hasNoMembers(extras) ? completion : { ...completion, ...extras };
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
        const input = jsonText(block.input);
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
        // Without its signature a thought cannot be sent back, so there is no block to keep.
        if (signature) {
          answer.thinking.push({ type: "thinking", thinking, signature, ...here(answer, call) });
        }
        break;
      }
      case "redactedContent":
        answer.thinking.push({ type: "redacted_thinking", data: block.data, ...here(answer, call) });
        break;
      case "unknown":
        answer.anomalies.push(unknownBlock(block.name));
        break;
    }
  }
  if (answer.structured !== undefined && answer.text !== "") answer.anomalies.push(TEXT_BESIDE_ANSWER);
  return answer;
}

function here({ text, toolCalls }: Answer, call: CompletionContext["call"]): Placed {
  return thoughtPosition({ content: text.length, tool_calls: toolCalls.length }, call);
}

/**
 * The position of a thought, as a member; none for a thought that comes first. If a tool provides the structured
 * output, the caller does not see the text, so it does not count.
 */
export function thoughtPosition(
  { content, tool_calls }: ThoughtPosition,
  { structuredTool }: Pick<ChatCall, "structuredTool">,
): Placed {
  const shown = structuredTool === undefined ? content : 0;
  return shown === 0 && tool_calls === 0 ? {} : { position: { content: shown, tool_calls } };
}

function message(answer: Answer): ChatAnswer {
  const message: { -readonly [Name in keyof ChatAnswer]: ChatAnswer[Name] } = {
    role: "assistant",
    content: answer.structured ?? (answer.text || null),
    refusal: null,
  };
  if (answer.toolCalls.length > 0) message.tool_calls = answer.toolCalls;
  if (answer.reasoning !== "") message.reasoning_content = answer.reasoning;
  if (answer.thinking.length > 0) message.thinking_blocks = answer.thinking;
  if (answer.annotations.length > 0) message.annotations = answer.annotations;
  return message;
}

export interface FinishContext {
  readonly hasToolCalls: boolean;
  readonly anomalies: string[];
  readonly call: Pick<ChatCall, "isStructured">;
}

/**
 * The finish reason; adds to `anomalies` a stop reason that Chat has no word for. Throws `model_error` for a malformed
 * structured answer.
 */
export function finishReason(
  stopReason: string,
  { hasToolCalls, anomalies, call }: FinishContext,
): FinishReason {
  if (call.isStructured && isMalformed(stopReason)) {
    throw new AditError("model_error", `the model's structured answer is malformed (${stopReason})`);
  }
  const row = stopReasonRow(stopReason, hasToolCalls);
  if (row.anomaly) anomalies.push(oddStopReason(stopReason));
  return row.chat;
}
