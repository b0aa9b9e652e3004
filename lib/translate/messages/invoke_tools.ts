/** Anthropic Messages -> InvokeModel of Claude: the tools, changed where Bedrock or the model would refuse them. */

import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { type BetaTable, isNamed } from "../../facts/beta_table.ts";
import type { FieldsContext } from "../converse/members.ts";
import { strictSchema } from "../converse/tools/strict_schema.ts";
import { toolSchema } from "../converse/tools/tool_schema.ts";
import type { IgnoredFields } from "../converse/ignored.ts";
import { forcedServerTool } from "./tools.ts";

/** The body with tools that the model accepts; `body` itself if nothing has to change. */
export function fitTools(body: JsonObject, context: FieldsContext): JsonObject {
  const { tools } = body;
  if (!Array.isArray(tools)) return body;
  const fitted: readonly JsonValue[] = tools.map((tool: JsonValue) => fitTool(tool, context));
  return fitted.every((tool, index) => tool === tools[index]) ? body : { ...body, tools: fitted };
}

/** The tool with a schema that Bedrock accepts, and with `strict` only if it can be enforced. */
function fitTool(tool: JsonValue, { traits, ignored }: FieldsContext): JsonValue {
  if (!isJsonObject(tool) || !isJsonObject(tool.input_schema)) return tool;
  const path = "tools[].input_schema";
  const schema = toolSchema(tool.input_schema, (keyword) => ignored.add(`${path}..${keyword}`));
  const { strict, ...loose } = tool;
  if (strict === undefined) return schema === tool.input_schema ? tool : { ...tool, input_schema: schema };
  const closed = strict === true && traits.strictTools ? strictSchema(schema) : undefined;
  if (closed === undefined) {
    if (strict === true) ignored.add("tools[].strict");
    return { ...loose, input_schema: schema };
  }
  for (const keyword of closed.moved) ignored.add(`${path}..${keyword}`);
  return { ...tool, input_schema: closed.schema };
}

export interface LostTools {
  /** The body before any tool was left out. */
  readonly asked: JsonObject;
  readonly table: BetaTable;
  readonly ignored: IgnoredFields;
}

/**
 * The body without tools of types that Bedrock does not have, such as those run by Anthropic's servers, and without
 * their calls in the history. Throws `invalid_request` with the path of such a tool if a call of it is forced.
 */
export function withoutServerTools(body: JsonObject, { asked, table, ignored }: LostTools): JsonObject {
  const left = withAcceptedTools(body, table, ignored);
  return withoutServerBlocks(
    left.tools === asked.tools ? left : withoutLostChoice(left, asked, ignored),
    ignored,
  );
}

function withAcceptedTools(body: JsonObject, table: BetaTable, ignored: IgnoredFields): JsonObject {
  if (!Array.isArray(body.tools)) return body;
  const kept = body.tools.filter((tool: JsonValue) => isAccepted(tool, table, ignored));
  if (kept.length === body.tools.length) return body;
  const { tools: _tools, ...rest } = body;
  return kept.length === 0 ? rest : { ...body, tools: kept };
}

function isAccepted(tool: JsonValue, { tools }: BetaTable, ignored: IgnoredFields): boolean {
  if (!isJsonObject(tool) || typeof tool.type !== "string" || isNamed(tool.type, tools)) return true;
  // A tool with a schema is the caller's own, whatever its type.
  if (tool.input_schema !== undefined) return true;
  ignored.add(`tools[${tool.type}]`);
  return false;
}

/**
 * Removes `tool_choice` with the last tool, because Bedrock refuses it without tools; refuses a forced call of a lost
 * tool.
 */
function withoutLostChoice(body: JsonObject, { tools }: JsonObject, ignored: IgnoredFields): JsonObject {
  const { tool_choice: choice, ...rest } = body;
  if (!isJsonObject(choice)) return body;
  const asked: readonly JsonValue[] = Array.isArray(tools) ? tools : [];
  const kept: readonly JsonValue[] = Array.isArray(body.tools) ? body.tools : [];
  const isLost = choice.type === "tool"
    ? !kept.some((tool) => nameOf(tool) === choice.name) && asked.some((tool) => nameOf(tool) === choice.name)
    : kept.length === 0;
  if (!isLost) return body;
  if (choice.type === "tool" || choice.type === "any") {
    const at = asked.findIndex((tool) => choice.type === "any" || nameOf(tool) === choice.name);
    throw forcedServerTool(`tools.${at}.type`);
  }
  ignored.add("tool_choice");
  return rest;
}

function nameOf(tool: JsonValue): JsonValue | undefined {
  return isJsonObject(tool) ? tool.name : undefined;
}

/** Calls that Anthropic's servers made, and their results, unless the request still has the tool. */
function withoutServerBlocks(body: JsonObject, ignored: IgnoredFields): JsonObject {
  const { messages, tools } = body;
  if (!Array.isArray(messages) || !messages.some(hasServerCall)) return body;
  const names = new Set(Array.isArray(tools) ? tools.map(nameOf) : []);
  const lost = new Set<JsonValue>();
  let isChanged = false;
  const fitted = messages.flatMap((message: JsonValue): JsonValue[] => {
    if (!isJsonObject(message) || !Array.isArray(message.content)) return [message];
    const content: readonly JsonValue[] = message.content;
    const kept = content.filter((block) => {
      if (!isJsonObject(block)) return true;
      const { type, id = "", tool_use_id: answered = "" } = block;
      if (type === "server_tool_use" && !names.has(block.name)) lost.add(id);
      const isLost = type === "server_tool_use"
        ? lost.has(id)
        : type !== "tool_result" && answered !== "" && lost.has(answered);
      if (isLost) ignored.add(`messages[].content[${String(block.type)}]`);
      return !isLost;
    });
    if (kept.length === content.length) return [message];
    isChanged = true;
    return kept.length === 0 ? [] : [{ ...message, content: kept }];
  });
  return isChanged ? { ...body, messages: fitted } : body;
}

function hasServerCall(message: JsonValue): boolean {
  const content = isJsonObject(message) ? message.content : undefined;
  return Array.isArray(content) &&
    content.some((block: JsonValue) => isJsonObject(block) && block.type === "server_tool_use");
}
