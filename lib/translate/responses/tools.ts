/** Responses -> Converse: tools of every kind as functions, the choice between them, and structured output. */

import { type AditError, invalidField } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { ResponsesRequest, TextFormat } from "../../wire/openai/responses.ts";
import { CUSTOM_INPUT } from "../../wire/openai/responses_items.ts";
import type { ChosenTool, ClientTool, ResponsesToolChoice } from "../../wire/openai/responses_tools.ts";
import {
  type AnswerFormat,
  anyChoice,
  autoChoice,
  type CallerTool,
  type Choice,
  namedChoice,
  planTools,
  rejectDuplicateNames,
  type ToolPlan,
  type ToolsContext,
} from "../converse/tools/tools.ts";
import type { ToolTable } from "./tool_table.ts";

export interface ResponsesToolsContext extends ToolsContext {
  readonly table: ToolTable;
  /** Types of tools that are left out instead of refused. */
  readonly dropTools: readonly string[];
}

/**
 * The tools that the client offers: those of the request, and those that its items add. An added tool does not replace
 * one that is already there.
 */
export function clientTools({ tools, items }: ResponsesRequest, table: ToolTable): CallerTool[] {
  const own = tools.map((tool) => callerTool(tool, table));
  rejectDuplicateNames(own);
  const all = new Map(own.map((tool) => [tool.name, tool]));
  for (const item of items) {
    if (item.type !== "tools" && item.type !== "output") continue;
    for (const tool of item.tools) {
      const added = callerTool(tool, table);
      if (!all.has(added.name)) all.set(added.name, added);
    }
  }
  return [...all.values()];
}

/** Plans tools, `tool_choice`, `parallel_tool_calls` and `text.format`, which depend on one another. */
export function planResponsesTools(
  request: ResponsesRequest,
  tools: readonly CallerTool[],
  context: ResponsesToolsContext,
): ToolPlan {
  const choice = resolveChoice(request, tools, context);
  if (tools.length === 0) nameWithoutTools(request, context);
  const singleCall = tools.length > 0 && request.parallelToolCalls === false
    ? "parallel_tool_calls"
    : undefined;
  return planTools({ tools, choice, format: answerFormat(request.format), singleCall }, context);
}

/** Lists a choice as ignored if there is nothing to choose from, unless clients send it with every request. */
function nameWithoutTools({ toolChoice }: ResponsesRequest, { ignored }: ToolsContext): void {
  if (toolChoice !== undefined && toolChoice.type !== "none" && toolChoice.type !== "auto") {
    ignored.add("tool_choice");
  }
}

function callerTool(tool: ClientTool, table: ToolTable): CallerTool {
  const { namePath, schemaPath, strict, strictPath } = tool;
  const common = { name: table.flatName(tool), namePath, schemaPath, strictPath, cache: undefined };
  return tool.kind === "custom"
    ? { ...common, description: customDescription(tool), schema: customSchema(tool), strict: false }
    : { ...common, description: tool.description, schema: tool.parameters ?? {}, strict };
}

/** The input of a Converse tool is an object, so the text of a custom tool is a member of it. */
function customSchema({ grammar }: ClientTool): JsonObject {
  const description = grammar === undefined
    ? "The whole input of the tool, as plain text"
    : `The whole input of the tool, as plain text that matches the ${grammar.syntax} grammar`;
  return {
    type: "object",
    properties: { [CUSTOM_INPUT]: { type: "string", description } },
    required: [CUSTOM_INPUT],
    additionalProperties: false,
  };
}

function customDescription({ description, grammar }: ClientTool): string | undefined {
  if (grammar === undefined) return description;
  const rule = `The input must match this ${grammar.syntax} grammar:\n${grammar.definition}`;
  return description === undefined ? rule : `${description}\n\n${rule}`;
}

function resolveChoice(
  { toolChoice: asked }: ResponsesRequest,
  tools: readonly CallerTool[],
  context: ResponsesToolsContext,
): Choice {
  const { traits, table } = context;
  const path = "tool_choice";
  switch (asked?.type) {
    case undefined:
      return { mode: "auto", allowed: undefined, toolChoice: undefined };
    case "none":
      return { mode: "none", allowed: undefined, toolChoice: undefined };
    case "auto":
      return autoChoice(traits);
    case "required":
      if (tools.length === 0) throw invalidField(path, '"required" needs at least one tool');
      return anyChoice(traits, { path });
    case "tool":
      if (asked.tool.type === "hosted") throw hostedChoice(asked.tool, context);
      return namedChoice(flatNameOf(asked.tool, tools, table), { ...context, path });
    case "allowed_tools":
      return allowedChoice(asked, tools, context);
  }
}

/** Tools that are left out cannot be allowed; if no others are, an optional call becomes no call. */
function allowedChoice(
  { mode, tools: chosen }: ResponsesToolChoice & { readonly type: "allowed_tools" },
  tools: readonly CallerTool[],
  context: ResponsesToolsContext,
): Choice {
  const { traits, table, ignored } = context;
  const path = "tool_choice";
  const allowed = new Set<string>();
  for (const tool of chosen) {
    if (tool.type === "client") allowed.add(flatNameOf(tool, tools, table));
    else if (isDropped(tool, context)) ignored.add(`tool_choice.tools[${tool.name}]`);
    else throw hostedChoice(tool, context);
  }
  if (allowed.size === 0 && (chosen.length === 0 || mode === "required")) {
    throw invalidField("tool_choice.tools", "expected at least one tool that the client runs");
  }
  if (allowed.size === 0) return { mode: "none", allowed: undefined, toolChoice: undefined };
  return mode === "auto" ? autoChoice(traits, allowed) : anyChoice(traits, { path, allowed });
}

type HostedTool = ChosenTool & { readonly type: "hosted" };

function isDropped({ isLeftOut, name }: HostedTool, { dropTools }: ResponsesToolsContext): boolean {
  return isLeftOut || dropTools.includes(name);
}

/** The refusal of a choice that cannot be made: ignoring it would leave out what the caller insists on. */
function hostedChoice(tool: HostedTool, context: ResponsesToolsContext): AditError {
  const reason = isDropped(tool, context)
    ? "this tool is left out of the request"
    : "Bedrock does not run this tool";
  return invalidField(tool.path, `${reason}; use "auto", or a tool that the client runs`);
}

function flatNameOf(
  chosen: ChosenTool & { readonly type: "client" },
  tools: readonly CallerTool[],
  table: ToolTable,
): string {
  const flat = table.find(chosen);
  if (flat !== undefined && tools.some(({ name }) => name === flat)) return flat;
  throw invalidField(chosen.path, "must be the name of one of the tools");
}

function answerFormat(format: TextFormat): AnswerFormat | undefined {
  const common = { path: "text.format", otherwise: 'use "text"', schemaPath: "text.format.schema" };
  switch (format.type) {
    case "text":
      return undefined;
    case "json_object":
      return {
        ...common,
        schema: undefined,
        name: undefined,
        description: undefined,
        tool: { name: "json", suffix: "_answer" },
      };
    case "json_schema": {
      const { name, description, schema } = format;
      return { ...common, schema, name, description, tool: { name, suffix: "_answer" } };
    }
  }
}
