/** Tools of any dialect -> Converse: the tools, the tool choice, and structured output. */

import { invalidField } from "../../../base/errors.ts";
import { isJsonObject, NO_MEMBERS } from "../../../base/json.ts";
import type { JsonObject } from "../../../base/json.ts";
import { jsonText } from "../../../base/json_text/json_text.ts";
import type { ModelTraits } from "../../../facts/traits.ts";
import type {
  ConverseTool,
  OutputConfig,
  ToolChoice,
  ToolConfig,
  ToolSpec,
} from "../../../wire/bedrock/converse.ts";
import type { CacheControl } from "../../../wire/anthropic/cache_control.ts";
import { bareTool } from "../members.ts";
import { strictSchema } from "./strict_schema.ts";
import { toolSchema } from "./tool_schema.ts";
import type { ConversationContext } from "../turns.ts";

/** The Converse fields that result from tools and format. */
export interface ToolPlan {
  readonly toolConfig: ToolConfig | undefined;
  readonly outputConfig: OutputConfig | undefined;
  /** Converse's name of the tool whose input is the response's content. */
  readonly structuredTool: string | undefined;
  /** Whether the model has to call a tool, including the one for the answer. */
  readonly isForced: boolean;
  /** Members for `additionalModelRequestFields`. */
  readonly additionalFields: JsonObject;
}

/** Input of the translation of tools. */
export interface ToolsContext extends ConversationContext {
  /** Names of the tools called in the history. */
  readonly calledTools: readonly string[];
}

/** A tool of the caller. */
export interface CallerTool {
  readonly name: string;
  /** `tools[0].function.name` */
  readonly namePath: string;
  readonly description: string | undefined;
  readonly schema: JsonObject;
  /** Path of the schema, without indexes: `tools[].function.parameters`. */
  readonly schemaPath: string;
  readonly strict: boolean;
  /**
   * The path under which `strict` is listed as ignored if the model does not support it: `tools[].function.strict`.
   */
  readonly strictPath: string;
  readonly cache: CacheControl | undefined;
}

/** The caller's `tool_choice`, as far as the model supports it. */
export interface Choice {
  readonly mode: "auto" | "none" | "forced";
  /** The tools that the model may call; undefined for all. */
  readonly allowed: ReadonlySet<string> | undefined;
  /** Undefined for "none" too: Converse has no such choice, so the tools are omitted instead. */
  readonly toolChoice: ToolChoice | undefined;
}

/** The format that the caller requires for the response. */
export interface AnswerFormat {
  /** The path of the field that requests it. */
  readonly path: string;
  /** What to do instead for a model without structured output. */
  readonly otherwise: string;
  /** Undefined for any object, which `outputConfig` cannot express. */
  readonly schema: JsonObject | undefined;
  /** `response_format.json_schema.schema` */
  readonly schemaPath: string;
  readonly name: string | undefined;
  readonly description: string | undefined;
  /** The name of the tool that receives the output; `_` is appended until it is unique. */
  readonly tool: { readonly name: string; readonly suffix: string };
}

/** What a request specifies about tools and format. */
export interface Wanted {
  readonly tools: readonly CallerTool[];
  readonly choice: Choice;
  readonly format: AnswerFormat | undefined;
  /** The field that disables parallel tool calls, if it does. */
  readonly singleCall: string | undefined;
}

/** Translates tools, choice and format, which depend on one another. */
export function planTools(wanted: Wanted, context: ToolsContext): ToolPlan {
  const { tools: { length }, format, singleCall } = wanted;
  if (length === 0 && context.calledTools.length === 0 && format === undefined && singleCall === undefined) {
    return NO_TOOLS;
  }
  const tools = offerTools(wanted, context);
  const structure = wanted.format === undefined
    ? {}
    : planStructure(wanted.format, { ...context, wanted, others: tools.length });
  if (structure.tool !== undefined) tools.push({ toolSpec: structure.tool });
  const toolChoice = structure.toolChoice ?? wanted.choice.toolChoice;
  const nativeChoice = singleCallChoice(wanted.singleCall, { ...context, toolChoice, offered: tools });
  return {
    // Bedrock refuses two choices, so a native one, which says more, is the only one.
    toolConfig: tools.length === 0
      ? undefined
      : { tools, toolChoice: nativeChoice === undefined ? toolChoice : undefined },
    outputConfig: structure.outputConfig,
    structuredTool: structure.tool?.name,
    isForced: tools.length > 0 && toolChoice !== undefined && !("auto" in toolChoice),
    additionalFields: nativeChoice === undefined ? {} : { tool_choice: nativeChoice },
  };
}

