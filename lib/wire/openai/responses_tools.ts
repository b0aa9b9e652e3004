/** The tools of a Responses request, and the choice between them. */

import { type AditError, invalidField } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import { type Fields, unindexed } from "../fields.ts";

/** A tool that the client runs. */
export interface ClientTool {
  readonly kind: ToolKind;
  /** The namespace that it is in; undefined at the top level. */
  readonly namespace: string | undefined;
  readonly name: string;
  /** `tools[0].name` */
  readonly namePath: string;
  readonly description: string | undefined;
  /** The schema of its arguments; undefined for a custom tool. */
  readonly parameters: JsonObject | undefined;
  /** Without an index: `tools[].parameters`. */
  readonly schemaPath: string;
  readonly strict: boolean;
  readonly strictPath: string;
  /** The grammar that a custom tool's input must match; undefined: any text. */
  readonly grammar: Grammar | undefined;
}

/** How a tool is called: with JSON arguments, with text, or to find more tools. */
export type ToolKind = "function" | "custom" | "tool_search";

export interface Grammar {
  readonly syntax: "lark" | "regex";
  readonly definition: string;
}

/** The tools of a list. */
export interface ToolList {
  readonly tools: readonly ClientTool[];
  /** Names of the tools that are left out, as listed among the ignored fields: `tools[web_search]`. */
  readonly leftOut: readonly string[];
  readonly unsupported: readonly UnsupportedTool[];
}

/** A tool that neither the client nor the gateway can run, and that is refused unless the operator drops its type. */
export interface UnsupportedTool {
  readonly type: string;
  /** Where its type is: `tools[0].type`. */
  readonly path: string;
  /** Its name among the ignored fields: `tools[mcp]`. */
  readonly name: string;
}

/** The name of the tool that finds others. */
export const TOOL_SEARCH = "tool_search";

const WEB_SEARCH = /^web_search(?:_\d{4}_\d{2}_\d{2}|_preview(?:_\d{4}_\d{2}_\d{2})?)?$/;

const SUPPORTED = ["function", "custom", TOOL_SEARCH] as const;

/** The tools in the member `tools`. */
export function parseTools(fields: Fields): ToolList {
  const leftOut: string[] = [];
  const unsupported: UnsupportedTool[] = [];
  const add = (list: Fields, namespace: string | undefined): ClientTool[] => {
    const place = unindexed(list.pathOf("tools"));
    return list.items("tools").flatMap((tool) => {
      const type = tool.string("type");
      if (type === "namespace" && namespace === undefined) return inNamespace(tool, add);
      const name = `${place}[${type}]`;
      if (isLeftOut(tool, type)) leftOut.push(name);
      else if (!SUPPORTED.some((each) => each === type)) {
        unsupported.push({ type, path: tool.pathOf("type"), name });
      } else return parseTool(tool, { namespace, place });
      tool.leaveOut();
      return [];
    });
  };
  return { tools: add(fields, undefined), leftOut, unsupported };
}

/**
 * Clients offer web search to every model, and none needs it. A search by the provider only finds tools of the request,
 * and the model is offered all of those.
 */
function isLeftOut(tool: Fields, type: string): boolean {
  return WEB_SEARCH.test(type) ||
    (type === TOOL_SEARCH && tool.optionalOneOf("execution", ["client", "server"]) !== "client");
}

/** The refusal of a tool by the path of its type. */
export function unsupportedTool(path: string): AditError {
  return invalidField(
    path,
    "Bedrock does not run this tool; use a function, custom, namespace or tool_search tool",
  );
}

function inNamespace(
  fields: Fields,
  parse: (list: Fields, namespace: string) => readonly ClientTool[],
): ClientTool[] {
  const about = fields.optionalString("description");
  // Converse has no description for a group of tools, so the first tool carries it.
  return parse(fields, fields.string("name")).map((tool, index) => {
    const description = index === 0 ? joined(about, tool.description) : tool.description;
    return { ...tool, description };
  });
}

function joined(...texts: readonly (string | undefined)[]): string | undefined {
  return texts.filter((text) => text !== undefined && text !== "").join("\n\n") || undefined;
}

/** Where a tool is listed. */
interface ListOfTools {
  readonly namespace: string | undefined;
  /** The path of the list without indexes: `tools`, `tools[].tools`. */
  readonly place: string;
}

