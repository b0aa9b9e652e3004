/** Chat Completions -> Converse: tools, the choice between them, and structured output. */

import { invalidField } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import type { ModelTraits } from "../data/traits.ts";
import type { ConverseTool, OutputConfig, ToolChoice, ToolConfig, ToolSpec } from "../wire/converse.ts";
import type { ChatRequest, ChatTool, ResponseFormat } from "../wire/openai_chat.ts";
import type { CachePoints } from "./cache_points.ts";
import { bareTool, objectSchema } from "./converse_members.ts";
import type { IgnoredFields } from "./ignored.ts";
import type { ToolNames } from "./tool_names.ts";

export interface ToolPlan {
  readonly toolConfig: ToolConfig | undefined;
  readonly outputConfig: OutputConfig | undefined;
  /** Converse's name of the tool whose input is the answer's content. */
  readonly structuredTool: string | undefined;
  /** Members for `additionalModelRequestFields`. */
  readonly additionalFields: JsonObject;
}

export interface ToolsContext {
  readonly traits: ModelTraits;
  readonly toolNames: ToolNames;
  readonly cachePoints: CachePoints;
  readonly ignored: IgnoredFields;
  /** Names of the tools that the history calls. */
  readonly calledTools: readonly string[];
}

/** Translates `tools`, `tool_choice`, `parallel_tool_calls` and `response_format`, which depend on one another. */
export function planTools(request: ChatRequest, context: ToolsContext): ToolPlan {
  const choice = resolveChoice(request, context);
  const tools = offerTools(request, { ...context, choice });
  const structure = planStructure(request, { ...context, choice, others: tools.length });
  if (structure.tool !== undefined) tools.push({ toolSpec: structure.tool });
  const toolChoice = structure.toolChoice ?? choice.toolChoice;
  const toolConfig = tools.length === 0 ? undefined : { tools, toolChoice };
  return {
    toolConfig,
    outputConfig: structure.outputConfig,
    structuredTool: structure.tool?.name,
    additionalFields: toolConfig === undefined
      ? {}
      : forbidParallelCalls(request, { ...context, toolChoice }),
  };
}

/** `tool_choice` as far as the model can follow it. */
interface Choice {
  readonly mode: "unset" | "auto" | "none" | "any" | "tool";
  /** The tools that the model may call; undefined: every one. */
  readonly allowed: ReadonlySet<string> | undefined;
  /** Converse has no "none": a request says so by having no tools. */
  readonly toolChoice: ToolChoice | undefined;
}

function resolveChoice(request: ChatRequest, { traits, toolNames }: ToolsContext): Choice {
  const asked = request.toolChoice;
  switch (asked?.type) {
    case undefined:
      return { mode: "unset", allowed: undefined, toolChoice: undefined };
    case "none":
      return { mode: "none", allowed: undefined, toolChoice: undefined };
    case "auto":
      return autoChoice(traits, undefined);
    case "required":
      if (request.tools.length === 0) {
        throw invalidField("tool_choice", 'expected tools beside "required", found none');
      }
      return anyChoice(traits, undefined);
    case "function": {
      const allowed = knownTools(request, { names: [asked.name], path: "tool_choice.function.name" });
      // Where a model cannot be held to a name, it is left no other tool.
      if (!traits.toolChoice.has("tool")) return anyChoice(traits, allowed);
      return {
        mode: "tool",
        allowed: undefined,
        toolChoice: { tool: { name: toolNames.toConverse(asked.name) } },
      };
    }
    case "allowed_tools": {
      const allowed = knownTools(request, { names: asked.names, path: "tool_choice.allowed_tools.tools" });
      return asked.mode === "auto" ? autoChoice(traits, allowed) : anyChoice(traits, allowed);
    }
  }
}

function autoChoice(traits: ModelTraits, allowed: Choice["allowed"]): Choice {
  return { mode: "auto", allowed, toolChoice: traits.toolChoice.has("auto") ? { auto: {} } : undefined };
}

function anyChoice(traits: ModelTraits, allowed: Choice["allowed"]): Choice {
  if (!traits.toolChoice.has("any")) {
    throw invalidField("tool_choice", 'this model cannot be made to call a tool: expected "auto" or "none"');
  }
  return { mode: "any", allowed, toolChoice: { any: {} } };
}

function knownTools(
  request: ChatRequest,
  { names, path }: { names: readonly string[]; path: string },
): Set<string> {
  const known = new Set(request.tools.map((tool) => tool.name));
  if (names.length === 0 || !names.every((name) => known.has(name))) {
    throw invalidField(path, "expected the name of one of the tools");
  }
  return new Set(names);
}