const NO_TOOLS: ToolPlan = {
  toolConfig: undefined,
  outputConfig: undefined,
  structuredTool: undefined,
  isForced: false,
  additionalFields: NO_MEMBERS,
};

/**
 * The plan, and the `given` members of `additionalModelRequestFields`, with only one choice of tools, because Bedrock
 * refuses two. The fields of the request's dialect win; other members of the given choice are kept.
 */
export function withOneChoice(
  plan: ToolPlan,
  given: JsonObject,
  { traits, ignored }: Pick<ToolsContext, "traits" | "ignored">,
): { readonly plan: ToolPlan; readonly given: JsonObject } {
  if (given.tool_choice === undefined || plan.toolConfig === undefined) return { plan, given };
  const { tool_choice: choice, ...others } = given;
  const { toolChoice } = plan.toolConfig;
  const own = isJsonObject(plan.additionalFields.tool_choice)
    ? plan.additionalFields.tool_choice
    : toolChoice && anthropicChoice(toolChoice);
  if (own === undefined) return { plan, given };
  const { type, name: _, ...rest } = isJsonObject(choice) ? choice : {};
  if (type !== own.type) ignored.add("additionalModelRequestFields.tool_choice");
  if (!traits.singleToolCall || Object.keys(rest).length === 0) return { plan, given: others };
  return {
    plan: {
      ...plan,
      toolConfig: { ...plan.toolConfig, toolChoice: undefined },
      additionalFields: { ...plan.additionalFields, tool_choice: { ...rest, ...own } },
    },
    given: others,
  };
}

/** Throws `invalid_request` if two tools have the same name, which Bedrock refuses. */
export function rejectDuplicateNames(tools: readonly CallerTool[]): void {
  if (tools.length < 2) return;
  const names = new Set<string>();
  for (const { name, namePath } of tools) {
    if (names.has(name)) throw invalidField(namePath, "duplicate tool name");
    names.add(name);
  }
}

/** The model chooses among all tools or those in `allowed`. */
export function autoChoice(traits: ModelTraits, allowed?: Choice["allowed"]): Choice {
  return { mode: "auto", allowed, toolChoice: traits.toolChoice.has("auto") ? { auto: {} } : undefined };
}

/**
 * The model must call one of the tools; throws `invalid_request` with `path` if the model cannot be forced to.
 */
export function anyChoice(
  traits: ModelTraits,
  { path, allowed }: { readonly path: string; readonly allowed?: Choice["allowed"] },
): Choice {
  if (traits.toolChoice.has("any")) return { mode: "forced", allowed, toolChoice: { any: {} } };
  throw invalidField(path, 'this model cannot be forced to call a tool; use "auto" or "none"');
}

/** The model must call the named tool. */
export function namedChoice(
  name: string,
  { path, traits, toolNames }: ToolsContext & { readonly path: string },
): Choice {
  // If the model does not support a named choice, that tool is the only one it is offered.
  return traits.toolChoice.has("tool")
    ? { mode: "forced", allowed: undefined, toolChoice: { tool: { name: toolNames.toConverse(name) } } }
    : anyChoice(traits, { path, allowed: new Set([name]) });
}

function offerTools({ tools, choice }: Wanted, context: ToolsContext): ConverseTool[] {
  const { calledTools, cachePoints, toolNames } = context;
  if (choice.mode === "none" && calledTools.length === 0) return [];
  const offered: ConverseTool[] = [];
  for (const tool of tools) {
    if (choice.allowed?.has(tool.name) === false) continue;
    offered.push({ toolSpec: translateTool(tool, context) });
    cachePoints.mark(offered, { place: "tools", cache: tool.cache });
  }
  // Bedrock refuses tool blocks in the history if there is no toolConfig.
  return offered.length > 0 ? offered : calledTools.map((name) => bareTool(toolNames.toConverse(name)));
}

