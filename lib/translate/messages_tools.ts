/** Anthropic Messages -> Converse: tools, the choice between them, and structured output. */

import { invalidField } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import type { MessagesRequest, MessagesTool, MessagesToolChoice } from "../wire/anthropic_messages.ts";
import type { ConverseTool, OutputConfig, ToolChoice, ToolSpec } from "../wire/converse.ts";
import type { ToolPlan, ToolsContext } from "./chat_tools.ts";
import { bareTool, objectSchema } from "./converse_members.ts";

/** Translates `tools`, `tool_choice` and `output_config.format`, which depend on one another. */
export function planMessagesTools(request: MessagesRequest, context: ToolsContext): ToolPlan {
  refuseDoubles(request.tools);
  const choice = resolveChoice(request, context);
  const tools = offerTools(request, { ...context, choice });
  const structure = planStructure(request, { ...context, choice, others: tools.length });
  if (structure.tool !== undefined) tools.push({ toolSpec: structure.tool });
  const toolChoice = structure.toolChoice ?? choice.toolChoice;
  return {
    toolConfig: tools.length === 0 ? undefined : { tools, toolChoice },
    outputConfig: structure.outputConfig,
    structuredTool: structure.tool?.name,
    additionalFields: tools.length === 0 ? {} : forbidParallelCalls(request, context),
  };
}

/** `tool_choice` as far as the model can follow it. */
interface Choice {
  readonly type: MessagesToolChoice["type"];
  /** The one tool that is offered, where the model cannot be held to a name. */
  readonly only: string | undefined;
  /** Undefined for "none" too: Converse says so by having no tools. */
  readonly toolChoice: ToolChoice | undefined;
}

function resolveChoice({ toolChoice: asked, tools }: MessagesRequest, context: ToolsContext): Choice {
  const { traits, toolNames } = context;
  const type = asked?.type ?? "auto";
  switch (asked?.type) {
    case undefined:
    case "none":
      return { type, only: undefined, toolChoice: undefined };
    case "auto":
      return { type, only: undefined, toolChoice: traits.toolChoice.has("auto") ? { auto: {} } : undefined };
    case "any":
      if (tools.length === 0) {
        throw invalidField("tool_choice.type", 'expected tools beside "any", found none');
      }
      return { type, only: undefined, toolChoice: anyTool(context) };
    case "tool": {
      const { name } = asked;
      if (!tools.some((tool) => tool.name === name)) {
        throw invalidField("tool_choice.name", "expected the name of one of the tools");
      }
      return traits.toolChoice.has("tool")
        ? { type, only: undefined, toolChoice: { tool: { name: toolNames.toConverse(name) } } }
        : { type, only: name, toolChoice: anyTool(context) };
    }
  }
}

function anyTool({ traits }: ToolsContext): ToolChoice {
  if (traits.toolChoice.has("any")) return { any: {} };
  throw invalidField(
    "tool_choice.type",
    'this model cannot be made to call a tool: expected "auto" or "none"',
  );
}

interface ChoiceContext extends ToolsContext {
  readonly choice: Choice;
}

function offerTools({ tools }: MessagesRequest, context: ChoiceContext): ConverseTool[] {
  const { choice, calledTools, cachePoints, toolNames } = context;
  if (choice.type === "none" && calledTools.length === 0) return [];
  const offered: ConverseTool[] = [];
  for (const tool of tools) {
    if (choice.only !== undefined && choice.only !== tool.name) continue;
    offered.push({ toolSpec: translateTool(tool, context) });
    cachePoints.mark(offered, { place: "tools", cache: tool.cache });
  }
  // Bedrock refuses tool blocks in the history of a request that has no toolConfig.
  return offered.length > 0 ? offered : calledTools.map((name) => bareTool(toolNames.toConverse(name)));
}

function refuseDoubles(tools: readonly MessagesTool[]): void {
  const names = new Set<string>();
  for (const { name, path } of tools) {
    if (names.has(name)) {
      throw invalidField(`${path}.name`, "expected a name of its own, found a name given before");
    }
    names.add(name);
  }
}

function translateTool(tool: MessagesTool, { traits, toolNames, ignored }: ToolsContext): ToolSpec {
  if (tool.strict && !traits.strictTools) ignored.add("tools[].strict");
  return {
    name: toolNames.toConverse(tool.name),
    description: tool.description,
    inputSchema: { json: objectSchema(tool.inputSchema) },
    strict: tool.strict && traits.strictTools ? true : undefined,
  };
}

interface Structure {
  readonly outputConfig?: OutputConfig;
  readonly tool?: ToolSpec;
  readonly toolChoice?: ToolChoice;
}

interface StructureContext extends ChoiceContext {
  /** How many other tools the model is offered. */
  readonly others: number;
}

/** Structured output: natively where the model has it, else by a tool that takes the answer as its input. */
function planStructure(
  { outputFormat: format, tools }: MessagesRequest,
  context: StructureContext,
): Structure {
  const { traits, choice, others, ignored } = context;
  if (format === undefined) return {};
  if (traits.structuredOutput === "schema") {
    const schema = JSON.stringify(format.schema);
    return { outputConfig: { textFormat: { type: "json_schema", structure: { jsonSchema: { schema } } } } };
  }
  if (choice.type === "any" || choice.type === "tool") {
    // A call that the caller insists on has no content to hold to a format.
    ignored.add(format.path);
    return {};
  }
  const byName = traits.toolChoice.has("tool");
  if (traits.structuredOutput === "none" || !(byName || traits.toolChoice.has("any"))) {
    throw invalidField(format.path, "this model has no structured output: expected none");
  }
  const tool: ToolSpec = {
    name: freeName("answer", tools),
    description: "Gives the answer, as JSON",
    inputSchema: { json: objectSchema(format.schema) },
  };
  const mayCallOthers = others > 0 && choice.type !== "none";
  return { tool, toolChoice: mayCallOthers || !byName ? { any: {} } : { tool: { name: tool.name } } };
}

function freeName(name: string, tools: readonly MessagesTool[]): string {
  return tools.some((tool) => tool.name === name) ? freeName(`${name}_as_json`, tools) : name;
}

/** `disable_parallel_tool_use`, which only Claude knows, and only as a member of its own `tool_choice`. */
function forbidParallelCalls(
  { toolChoice }: MessagesRequest,
  { traits, ignored, toolNames }: ToolsContext,
): JsonObject {
  if (toolChoice === undefined || toolChoice.type === "none" || !toolChoice.single) return {};
  if (!traits.singleToolCall) {
    ignored.add("tool_choice.disable_parallel_tool_use");
    return {};
  }
  const { type } = toolChoice;
  const name = type === "tool" ? { name: toolNames.toConverse(toolChoice.name) } : {};
  return { tool_choice: { type, ...name, disable_parallel_tool_use: true } };
}
