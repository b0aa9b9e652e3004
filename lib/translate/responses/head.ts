/** Converse -> Responses: the members of a response that repeat its request. */

import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { ResponseHead } from "../../wire/openai/responses_answer.ts";
import type { ResponsesCall } from "./request.ts";

export interface AnswerContext {
  /** `resp_` and a unique suffix, which the ids of the items have, too. */
  readonly id: string;
  /** Seconds since the Unix epoch. */
  readonly createdAt: number;
  /** The model name that the caller sent. */
  readonly model: string;
  /** The current time, in seconds since the Unix epoch. */
  readonly now: () => number;
  readonly call: Omit<ResponsesCall, "request" | "ignored" | "operation">;
}

/** The members that a response has from its beginning. */
export function responseHead({ id, createdAt, model, call }: AnswerContext): ResponseHead {
  const { body, transformations } = call;
  return {
    id,
    object: "response",
    created_at: createdAt,
    model,
    instructions: repeated(body, "instructions", null),
    max_output_tokens: repeated(body, "max_output_tokens", null),
    metadata: repeated(body, "metadata", {}),
    parallel_tool_calls: repeated(body, "parallel_tool_calls", true),
    reasoning: repeated(body, "reasoning", { effort: null, summary: null }),
    temperature: repeated(body, "temperature", null),
    text: repeated(body, "text", { format: { type: "text" } }),
    tool_choice: repeated(body, "tool_choice", "auto"),
    tools: repeated(body, "tools", []),
    top_p: repeated(body, "top_p", null),
    truncation: repeated(body, "truncation", "disabled"),
    access_programs: null,
    background: false,
    previous_response_id: null,
    store: false,
    ...(transformations.length > 0 && { input_transformations: transformations }),
  };
}

function repeated(body: JsonObject, name: string, otherwise: JsonValue): JsonValue {
  return body[name] ?? otherwise;
}
