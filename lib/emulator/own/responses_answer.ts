/** A response in OpenAI's Responses, whole or as events. */

import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import type { Answer, AnswerBlock } from "../model/answer.ts";
import { tokenize } from "../model/tokens.ts";
import type { OwnCall } from "./own_call.ts";
import { type OfferedTool, offeredTools } from "./responses_tools.ts";

/** The whole response. */
export function responsesAnswer(answer: Answer, call: OwnCall): JsonObject {
  const isCut = answer.stopReason === "max_tokens";
  return {
    ...headOf(answer, call),
    status: isCut ? "incomplete" : "completed",
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    output: outputOf(answer, call),
    usage: {
      input_tokens: answer.account.inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: answer.outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: answer.account.inputTokens + answer.outputTokens,
    },
  };
}

function headOf({ key }: Answer, { body, model }: OwnCall): JsonObject {
  return {
    id: `resp_${key}`,
    object: "response",
    // Constant, because equal requests get equal responses.
    created_at: 1_700_000_000,
    model: model.id,
    error: null,
    store: false,
    instructions: body["instructions"] ?? null,
    metadata: body["metadata"] ?? {},
    parallel_tool_calls: body["parallel_tool_calls"] ?? true,
    reasoning: body["reasoning"] ?? { effort: null, summary: null },
    text: body["text"] ?? { format: { type: "text" } },
    tools: body["tools"] ?? [],
    tool_choice: body["tool_choice"] ?? "auto",
  };
}

function outputOf(answer: Answer, call: OwnCall): JsonObject[] {
  const tools = offeredTools(call.body);
  let calls = 0;
  return answer.blocks.map((block, index) => {
    const place = `${answer.key}${index}`;
    switch (block.kind) {
      case "text":
        return {
          type: "message",
          id: `msg_${place}`,
          status: "completed",
          role: "assistant",
          content: [{ type: "output_text", text: block.text, annotations: [] }],
        };
      case "tool_use":
        return {
          ...callItem(tools.get(block.name), block, place),
          // On the mantle endpoint, ids start at 0 in every response.
          call_id: `call_${call.isMantle ? "" : answer.key}${calls++}`,
        };
      case "reasoning":
      case "redacted":
        return reasoningItem(block, place, call);
    }
  });
}

function callItem(
  tool: OfferedTool | undefined,
  { name, input }: AnswerBlock & { readonly kind: "tool_use" },
  place: string,
): JsonObject {
  const named = {
    ...(tool?.namespace !== undefined && { namespace: tool.namespace }),
    name: tool?.name ?? name,
  };
  const status = "completed";
  switch (tool?.kind) {
    case "custom": {
      const text = isJsonObject(input) ? String(input["input"]) : "";
      return { type: "custom_tool_call", id: `ctc_${place}`, status, ...named, input: text };
    }
    case "tool_search":
      return { type: "tool_search_call", id: `tsc_${place}`, status, execution: "client", arguments: input };
    case "function":
    case undefined:
      return { type: "function_call", id: `fc_${place}`, status, ...named, arguments: JSON.stringify(input) };
  }
}

/** Only open models show the text of their reasoning; its encrypted form is returned on request. */
function reasoningItem(
  block: AnswerBlock & { readonly kind: "reasoning" | "redacted" },
  place: string,
  { body: { include }, model, state }: OwnCall,
): JsonObject {
  const isAsked = Array.isArray(include) && include.includes("reasoning.encrypted_content");
  const isOpen = model.id.startsWith("openai.gpt-oss-") && block.kind === "reasoning";
  return {
    type: "reasoning",
    id: `rs_${place}`,
    summary: [],
    ...(isOpen && { content: [{ type: "reasoning_text", text: block.text }] }),
    ...(isAsked && {
      encrypted_content: block.kind === "redacted" ? block.data : state.seal.redact(block.text),
    }),
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
  for (const [output_index, item] of outputOf(answer, call).entries()) {
    const place = { output_index, item_id: item["id"] ?? "" };
    yield event("response.output_item.added", { output_index, item: { ...item, ...emptied(item) } });
    for (const { type, members } of eventsOf(item)) yield event(type, { ...place, ...members });
    yield event("response.output_item.done", { output_index, item });
  }
  const end = whole["status"] === "completed" ? "response.completed" : "response.incomplete";
  yield event(end, { response: whole });
}

interface ItemEvent {
  readonly type: string;
  readonly members: JsonObject;
}

/** The events between the beginning of an item and its end. */
function* eventsOf(item: JsonObject): Generator<ItemEvent> {
  switch (item["type"]) {
    case "message": {
      const [part] = item["content"] as readonly JsonObject[];
      const text = String(part?.["text"]);
      yield {
        type: "response.content_part.added",
        members: { content_index: 0, part: { ...part, text: "" } },
      };
      yield* textEvents("response.output_text", "text", text, { content_index: 0, logprobs: [] });
      yield { type: "response.content_part.done", members: { content_index: 0, part: { ...part } } };
      return;
    }
    case "reasoning": {
      const [part] = (item["content"] ?? []) as readonly JsonObject[];
      if (part !== undefined) {
        yield* textEvents("response.reasoning_text", "text", String(part["text"]), { content_index: 0 });
      }
      return;
    }
    case "function_call":
      return yield* textEvents(
        "response.function_call_arguments",
        "arguments",
        String(item["arguments"]),
        {},
      );
    case "custom_tool_call":
      return yield* textEvents("response.custom_tool_call_input", "input", String(item["input"]), {});
  }
}

/** A text in pieces, and then whole in the member `name`. */
function* textEvents(prefix: string, name: string, text: string, members: JsonObject): Generator<ItemEvent> {
  for (const delta of tokenize(text)) yield { type: `${prefix}.delta`, members: { ...members, delta } };
  yield { type: `${prefix}.done`, members: { ...members, [name]: text } };
}

function emptied({ type, status }: JsonObject): JsonObject {
  const emptyMembers: Readonly<Record<string, JsonValue>> = {
    message: { content: [] },
    reasoning: {},
    function_call: { arguments: "" },
    custom_tool_call: { input: "" },
    tool_search_call: {},
  };
  return { ...(status !== undefined && { status: "in_progress" }), ...Object(emptyMembers[String(type)]) };
}