function offerTools(
  request: ChatRequest,
  context: ToolsContext & { readonly choice: Choice },
): ConverseTool[] {
  refuseDoubles(request.tools);
  const { choice, calledTools } = context;
  if (choice.mode === "none" && calledTools.length === 0) return [];
  const tools: ConverseTool[] = [];
  for (const tool of request.tools) {
    if (choice.allowed?.has(tool.name) === false) continue;
    tools.push({ toolSpec: translateTool(tool, context) });
    context.cachePoints.mark(tools, { place: "tools", cache: tool.cache });
  }
  // Bedrock refuses tool blocks in the history of a request that has no toolConfig.
  if (tools.length === 0) {
    tools.push(...calledTools.map((name) => bareTool(context.toolNames.toConverse(name))));
  }
  return tools;
}

function refuseDoubles(tools: readonly ChatTool[]): void {
  const names = new Set<string>();
  for (const tool of tools) {
    if (names.has(tool.name)) {
      throw invalidField(
        `${tool.path}.function.name`,
        "expected a name of its own, found a name given before",
      );
    }
    names.add(tool.name);
  }
}

function translateTool(tool: ChatTool, { traits, toolNames, ignored }: ToolsContext): ToolSpec {
  if (tool.strict && !traits.strictTools) ignored.add("tools[].function.strict");
  return {
    name: toolNames.toConverse(tool.name),
    description: tool.description,
    inputSchema: { json: objectSchema(tool.parameters ?? {}) },
    strict: tool.strict && traits.strictTools ? true : undefined,
  };
}

interface Structure {
  readonly outputConfig?: OutputConfig;
  readonly tool?: ToolSpec;
  readonly toolChoice?: ToolChoice;
}

interface StructureContext extends ToolsContext {
  readonly choice: Choice;
  /** How many other tools the model is offered. */
  readonly others: number;
}

/** Structured output: natively where the model has it, else by a tool that takes the answer as its input. */
function planStructure({ responseFormat: format, tools }: ChatRequest, context: StructureContext): Structure {
  const { traits, choice, others, toolNames, calledTools, ignored } = context;
  if (format.type === "text") return {};
  if (format.type === "json_schema" && traits.structuredOutput === "schema") {
    return { outputConfig: { textFormat: schemaFormat(format) } };
  }
  if (choice.mode === "any" || choice.mode === "tool") {
    // A call that the caller insists on has no content to hold to a format.
    ignored.add("response_format");
    return {};
  }
  const byName = traits.toolChoice.has("tool");
  if (traits.structuredOutput === "none" || !(byName || traits.toolChoice.has("any"))) {
    throw invalidField("response_format", 'this model has no structured output: expected "text"');
  }
  const name = freeName(format.type === "json_schema" ? format.name : "json", [
    ...tools.map((tool) => tool.name),
    ...calledTools,
  ]);
  const tool: ToolSpec = {
    name: toolNames.toConverse(name),
    description: (format.type === "json_schema" ? format.description : undefined) ??
      "Gives the answer, as JSON",
    inputSchema: { json: objectSchema(format.type === "json_schema" ? format.schema : {}) },
  };
  const mayCallOthers = others > 0 && choice.mode !== "none";
  return { tool, toolChoice: mayCallOthers || !byName ? { any: {} } : { tool: { name: tool.name } } };
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_OutputFormat.html */
function schemaFormat(format: ResponseFormat & { type: "json_schema" }): OutputConfig["textFormat"] {
  const { name, description, schema } = format;
  return {
    type: "json_schema",
    structure: { jsonSchema: { schema: JSON.stringify(schema), name, description } },
  };
}

/** A name unlike those of the tools, also of those that are offered for the sake of the history alone. */
function freeName(name: string, taken: readonly string[]): string {
  return taken.includes(name) ? freeName(`${name}_answer`, taken) : name;
}

interface ParallelContext extends ToolsContext {
  readonly toolChoice: ToolChoice | undefined;
}

/** `parallel_tool_calls: false`, which only Claude knows, and only as a member of its own `tool_choice`. */
function forbidParallelCalls(
  request: ChatRequest,
  { traits, ignored, toolChoice }: ParallelContext,
): JsonObject {
  if (request.parallelToolCalls !== false) return {};
  if (!traits.singleToolCall) {
    ignored.add("parallel_tool_calls");
    return {};
  }
  return { tool_choice: { ...nativeChoice(toolChoice), disable_parallel_tool_use: true } };
}

/** The choice as Anthropic spells it, since the native member must not contradict Converse's. */
function nativeChoice(toolChoice: ToolChoice | undefined): JsonObject {
  if (toolChoice === undefined || "auto" in toolChoice) return { type: "auto" };
  return "any" in toolChoice ? { type: "any" } : { type: "tool", name: toolChoice.tool.name };
}
