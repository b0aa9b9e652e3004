/** The tools of a Responses request: which types an endpoint accepts, and how the model sees them. */

import { createHash } from "node:crypto";
import { z } from "zod";
import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { invalid } from "../server/exception.ts";

/** The name of a tool or a namespace. */
export const TOOL_NAME = z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/);

/** The members of a tool that are the same for every type. */
export const TOOL = z.looseObject({
  type: z.string(),
  name: TOOL_NAME.nullish(),
  tools: z.array(z.looseObject({ type: z.enum(["function", "custom"]), name: TOOL_NAME })).nullish(),
});

/** A tool that the client runs. */
export interface OfferedTool {
  readonly kind: "custom" | "function" | "tool_search";
  readonly namespace: string | undefined;
  readonly name: string;
  /** The name by which the emulated model mentions and calls it. */
  readonly flatName: string;
  readonly description: string;
  readonly schema: JsonValue;
}

const BOTH = ["function", "mcp", "custom", "namespace", "tool_search"];
const RUNTIME = new Set([...BOTH, "apply_patch", "computer"]);
const MANTLE = new Set([...BOTH, "web_search"]);

/** Throws for a type of tool that the endpoint does not accept. */
export function checkToolTypes(tools: readonly { readonly type: string }[], isMantle: boolean): void {
  const known = isMantle ? MANTLE : RUNTIME;
  const unknown = tools.find(({ type }) => !known.has(type));
  if (unknown !== undefined) throw invalid(`${unknown.type} is not supported for this request`);
}

/** The client's tools by the model's name for them: those of the request, and those that its items add. */
export function offeredTools({ tools, input }: JsonObject): ReadonlyMap<string, OfferedTool> {
  const items = objects(input).flatMap((item) => objects(item["tools"]));
  const all = [...objects(tools), ...items].flatMap((tool) => offeredAs(tool, undefined));
  return new Map(all.reverse().map((tool) => [tool.flatName, tool]));
}

/** The model's name for a tool, in at most 64 characters. */
export function flatToolName(namespace: JsonValue | undefined, name: JsonValue | undefined): string {
  const flat = typeof namespace === "string" ? `${namespace}__${name}` : String(name);
  return flat.length <= 64 ? flat : `${flat.slice(0, 31)}_${digestOf(flat)}`;
}

/** 32 characters that differ from text to text. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

function offeredAs(tool: JsonObject, namespace: string | undefined): OfferedTool[] {
  const { type } = tool;
  const name = String(tool["name"]);
  const common = {
    namespace,
    name,
    flatName: flatToolName(namespace, name),
    description: String(tool["description"] ?? ""),
    schema: tool["parameters"] ?? { type: "object" },
  };
  switch (type) {
    case "function":
      return [{ ...common, kind: type }];
    case "custom":
      return [{
        ...common,
        kind: type,
        schema: { type: "object", properties: { input: { type: "string" } }, required: ["input"] },
      }];
    case "tool_search":
      return tool["execution"] === "client" ? [{ ...common, kind: type, name: type, flatName: type }] : [];
    case "namespace":
      return objects(tool["tools"]).flatMap((inner) => offeredAs(inner, name));
    default:
      return [];
  }
}

function objects(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
