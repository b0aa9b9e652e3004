/** Chat Completions -> Converse: tools, the choice between them, and structured output. */

import { invalidField } from "../../base/errors.ts";
import type { ChatRequest, ChatTool, ResponseFormat } from "../../wire/openai/chat.ts";
import {
  anyChoice,
  autoChoice,
  namedChoice,
  planTools,
  rejectDuplicateNames,
} from "../converse/tools/tools.ts";
import type { AnswerFormat, CallerTool, Choice, ToolPlan, ToolsContext } from "../converse/tools/tools.ts";

/** Translates `tools`, `tool_choice`, `parallel_tool_calls` and `response_format`, which depend on one another. */
export function planChatTools(request: ChatRequest, context: ToolsContext): ToolPlan {
  const choice = resolveChoice(request, context);
  const tools = request.tools.map(callerTool);
  rejectDuplicateNames(tools);
  const format = answerFormat(request.responseFormat);
  if (tools.length === 0) nameWithoutTools(request, context);
  const singleCall = tools.length > 0 && request.parallelToolCalls === false
    ? "parallel_tool_calls"
    : undefined;
  return planTools({ tools, choice, format, singleCall }, context);
}

/** Lists the fields about calling tools as ignored if there are none. */
function nameWithoutTools(
  { toolChoice, parallelToolCalls }: ChatRequest,
  { ignored }: ToolsContext,
): void {
  if (toolChoice !== undefined && toolChoice.type !== "none") ignored.add("tool_choice");
  if (parallelToolCalls !== undefined) ignored.add("parallel_tool_calls");
}

const UNASKED: Choice = { mode: "auto", allowed: undefined, toolChoice: undefined };

function resolveChoice(request: ChatRequest, context: ToolsContext): Choice {
  const { traits } = context;
  const { tools, toolChoice: asked } = request;
  const path = "tool_choice";
  switch (asked?.type) {
    case undefined:
      return UNASKED;
    case "none":
      return { mode: "none", allowed: undefined, toolChoice: undefined };
    case "auto":
      return autoChoice(traits);
    case "required":
      if (tools.length === 0) throw invalidField(path, '"required" needs at least one tool');
      return anyChoice(traits, { path });
    case "function":
      expectKnown([asked.name], { tools, path: "tool_choice.function.name" });
      return namedChoice(asked.name, { ...context, path });
    case "allowed_tools": {
      expectKnown(asked.names, { tools, path: "tool_choice.allowed_tools.tools" });
      const allowed = new Set(asked.names);
      return asked.mode === "auto" ? autoChoice(traits, allowed) : anyChoice(traits, { path, allowed });
    }
  }
}

function expectKnown(
  names: readonly string[],
  { tools, path }: { readonly tools: readonly ChatTool[]; readonly path: string },
): void {
  const known = new Set(tools.map((tool) => tool.name));
  if (names.length === 0 || !names.every((name) => known.has(name))) {
    throw invalidField(path, "must be the name of one of the tools");
  }
}

function callerTool(tool: ChatTool): CallerTool {
  const { namePath, name, description, parameters, strict, cache } = tool;
  return {
    name,
    namePath,
    description,
    schema: parameters ?? {},
    schemaPath: tool.schemaPath,
    strict,
    strictPath: tool.strictPath,
    cache,
  };
}

const FORMAT_FIELD = { path: "response_format", otherwise: 'use "text"' } as const;

function answerFormat(format: ResponseFormat): AnswerFormat | undefined {
  switch (format.type) {
    case "text":
      return undefined;
    case "json_object":
      return {
        ...FORMAT_FIELD,
        schema: undefined,
        schemaPath: "response_format.schema",
        name: undefined,
        description: undefined,
        tool: { name: "json", suffix: "_answer" },
      };
    case "json_schema": {
      const { name, description, schema, schemaPath } = format;
      return { ...FORMAT_FIELD, schema, schemaPath, name, description, tool: { name, suffix: "_answer" } };
    }
  }
}
