/** OpenAI's Responses: the equivalent Chat Completions body, and the answer whole or as events. */

import { z } from "zod";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Answer, AnswerBlock } from "../model/answer.ts";
import { tokenize } from "../model/tokens.ts";
import { invalid } from "../server/exception.ts";
import type { OwnCall } from "./own_call.ts";

const part = z.looseObject({ type: z.enum(["input_text", "output_text"]), text: z.string() });
const item = z.union([
  z.looseObject({
    type: z.literal("message").optional(),
    role: z.enum(["user", "assistant", "system", "developer"]),
    content: z.union([z.string(), z.array(part)]),
  }),
  z.looseObject({
    type: z.literal("function_call"),
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
  }),
  z.looseObject({ type: z.literal("function_call_output"), call_id: z.string(), output: z.string() }),
  z.looseObject({ type: z.literal("reasoning") }),
]);

const request = z.strictObject({
  model: z.string(),
  input: z.union([z.string(), z.array(item)]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  tools: z.array(z.looseObject({ type: z.string() })).optional(),
  tool_choice: z.enum(["auto", "none", "required"]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  reasoning: z.looseObject({}).nullish(),
  text: z.looseObject({}).nullish(),
  include: z.array(z.string()).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  prompt_cache_key: z.string().nullish(),
  client_metadata: z.looseObject({}).nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  background: z.literal(false).nullish(),
});

type Item = z.infer<typeof item>;

/** Types of tools that each endpoint accepts. */
const RUNTIME_TOOLS = new Set([
  ...["function", "mcp", "custom", "apply_patch", "namespace", "tool_search", "computer"],
]);
const MANTLE_TOOLS = new Set(["function", "mcp", "custom", "namespace", "tool_search", "web_search"]);

/** Throws what the endpoint refuses. */
export function responsesBody({ body, isMantle }: OwnCall): JsonObject {
  const result = request.safeParse(body);
  if (!result.success) {
    const [issue] = result.error.issues;
    const [field] = issue?.path ?? [];
    if (field === "input") throw invalid("Invalid 'input': value did not match any expected variant");
    if (issue?.code === "unrecognized_keys") throw invalid(`Unknown parameter: '${issue.keys[0]}'.`);
    throw invalid(`Invalid '${String(field)}': ${issue?.message ?? ""}`);
  }
  const { input, instructions, max_output_tokens, tools = [], tool_choice } = result.data;
  const known = isMantle ? MANTLE_TOOLS : RUNTIME_TOOLS;
  const unknown = tools.find(({ type }) => !known.has(type));
  if (unknown !== undefined) throw invalid(`${unknown.type} is not supported for this request`);
  const functions = tools.filter(({ type }) => type === "function");
  const items: readonly Item[] = typeof input === "string" ? [{ role: "user", content: input }] : input;
  return {
    messages: [
      ...(instructions ? [{ role: "system", content: instructions }] : []),
      ...items.flatMap(messageOf),
    ],
    ...(max_output_tokens ? { max_completion_tokens: max_output_tokens } : {}),
    ...(functions.length > 0 && {
      tools: functions.map((tool) => ({
        type: "function",
        function: { name: String(tool["name"]), parameters: Object(tool["parameters"]) },
      })),
      ...(tool_choice && { tool_choice }),
    }),
  };
}

function messageOf(item: Item): JsonObject[] {
  switch (item.type) {
    case undefined:
    case "message": {
      const { role, content } = item;
      const text = typeof content === "string" ? content : content.map((each) => each.text).join("");
      return [{ role, content: text }];
    }
    case "function_call": {
      const { call_id: id, name, arguments: input } = item;
      const call = { id, type: "function", function: { name, arguments: input } };
      return [{ role: "assistant", content: null, tool_calls: [call] }];
    }
    case "function_call_output":
      return [{ role: "tool", tool_call_id: item.call_id, content: item.output }];
    case "reasoning":
      return [];
  }
}

/** The whole response. */
export function responsesAnswer(answer: Answer, { model }: OwnCall): JsonObject {
  const isCut = answer.stopReason === "max_tokens";
  return {
    ...headOf(answer, model.id),
    status: isCut ? "incomplete" : "completed",
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    output: answer.blocks.flatMap(outputOf(answer)),
    usage: {
      input_tokens: answer.account.inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: answer.outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: answer.account.inputTokens + answer.outputTokens,
    },
  };
}

function headOf({ key }: Answer, model: string): JsonObject {
  return {
    id: `resp_${key}`,
    object: "response",
    // Constant, because equal requests get equal responses.
    created_at: 1_700_000_000,
    model,
    error: null,
    store: false,
    parallel_tool_calls: true,
    tools: [],
    tool_choice: "auto",
  };
}

function outputOf({ key }: Answer): (block: AnswerBlock, index: number) => JsonObject[] {
  return (block, index) => {
    switch (block.kind) {
      case "text": {
        const content: JsonValue = [{ type: "output_text", text: block.text, annotations: [] }];
        return [{
          type: "message",
          id: `msg_${key}${index}`,
          status: "completed",
          role: "assistant",
          content,
        }];
      }
      case "tool_use":
        return [{
          type: "function_call",
          id: `fc_${key}${index}`,
          status: "completed",
          // Repeated in every response, as the service does.
          call_id: `call_${index}`,
          name: block.name,
          arguments: JSON.stringify(block.input),
        }];
      case "reasoning":
      case "redacted":
        return [{ type: "reasoning", id: `rs_${key}${index}`, summary: [], encrypted_content: key }];
    }
  };
}

/** The events in OpenAI's order. */
export function* responsesEvents(answer: Answer, call: OwnCall): Generator<string> {
  let sequence = 0;
  const event = (type: string, members: JsonObject) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...members })}\n\n`;
  const whole = responsesAnswer(answer, call);
  const begun = { ...whole, status: "in_progress", output: [], usage: null };
  yield event("response.created", { response: begun });
  yield event("response.in_progress", { response: begun });
  for (const [output_index, item] of answer.blocks.flatMap(outputOf(answer)).entries()) {
    const place = { output_index, item_id: item["id"] ?? "" };
    yield event("response.output_item.added", { output_index, item: { ...item, ...emptied(item) } });
    if (item["type"] === "message") {
      const [part] = item["content"] as readonly JsonObject[];
      const text = String(part?.["text"]);
      const at = { ...place, content_index: 0 };
      yield event("response.content_part.added", { ...at, part: { ...part, text: "" } });
      for (const delta of tokenize(text)) {
        yield event("response.output_text.delta", { ...at, delta, logprobs: [] });
      }
      yield event("response.output_text.done", { ...at, text, logprobs: [] });
      yield event("response.content_part.done", { ...at, part: { ...part } });
    }
    if (item["type"] === "function_call") {
      const text = String(item["arguments"]);
      for (const delta of tokenize(text)) {
        yield event("response.function_call_arguments.delta", { ...place, delta });
      }
      yield event("response.function_call_arguments.done", { ...place, arguments: text });
    }
    yield event("response.output_item.done", { output_index, item });
  }
  const end = whole["status"] === "completed" ? "response.completed" : "response.incomplete";
  yield event(end, { response: whole });
}

function emptied({ type }: JsonObject): JsonObject {
  if (type === "message") return { status: "in_progress", content: [] };
  return type === "function_call" ? { status: "in_progress", arguments: "" } : {};
}
