/** OpenAI's Responses request, parsed and validated. */

import type { JsonObject, JsonValue } from "../../base/json.ts";
import { Fields } from "../fields.ts";
import { SERVICE_TIERS, type ServiceTier } from "./chat.ts";
import { type InputItem, type OutputItem, parseInput, type ToolsItem } from "./responses_items.ts";
import {
  type ClientTool,
  parseResponsesToolChoice,
  parseTools,
  type ResponsesToolChoice,
  type UnsupportedTool,
} from "./responses_tools.ts";

/** https://platform.openai.com/docs/api-reference/responses/create */
export interface ResponsesRequest {
  /** Undefined if absent or empty. */
  readonly model: string | undefined;
  readonly instructions: string | undefined;
  readonly items: readonly InputItem[];
  readonly stream: boolean;
  readonly maxOutputTokens: number | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly tools: readonly ClientTool[];
  /** Names of the tools that are left out, as listed among the ignored fields. */
  readonly toolsLeftOut: readonly string[];
  /** Includes those of items. */
  readonly unsupportedTools: readonly UnsupportedTool[];
  readonly toolChoice: ResponsesToolChoice | undefined;
  readonly parallelToolCalls: boolean | undefined;
  readonly format: TextFormat;
  readonly effort: string | undefined;
  /** Whether a summary of the reasoning is asked for. */
  readonly wantsSummary: boolean;
  readonly serviceTier: ServiceTier | undefined;
  readonly metadata: JsonObject | undefined;
  /** The body as received, parts of which the response repeats. */
  readonly body: JsonObject;
  /** Top-level fields that are set but have no member here. */
  readonly otherFields: ReadonlyMap<string, JsonValue>;
  /** Paths, without indexes, of nested fields that are set but have no member here: `text.verbosity`. */
  readonly unreadPaths: readonly string[];
}

export type TextFormat =
  | { readonly type: "text" | "json_object" }
  | {
    readonly type: "json_schema";
    readonly name: string;
    readonly description: string | undefined;
    readonly schema: JsonObject;
  };

/** Parses a request body; throws `invalid_request` with the path of the first invalid field. */
export function parseResponsesRequest(body: JsonObject): ResponsesRequest {
  const fields = Fields.root(body);
  const items = parseInput(fields);
  const { tools, leftOut, unsupported } = parseTools(fields);
  const reasoning = fields.optionalObject("reasoning");
  const summary = reasoning?.optionalString("summary") ?? reasoning?.optionalString("generate_summary");
  readWithoutEffect(fields);
  return {
    model: fields.optionalString("model") || undefined,
    instructions: fields.optionalString("instructions") || undefined,
    items,
    stream: fields.optionalBoolean("stream") ?? false,
    maxOutputTokens: fields.optionalCount("max_output_tokens"),
    temperature: fields.optionalNumber("temperature"),
    topP: fields.optionalNumber("top_p"),
    tools,
    toolsLeftOut: [...leftOut, ...items.flatMap((item) => hasTools(item) ? item.leftOut : [])],
    unsupportedTools: [...unsupported, ...items.flatMap((item) => hasTools(item) ? item.unsupported : [])],
    toolChoice: parseResponsesToolChoice(fields),
    parallelToolCalls: fields.optionalBoolean("parallel_tool_calls"),
    format: parseTextFormat(fields),
    effort: reasoning?.optionalString("effort"),
    wantsSummary: summary !== undefined,
    serviceTier: fields.optionalOneOf("service_tier", SERVICE_TIERS),
    metadata: fields.optionalObject("metadata")?.whole(),
    body,
    // Last, after everything has been read.
    otherFields: new Map(fields.unread()),
    unreadPaths: fields.unreadInside(),
  };
}

function hasTools(item: InputItem): item is OutputItem | ToolsItem {
  return item.type === "tools" || item.type === "output";
}

/** Reads fields that clients always send and that need no action, so they are not reported as ignored. */
function readWithoutEffect(fields: Fields): void {
  // It concerns padding, which this gateway never sends.
  fields.optionalObject("stream_options")?.any("include_obfuscation");
  // Codex sends it with every request, for its own telemetry.
  fields.any("client_metadata");
}

function parseTextFormat(fields: Fields): TextFormat {
  const format = fields.optionalObject("text")?.optionalObject("format");
  const type = format?.oneOf("type", ["text", "json_object", "json_schema"]) ?? "text";
  if (format === undefined || type !== "json_schema") return { type: type === "json_object" ? type : "text" };
  // The families that support a schema always enforce it, so there is nothing to pass on.
  format.optionalBoolean("strict");
  return {
    type,
    name: format.string("name"),
    description: format.optionalString("description") || undefined,
    schema: format.object("schema").whole(),
  };
}
