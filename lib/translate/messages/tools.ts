/** Anthropic Messages -> Converse: tools, the choice between them, and structured output. */

import { type AditError, invalidField } from "../../base/errors.ts";
import type { JsonOutputFormat, MessagesRequest, MessagesTool } from "../../wire/anthropic/messages.ts";
import {
  anyChoice,
  autoChoice,
  namedChoice,
  planTools,
  rejectDuplicateNames,
} from "../converse/tools/tools.ts";
import type { AnswerFormat, CallerTool, Choice, ToolPlan, ToolsContext } from "../converse/tools/tools.ts";

/** Translates `tools`, `tool_choice` and `output_config.format`, which depend on one another. */
export function planMessagesTools(request: MessagesRequest, context: ToolsContext): ToolPlan {
  const tools = request.tools.map(callerTool);
  rejectDuplicateNames(tools);
  leaveOutServerTools(request, context);
  const choice = resolveChoice(request, context);
  const format = request.outputFormat && answerFormat(request.outputFormat);
  const { toolChoice: asked } = request;
  const isSingle = asked !== undefined && asked.type !== "none" && asked.single;
  const singleCall = isSingle ? "tool_choice.disable_parallel_tool_use" : undefined;
  return planTools({ tools, choice, format, singleCall }, context);
}

/**
 * Lists the tools that Anthropic's servers run, which Converse does not have, as ignored; refuses a forced call of one.
 */
function leaveOutServerTools(
  { serverTools, tools, toolChoice }: MessagesRequest,
  { ignored }: ToolsContext,
): void {
  for (const { path, type, name } of serverTools) {
    const isForced = toolChoice?.type === "tool"
      ? toolChoice.name === name
      : toolChoice?.type === "any" && tools.length === 0;
    if (isForced) throw forcedServerTool(`${path}.type`);
    ignored.add(`tools[${type}]`);
  }
}

/** The error for a forced call of a tool that Bedrock does not have. */
export function forcedServerTool(path: string): AditError {
  return invalidField(path, "Bedrock does not have this tool, but tool_choice forces a call to it");
}

function resolveChoice({ toolChoice: asked, tools }: MessagesRequest, context: ToolsContext): Choice {
  const { traits } = context;
  const path = "tool_choice.type";
  switch (asked?.type) {
    case undefined:
      return { mode: "auto", allowed: undefined, toolChoice: undefined };
    case "none":
      return { mode: "none", allowed: undefined, toolChoice: undefined };
    case "auto":
      return autoChoice(traits);
    case "any":
      if (tools.length === 0) throw invalidField(path, '"any" needs at least one tool');
      return anyChoice(traits, { path });
    case "tool":
      if (!tools.some(({ name }) => name === asked.name)) {
        throw invalidField("tool_choice.name", "must be the name of one of the tools");
      }
      return namedChoice(asked.name, { ...context, path });
  }
}

function callerTool({ path, name, description, inputSchema, strict, cache }: MessagesTool): CallerTool {
  return {
    name,
    namePath: `${path}.name`,
    description,
    schema: inputSchema,
    schemaPath: "tools[].input_schema",
    strict,
    strictPath: "tools[].strict",
    cache,
  };
}

function answerFormat({ path, schema }: JsonOutputFormat): AnswerFormat {
  return {
    path,
    otherwise: "remove it",
    schema,
    schemaPath: `${path}.schema`,
    name: undefined,
    description: undefined,
    tool: { name: "answer", suffix: "_as_json" },
  };
}