function translateTool(tool: CallerTool, { traits, toolNames, ignored }: ToolsContext): ToolSpec {
  const schema = toolSchema(tool.schema, (keyword) => ignored.add(`${tool.schemaPath}..${keyword}`));
  const strict = tool.strict && traits.strictTools ? strictSchema(closedIfEmpty(schema)) : undefined;
  if (tool.strict && strict === undefined) ignored.add(tool.strictPath);
  for (const keyword of strict?.moved ?? []) ignored.add(`${tool.schemaPath}..${keyword}`);
  return {
    name: toolNames.toConverse(tool.name),
    description: tool.description,
    inputSchema: { json: strict?.schema ?? schema },
    // Several models refuse the member, whatever its value.
    strict: strict === undefined ? undefined : true,
  };
}

/** A tool without parameters accepts none, rather than any. */
function closedIfEmpty(schema: JsonObject): JsonObject {
  const { properties = {}, additionalProperties } = schema;
  const isEmpty = isJsonObject(properties) && Object.keys(properties).length === 0;
  return isEmpty && additionalProperties === undefined
    ? { ...schema, properties, additionalProperties: false }
    : schema;
}

interface Structure {
  readonly outputConfig?: OutputConfig;
  readonly tool?: ToolSpec;
  readonly toolChoice?: ToolChoice;
}

interface StructureContext extends ToolsContext {
  readonly wanted: Wanted;
  /** The number of other tools that the model is offered. */
  readonly others: number;
}

/**
 * Structured output: native if the model supports it, otherwise by a tool whose input is the output.
 */
function planStructure(format: AnswerFormat, context: StructureContext): Structure {
  const { traits, wanted: { tools, choice }, others, toolNames, calledTools, ignored } = context;
  const schema = toolSchema(
    format.schema ?? {},
    (keyword) => ignored.add(`${format.schemaPath}..${keyword}`),
  );
  const strict = format.schema === undefined || traits.structuredOutput !== "schema"
    ? undefined
    : strictSchema(schema);
  if (strict !== undefined) {
    for (const keyword of strict.moved) ignored.add(`${format.schemaPath}..${keyword}`);
    return { outputConfig: { textFormat: schemaFormat(format, strict.schema) } };
  }
  if (choice.mode === "forced") {
    // If the caller forces a call, there is no content to which a format applies.
    ignored.add(format.path);
    return {};
  }
  const byName = traits.toolChoice.has("tool");
  if (traits.structuredOutput === "none" || !(byName || traits.toolChoice.has("any"))) {
    throw invalidField(
      format.path,
      traits.structuredOutput === "schema" && format.schema !== undefined
        ? "this model does not support a schema that is recursive or has objects with arbitrary members"
        : `this model does not support structured output; ${format.otherwise}`,
    );
  }
  // Tools that only occur in the history may be offered, too.
  const taken = [...tools.map((tool) => tool.name), ...calledTools];
  const tool: ToolSpec = {
    name: toolNames.toConverse(freeName(format.tool, taken)),
    description: format.description ?? "Returns the answer as JSON",
    inputSchema: { json: schema },
  };
  const mayCallOthers = others > 0 && choice.mode !== "none";
  return { tool, toolChoice: mayCallOthers || !byName ? { any: {} } : { tool: { name: tool.name } } };
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_OutputFormat.html */
function schemaFormat(
  { name, description }: AnswerFormat,
  schema: JsonObject,
): OutputConfig["textFormat"] {
  return {
    type: "json_schema",
    structure: { jsonSchema: { schema: jsonText(schema), name, description } },
  };
}

function freeName({ name, suffix }: AnswerFormat["tool"], taken: readonly string[]): string {
  let free = name;
  while (taken.includes(free)) free += suffix;
  return free;
}

interface SingleCallContext extends ToolsContext {
  readonly toolChoice: ToolChoice | undefined;
  readonly offered: readonly ConverseTool[];
}

/** At most one call per answer, which only Claude supports, as a member of its own `tool_choice`. */
function singleCallChoice(
  singleCall: string | undefined,
  { traits, ignored, toolChoice, offered }: SingleCallContext,
): JsonObject | undefined {
  if (singleCall === undefined) return undefined;
  if (offered.length > 0 && traits.singleToolCall) {
    return { ...anthropicChoice(toolChoice), disable_parallel_tool_use: true };
  }
  ignored.add(singleCall);
  return undefined;
}

/** The choice in Anthropic's form. */
function anthropicChoice(toolChoice: ToolChoice | undefined): JsonObject {
  if (toolChoice === undefined || "auto" in toolChoice) return { type: "auto" };
  return "any" in toolChoice ? { type: "any" } : { type: "tool", name: toolChoice.tool.name };
}