function parseTool(tool: Fields, list: ListOfTools): ClientTool[] {
  switch (tool.oneOf("type", SUPPORTED)) {
    case "function":
      return parseFunction(tool, list);
    case "custom":
      return [{ ...parseNamed(tool, list), kind: "custom", grammar: parseGrammar(tool) }];
    case TOOL_SEARCH:
      return [parseToolSearch(tool, list)];
  }
}

function parseFunction(tool: Fields, list: ListOfTools): ClientTool[] {
  const callers = tool.optionalArray("allowed_callers");
  if (callers !== undefined) tool.ignore("allowed_callers");
  // Without `direct`, only programs that the provider runs may call it.
  const isOffered = callers === undefined || callers.includes("direct");
  const parsed: ClientTool = {
    ...parseNamed(tool, list),
    parameters: parseParameters(tool),
    strict: tool.optionalBoolean("strict") ?? false,
  };
  return isOffered ? [parsed] : [];
}

function parseParameters(tool: Fields): JsonObject {
  return tool.optionalObject("parameters")?.whole() ?? { type: "object", properties: {} };
}

function parseNamed(tool: Fields, { namespace, place }: ListOfTools): ClientTool {
  return {
    kind: "function",
    namespace,
    name: tool.string("name"),
    namePath: tool.pathOf("name"),
    description: tool.optionalString("description") || undefined,
    parameters: undefined,
    schemaPath: `${place}[].parameters`,
    strict: false,
    strictPath: `${place}[].strict`,
    grammar: undefined,
  };
}

function parseToolSearch(tool: Fields, { place }: ListOfTools): ClientTool {
  return {
    kind: "tool_search",
    namespace: undefined,
    name: TOOL_SEARCH,
    namePath: tool.pathOf("type"),
    description: tool.optionalString("description") || undefined,
    parameters: parseParameters(tool),
    schemaPath: `${place}[].parameters`,
    strict: false,
    strictPath: `${place}[].strict`,
    grammar: undefined,
  };
}

function parseGrammar(tool: Fields): Grammar | undefined {
  const format = tool.optionalObject("format");
  if (format === undefined || format.oneOf("type", ["text", "grammar"]) === "text") return undefined;
  return { syntax: format.oneOf("syntax", ["lark", "regex"]), definition: format.string("definition") };
}

export type ResponsesToolChoice =
  | { readonly type: "auto" | "none" | "required" }
  | { readonly type: "tool"; readonly tool: ChosenTool }
  | {
    readonly type: "allowed_tools";
    readonly mode: "auto" | "required";
    readonly tools: readonly ChosenTool[];
  };

/** A tool of the request, or the type of one that the client does not run. */
export type ChosenTool =
  | {
    readonly type: "client";
    /** `tool_choice.name` */
    readonly path: string;
    readonly namespace: string | undefined;
    readonly name: string;
  }
  | {
    readonly type: "hosted";
    /** `tool_choice.type` */
    readonly path: string;
    readonly name: string;
    /** Whether such tools are left out of every request. */
    readonly isLeftOut: boolean;
  };

/** The member `tool_choice`. */
export function parseResponsesToolChoice(fields: Fields): ResponsesToolChoice | undefined {
  const choice = fields.any("tool_choice");
  if (choice === undefined) return undefined;
  if (!isJsonObject(choice)) return { type: fields.oneOf("tool_choice", ["auto", "none", "required"]) };
  const object = fields.object("tool_choice");
  if (object.any("type") !== "allowed_tools") return { type: "tool", tool: parseChosen(object) };
  return {
    type: "allowed_tools",
    mode: object.oneOf("mode", ["auto", "required"]),
    tools: object.items("tools").map(parseChosen),
  };
}

function parseChosen(choice: Fields): ChosenTool {
  const type = choice.string("type");
  const path = choice.pathOf("type");
  if (type === TOOL_SEARCH) return { type: "client", path, namespace: undefined, name: TOOL_SEARCH };
  if (type !== "function" && type !== "custom") {
    choice.leaveOut();
    return { type: "hosted", path, name: type, isLeftOut: WEB_SEARCH.test(type) };
  }
  return {
    type: "client",
    path: choice.pathOf("name"),
    namespace: choice.optionalString("namespace"),
    name: choice.string("name"),
  };
}
