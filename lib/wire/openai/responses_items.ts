/** The input items of a Responses request, one type for each kind. */

import { invalidField } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { unexpected } from "../fields.ts";
import type { Fields } from "../fields.ts";
import { parseArguments } from "./chat_messages.ts";
import { type InputPart, parseInputParts, parseTextParts, type TextInput } from "./responses_parts.ts";
import {
  type ClientTool,
  parseTools,
  TOOL_SEARCH,
  type ToolKind,
  type UnsupportedTool,
} from "./responses_tools.ts";

/** `path` is its position in the request, such as `input[2]`. */
export type InputItem =
  | SystemItem
  | UserItem
  | AssistantItem
  | ReasoningItem
  | CallItem
  | OutputItem
  | ToolsItem
  | LeftOutItem;

export interface SystemItem {
  readonly type: "system";
  readonly path: string;
  readonly content: readonly TextInput[];
}
export interface UserItem {
  readonly type: "user";
  readonly path: string;
  readonly content: readonly InputPart[];
}
export interface AssistantItem {
  readonly type: "assistant";
  readonly path: string;
  readonly content: readonly TextInput[];
}
export interface ReasoningItem {
  readonly type: "reasoning";
  readonly path: string;
  readonly id: string | undefined;
  readonly encrypted: string | undefined;
  /** `input[2].encrypted_content` */
  readonly encryptedPath: string;
  /** The text of the reasoning, or else of its summary. */
  readonly text: string;
}
/** A call of a tool that the client ran. */
export interface CallItem {
  readonly type: "call";
  readonly kind: ToolKind;
  readonly path: string;
  readonly callId: string;
  /** `input[2].call_id` */
  readonly idPath: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly input: JsonObject;
}
/** The result of a call. */
export interface OutputItem {
  readonly type: "output";
  readonly path: string;
  readonly callId: string;
  readonly idPath: string;
  readonly content: readonly InputPart[];
  /** Tools that a search found. */
  readonly tools: readonly ClientTool[];
  readonly leftOut: readonly string[];
  readonly unsupported: readonly UnsupportedTool[];
}
/** Tools that are offered in addition to those of the request. */
export interface ToolsItem {
  readonly type: "tools";
  readonly path: string;
  readonly tools: readonly ClientTool[];
  readonly leftOut: readonly string[];
  readonly unsupported: readonly UnsupportedTool[];
}
/** An item without content for the model. */
export interface LeftOutItem {
  readonly type: "left_out";
  readonly path: string;
  /** Its type. */
  readonly name: string;
}

/** The items of `input`; a string is one user message. */
export function parseInput(request: Fields): InputItem[] {
  const input = request.any("input");
  if (input === undefined) return [];
  if (typeof input === "string") {
    const content = { type: "text", path: "input", cache: undefined, text: input } as const;
    return [{ type: "user", path: "input", content: [content] }];
  }
  if (!Array.isArray(input)) throw unexpected("input", "a string or an array of items", input);
  return request.items("input").map(parseItem);
}

type ItemReader = (item: Fields) => InputItem;

const STORED = "the gateway does not store items; send the item itself, as clients do with `store: false`";

/** Items of tools that the provider runs: their results are in the text that follows. */
const HOSTED = [
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "computer_call",
  "mcp_list_tools",
  "mcp_call",
  "mcp_approval_request",
  "program",
  "program_output",
];

/** Items that the model would need, and that Converse has no form for. */
const REFUSED: Readonly<Record<string, string>> = {
  item_reference: STORED,
  compaction: "only the provider that made this item can read it; send the items that it replaced",
  compaction_trigger: "the gateway does not compact conversations; remove the item",
  configuration_update: "Bedrock cannot change settings within a conversation; set them in the request",
  mcp_approval_response: "Bedrock does not run MCP tools; offer the server's tools as functions",
  computer_call_output: "Bedrock does not run this tool; offer a function",
  ...Object.fromEntries(
    ["local_shell_call", "shell_call", "apply_patch_call"].flatMap((type) =>
      [type, `${type}_output`].map((each) => [each, "Bedrock does not have this tool; offer a function"])
    ),
  ),
};

