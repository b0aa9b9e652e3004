/** The input items of a Responses request: those that an endpoint accepts, as messages of Chat Completions. */

import { z } from "zod";
import type { JsonObject } from "../../base/json.ts";
import { invalid } from "../server/exception.ts";
import type { OwnCall } from "./own_call.ts";
import { digestOf, flatToolName, TOOL, TOOL_NAME } from "./responses_tools.ts";

const part = z.discriminatedUnion("type", [
  z.looseObject({ type: z.enum(["input_text", "output_text"]), text: z.string() }),
  z.looseObject({ type: z.literal("refusal"), refusal: z.string() }),
  z.looseObject({ type: z.literal("input_image"), image_url: z.string() }),
  z.looseObject({ type: z.literal("input_file"), file_data: z.string() }),
]);
const content = z.union([z.string(), z.array(part)]);
const callId = z.string().min(1).max(64);
const called = { call_id: callId, namespace: TOOL_NAME.nullish(), name: TOOL_NAME };

const ITEMS = [
  z.looseObject({
    type: z.literal("message"),
    role: z.enum(["user", "assistant", "system", "developer"]),
    content,
  }),
  z.looseObject({ ...called, type: z.literal("function_call"), arguments: z.string() }),
  z.looseObject({ ...called, type: z.literal("custom_tool_call"), input: z.string() }),
  z.looseObject({ type: z.literal("tool_search_call"), call_id: callId.nullish(), arguments: z.json() }),
  z.looseObject({
    type: z.enum(["function_call_output", "custom_tool_call_output"]),
    call_id: callId,
    output: content,
  }),
  z.looseObject({
    type: z.literal("tool_search_output"),
    call_id: callId.nullish(),
    tools: z.array(z.looseObject({ name: z.string() })),
  }),
  z.looseObject({
    type: z.literal("reasoning"),
    id: z.string().nullish(),
    encrypted_content: z.string().nullish(),
  }),
  // Items of tools that the service runs: the model has seen them.
  z.looseObject({
    type: z.enum(["mcp_list_tools", "mcp_call", "mcp_approval_request", "mcp_approval_response"]),
  }),
] as const;

const RUNTIME_ITEM = z.discriminatedUnion("type", [
  ...ITEMS,
  z.looseObject({
    type: z.literal("additional_tools"),
    role: z.literal("developer").optional(),
    tools: z.array(TOOL),
  }),
  z.looseObject({
    type: z.enum(["apply_patch_call", "apply_patch_call_output", "computer_call", "computer_call_output"]),
  }),
]);
const MANTLE_ITEM = z.discriminatedUnion("type", [
  ...ITEMS,
  z.looseObject({ type: z.literal("web_search_call") }),
]);

const inputOf = <Item extends z.ZodType>(item: Item) =>
  z.union([
    z.string(),
    // Only messages may omit their type.
    z.array(z.preprocess(withType, item)),
  ]);

function withType(value: unknown): unknown {
  return typeof value === "object" && value !== null ? { type: "message", ...value } : value;
}

/** The member `input` at the runtime endpoint. */
export const RUNTIME_INPUT = inputOf(RUNTIME_ITEM);
/** The member `input` at the mantle endpoint. */
export const MANTLE_INPUT = inputOf(MANTLE_ITEM);

type Item = z.infer<typeof RUNTIME_ITEM> | z.infer<typeof MANTLE_ITEM>;
type Content = z.infer<typeof content>;

/** The messages of the input; throws for an image that is not in the request, and for reasoning of another model. */
export function messagesOf(input: string | readonly Item[], call: OwnCall): JsonObject[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  return input.flatMap((item) => messageOf(item, call));
}

function messageOf(item: Item, { state }: OwnCall): JsonObject[] {
  switch (item.type) {
    case "message": {
      const { role } = item;
      return [{ role, content: role === "user" ? partsOf(item.content) : textOf(item.content) }];
    }
    case "function_call":
      return [callMessage(item.call_id, flatToolName(item.namespace, item.name), item.arguments)];
    case "custom_tool_call": {
      const { call_id, namespace, name, input } = item;
      return [callMessage(call_id, flatToolName(namespace, name), JSON.stringify({ input }))];
    }
    case "tool_search_call":
      return item.call_id ? [callMessage(item.call_id, "tool_search", JSON.stringify(item.arguments))] : [];
    case "function_call_output":
    case "custom_tool_call_output":
      return [resultMessage(item.call_id, textOf(item.output))];
    case "tool_search_output": {
      const found = item.tools.map(({ name }) => name).join(", ");
      return item.call_id ? [resultMessage(item.call_id, `found ${found}`)] : [];
    }
    case "reasoning": {
      const { encrypted_content: sealed, id } = item;
      if (!sealed || state.seal.isGenuineRedaction(sealed)) return [];
      throw invalid(`The encrypted content for item ${id} could not be verified.`, {
        members: { code: "invalid_encrypted_content" },
      });
    }
    default:
      return [];
  }
}

function callMessage(id: string, name: string, input: string): JsonObject {
  return {
    role: "assistant",
    content: null,
    tool_calls: [{ id: plainId(id), type: "function", function: { name, arguments: input } }],
  };
}

function resultMessage(id: string, text: string): JsonObject {
  return { role: "tool", tool_call_id: plainId(id), content: text };
}

/** Call ids may contain any characters; the emulated model accepts only some. */
function plainId(id: string): string {
  return /^[\w.:-]+$/.test(id) ? id : digestOf(id);
}

function textOf(value: Content): string {
  if (typeof value === "string") return value;
  return value.map((each) => "text" in each ? String(each.text) : "").join("");
}

function partsOf(value: Content): JsonObject[] {
  if (typeof value === "string") return [{ type: "text", text: value }];
  return value.map((each): JsonObject => {
    if (each.type !== "input_image") return { type: "text", text: textOf([each]) };
    if (!/^(?:data|s3):/.test(each.image_url)) {
      throw invalid("Invalid 'image_url': only data and s3 URLs are supported");
    }
    return each.image_url.startsWith("data:")
      ? { type: "image_url", image_url: { url: each.image_url } }
      : { type: "text", text: each.image_url };
  });
}
