/** The native bodies of completion models: one row each for Llama, Mistral and Cohere Command. */

import { z } from "zod";
import type { JsonObject } from "../../base/json.ts";
import type { Answer, StopReason } from "../model/answer.ts";
import { parseShape } from "../converse/issues.ts";
import { type ConverseRequest, parseConverseRequest } from "../converse/request.ts";
import type { NativeBody } from "./native_body.ts";
import { tokenize } from "../model/tokens.ts";

const sampling = {
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.number().min(0).optional(),
  k: z.number().min(0).optional(),
  p: z.number().min(0).max(1).optional(),
};

/** The Converse request equivalent to the completion. */
function complete(prompt: string, maxTokens: number | undefined, stopSequences?: string[]): ConverseRequest {
  return parseConverseRequest({
    messages: [{ role: "user", content: [{ text: prompt }] }],
    inferenceConfig: {
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(stopSequences === undefined ? {} : { stopSequences }),
    },
  });
}

function textOf(answer: Answer): string {
  return answer.blocks.flatMap((block) => block.kind === "text" ? [block.text] : []).join("");
}

interface Place {
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** One object for each piece of the text; an empty text is one piece. */
function pieces(answer: Answer, piece: (text: string, place: Place) => JsonObject): JsonObject[] {
  const tokens = tokenize(textOf(answer));
  const texts = tokens.length === 0 ? [""] : tokens;
  return texts.map((text, index) =>
    piece(text, { isFirst: index === 0, isLast: index === texts.length - 1 })
  );
}

const STOP_OR_LENGTH: Readonly<Record<StopReason, string>> = {
  end_turn: "stop",
  guardrail_intervened: "stop",
  max_tokens: "length",
  stop_sequence: "stop",
  tool_use: "stop",
};

const llamaRequest = z.strictObject({
  prompt: z.string().min(1),
  max_gen_len: z.int().min(1).max(8192).optional(),
  images: z.array(z.base64()).optional(),
  temperature: sampling.temperature,
  top_p: sampling.top_p,
});

/** The last user text marked by Llama's template; everything if there is no template. */
const LLAMA_USER = /<\|start_header_id\|>user<\|end_header_id\|>\s*([^]*?)(?:<\|eot_id\|>|$)/g;

export const LLAMA: NativeBody = {
  toConverse(body) {
    const { prompt, max_gen_len: maxTokens = 512 } = parseShape(llamaRequest, body ?? {});
    return complete([...prompt.matchAll(LLAMA_USER)].at(-1)?.[1] ?? prompt, maxTokens);
  },
  message: (answer) => ({
    generation: textOf(answer),
    prompt_token_count: answer.account.inputTokens,
    generation_token_count: answer.outputTokens,
    stop_reason: STOP_OR_LENGTH[answer.stopReason],
  }),
  events: (answer) =>
    pieces(answer, (generation, { isFirst, isLast }) => ({
      generation,
      prompt_token_count: isFirst ? answer.account.inputTokens : null,
      generation_token_count: 1,
      stop_reason: isLast ? STOP_OR_LENGTH[answer.stopReason] : null,
    })),
};

const mistralRequest = z.strictObject({
  prompt: z.string().min(1),
  max_tokens: z.int().min(1).max(8192).optional(),
  stop: z.array(z.string()).optional(),
  temperature: sampling.temperature,
  top_p: sampling.top_p,
  top_k: sampling.top_k,
});

export const MISTRAL: NativeBody = {
  toConverse(body) {
    const { prompt, max_tokens: maxTokens = 512, stop } = parseShape(mistralRequest, body ?? {});
    return complete(/.*\[INST\]\s*([^]*?)\s*\[\/INST\]/s.exec(prompt)?.[1] ?? prompt, maxTokens, stop);
  },
  message: (answer) => ({
    outputs: [{ text: textOf(answer), stop_reason: STOP_OR_LENGTH[answer.stopReason] }],
  }),
  events: (answer) =>
    pieces(answer, (text, { isLast }) => ({
      outputs: [{ text, stop_reason: isLast ? STOP_OR_LENGTH[answer.stopReason] : null }],
    })),
};

const commandRequest = z.strictObject({
  message: z.string().min(1),
  chat_history: z.array(z.strictObject({
    role: z.enum(["USER", "CHATBOT"]),
    message: z.string(),
  })).optional(),
  preamble: z.string().optional(),
  max_tokens: z.int().min(1).max(4096).optional(),
  stop_sequences: z.array(z.string()).optional(),
  temperature: sampling.temperature,
  p: sampling.p,
  k: sampling.k,
  seed: z.int().optional(),
  return_prompt: z.boolean().optional(),
});

const COMMAND_FINISH: Readonly<Record<StopReason, string>> = {
  end_turn: "COMPLETE",
  guardrail_intervened: "COMPLETE",
  max_tokens: "MAX_TOKENS",
  stop_sequence: "STOP_SEQUENCE",
  tool_use: "COMPLETE",
};

export const COMMAND: NativeBody = {
  toConverse(body) {
    const { message, max_tokens: maxTokens, stop_sequences: stops } = parseShape(commandRequest, body ?? {});
    return complete(message, maxTokens, stops);
  },
  message: commandMessage,
  *events(answer) {
    for (const text of tokenize(textOf(answer))) {
      yield { is_finished: false, event_type: "text-generation", text };
    }
    yield {
      is_finished: true,
      event_type: "stream-end",
      response: commandMessage(answer),
      finish_reason: COMMAND_FINISH[answer.stopReason],
    };
  },
};

function commandMessage(answer: Answer): JsonObject {
  return {
    response_id: answer.key,
    generation_id: answer.key,
    text: textOf(answer),
    chat_history: [{ role: "CHATBOT", message: textOf(answer) }],
    finish_reason: COMMAND_FINISH[answer.stopReason],
  };
}