const ITEM_READERS: Readonly<Record<string, ItemReader>> = {
  message: parseMessage,
  agent_message: parseAgentMessage,
  // Without text, it is only for the provider that made it.
  context_compaction: (item) => item.any("content") === undefined ? leftOut(item) : parseAgentMessage(item),
  reasoning: parseReasoning,
  function_call: (item) => ({
    ...callBase(item),
    kind: "function",
    namespace: item.optionalString("namespace"),
    name: item.string("name"),
    input: parseArguments(item),
  }),
  custom_tool_call: (item) => ({
    ...callBase(item),
    kind: "custom",
    namespace: item.optionalString("namespace"),
    name: item.string("name"),
    input: { [CUSTOM_INPUT]: item.string("input") },
  }),
  tool_search_call: (item) => {
    const input = parseArguments(item);
    if (isServerSide(item)) return leftOut(item);
    return { ...callBase(item), kind: "tool_search", namespace: undefined, name: TOOL_SEARCH, input };
  },
  function_call_output: parseOutput,
  custom_tool_call_output: parseOutput,
  tool_search_output: (item) => {
    const { tools, leftOut, unsupported } = parseTools(item);
    if (isServerSide(item)) return { type: "tools", path: item.path, tools, leftOut, unsupported };
    const names = tools.map(({ namespace, name }) => namespace === undefined ? name : `${namespace}.${name}`);
    const text = names.length === 0 ? "no tools found" : `found tools: ${names.join(", ")}`;
    const content = [{ type: "text", path: item.pathOf("tools"), cache: undefined, text } as const];
    return { ...outputBase(item), content, tools, leftOut, unsupported };
  },
  additional_tools: (item) => {
    item.any("role");
    return { type: "tools", path: item.path, ...parseTools(item) };
  },
  ...Object.fromEntries(HOSTED.map((type) => [type, leftOut])),
};

/** The member for the text of a custom call, because Converse requires an object. */
export const CUSTOM_INPUT = "input";

function parseItem(item: Fields): InputItem {
  // Every kind of item may have them, and none of them concerns the model.
  for (const name of ["id", "status", "phase", "caller", "async", "created_by"]) item.any(name);
  const type = item.optionalString("type") ?? (item.any("role") === undefined ? "item_reference" : "message");
  const read = Object.hasOwn(ITEM_READERS, type) ? ITEM_READERS[type] : undefined;
  if (read !== undefined) return read(item);
  const reason = Object.hasOwn(REFUSED, type) ? REFUSED[type] : undefined;
  throw reason === undefined
    ? unexpected(item.pathOf("type"), "the type of an input item", type)
    : invalidField(type === "item_reference" ? item.path : item.pathOf("type"), reason);
}

function parseMessage(item: Fields): InputItem {
  const { path } = item;
  const role = item.oneOf("role", ["user", "assistant", "system", "developer"]);
  switch (role) {
    case "user":
      return { type: role, path, content: parseInputParts(item, "content") };
    case "assistant":
      return { type: role, path, content: parseTextParts(item) };
    case "system":
    case "developer":
      return { type: "system", path, content: parseTextParts(item) };
  }
}

function parseAgentMessage(item: Fields): AssistantItem {
  for (const name of ["author", "recipient"]) item.any(name);
  return { type: "assistant", path: item.path, content: parseTextParts(item) };
}

function parseReasoning(item: Fields): ReasoningItem {
  const textOf = (name: "content" | "summary") =>
    item.items(name).map((part) => {
      part.any("type");
      return part.optionalString("text") ?? "";
    }).join("\n\n");
  const content = textOf("content");
  const summary = textOf("summary");
  return {
    type: "reasoning",
    path: item.path,
    id: item.optionalString("id"),
    encrypted: item.optionalString("encrypted_content") || undefined,
    encryptedPath: item.pathOf("encrypted_content"),
    text: content || summary,
  };
}

function callBase(item: Fields) {
  return {
    type: "call",
    path: item.path,
    callId: item.string("call_id"),
    idPath: item.pathOf("call_id"),
  } as const;
}

function parseOutput(item: Fields): OutputItem {
  for (const name of ["name", "namespace"]) item.any(name);
  return {
    ...outputBase(item),
    content: parseInputParts(item, "output"),
    tools: [],
    leftOut: [],
    unsupported: [],
  };
}

function outputBase(item: Fields) {
  return { ...callBase(item), type: "output" } as const;
}

/** Whether the provider did the search, and not the client. */
function isServerSide(item: Fields): boolean {
  const execution = item.optionalOneOf("execution", ["client", "server"]);
  return execution === "server" || item.any("call_id") === undefined;
}

function leftOut(item: Fields): LeftOutItem {
  item.leaveOut();
  return { type: "left_out", path: item.path, name: item.optionalString("type") ?? "" };
}
