/** Bedrock's Converse: the types of the request, and the parser of the response. */

import { upstreamProtocol } from "../../base/errors.ts";
import { firstMember, isJsonObject, member } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { withTracedUnits } from "./guardrail_units.ts";
import { CONVERSE_USAGE, converseTier, readCount, readUsage, withTier } from "../usage.ts";

// Request: names and shapes of ConverseRequest in AWS's model. Blobs are base64 strings. A member set to undefined is
// absent, as in JSON.

export interface ConverseRequest {
  readonly messages: readonly ConverseMessage[];
  readonly system?: readonly SystemBlock[] | undefined;
  readonly inferenceConfig?: InferenceConfig | undefined;
  readonly toolConfig?: ToolConfig | undefined;
  readonly guardrailConfig?: JsonObject | undefined;
  readonly additionalModelRequestFields?: JsonObject | undefined;
  readonly promptVariables?: JsonObject | undefined;
  readonly requestMetadata?: Readonly<Record<string, string>> | undefined;
  readonly performanceConfig?: JsonObject | undefined;
  readonly serviceTier?: JsonObject | undefined;
  readonly additionalModelResponseFieldPaths?: readonly string[] | undefined;
  readonly outputConfig?: OutputConfig | undefined;
}

export interface ConverseMessage {
  /** `system`: text between turns, if the model accepts it. */
  readonly role: "user" | "assistant" | "system";
  readonly content: readonly ContentBlock[];
}

export interface CachePoint {
  readonly cachePoint: { readonly type: "default"; readonly ttl?: CacheTtl | undefined };
}
export type CacheTtl = "5m" | "1h";

export type SystemBlock = { readonly text: string } | CachePoint;

/** A union with exactly one member, whose name is the tag. */
export type ContentBlock =
  | { readonly text: string }
  | { readonly image: ImageBlock }
  | { readonly document: DocumentBlock }
  | { readonly video: MediaBlock }
  | { readonly audio: MediaBlock }
  | { readonly searchResult: SearchResultBlock }
  | { readonly toolUse: ToolUseBlock }
  | { readonly toolResult: ToolResultBlock }
  | { readonly reasoningContent: ReasoningContent }
  | CachePoint;

export type ImageFormat = "png" | "jpeg" | "gif" | "webp";
export interface ImageBlock {
  readonly format: ImageFormat;
  readonly source: BytesSource;
}
export interface DocumentBlock {
  readonly format: string;
  readonly name: string;
  readonly source: BytesSource;
}
export interface MediaBlock {
  readonly format: string;
  readonly source: BytesSource;
}
export interface BytesSource {
  /** Base64. */
  readonly bytes: string;
}
export interface SearchResultBlock {
  readonly source: string;
  readonly title: string;
  readonly content: readonly { readonly text: string }[];
  readonly citations: { readonly enabled: boolean };
}
export interface ToolUseBlock {
  readonly toolUseId: string;
  readonly name: string;
  readonly input: JsonObject;
}
export interface ToolResultBlock {
  readonly toolUseId: string;
  readonly content: readonly ToolResultContent[];
  readonly status?: "success" | "error" | undefined;
}
export type ToolResultContent = Extract<
  ContentBlock,
  | { text: string }
  | { image: ImageBlock }
  | { document: DocumentBlock }
  | { video: MediaBlock }
  | { searchResult: SearchResultBlock }
>;
export type ReasoningContent =
  | { readonly reasoningText: { readonly text: string; readonly signature?: string } }
  | { readonly redactedContent: string }
  | undefined;

export interface InferenceConfig {
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
}

export interface ToolConfig {
  readonly tools: readonly ConverseTool[];
  readonly toolChoice?: ToolChoice | undefined;
}
export type ConverseTool = { readonly toolSpec: ToolSpec } | CachePoint;
export interface ToolSpec {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema: { readonly json: JsonObject };
  readonly strict?: boolean | undefined;
}
export type ToolChoice =
  | { readonly auto: EmptyObject }
  | { readonly any: EmptyObject }
  | { readonly tool: { readonly name: string } };
export type EmptyObject = Readonly<Record<string, never>>;

export interface OutputConfig {
  readonly textFormat: {
    readonly type: "json_schema";
    readonly structure: {
      readonly jsonSchema: {
        /** The JSON Schema as a JSON string. */
        readonly schema: string;
        readonly name?: string | undefined;
        readonly description?: string | undefined;
      };
    };
  };
}

// Response, tagged by `type`, so that a block type that Bedrock adds later still has a name and a position.

export interface ConverseResponse extends AnswerExtras {
  readonly content: readonly ResponseBlock[];
  readonly stopReason: string;
  /** Undefined if Bedrock did not report it. */
  readonly usage: Usage | undefined;
}

/** What Bedrock reports in addition to the message; in a stream it is in the last two events. */
export interface AnswerExtras {
  /** The tier that served the request, which may differ from the requested one. */
  readonly serviceTier?: string;
  /** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseTrace.html, as received. */
  readonly trace?: JsonObject;
  readonly performanceConfig?: JsonObject;
  /** The fields requested by `additionalModelResponseFieldPaths`. */
  readonly additionalModelResponseFields?: JsonValue;
}

export type ResponseBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "toolUse"; readonly toolUseId: string; readonly name: string; readonly input: JsonValue }
  | { readonly type: "reasoningText"; readonly text: string; readonly signature: string | undefined }
  | { readonly type: "redactedContent"; readonly data: string }
  | { readonly type: "citations"; readonly text: string; readonly citations: readonly Citation[] }
  /** A block or union member that is not known here. */
  | { readonly type: "unknown"; readonly name: string };

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html, as received. */
export type Citation = JsonObject;

/**
 * Parses a Converse response; tolerates unknown members, throws `upstream_protocol` if there is no message.
 */
export function parseConverseResponse(body: JsonValue): ConverseResponse {
  const message = member(member(body, "output"), "message");
  const content = member(message, "content");
  if (!Array.isArray(content)) {
    throw upstreamProtocol("Converse response without a message");
  }
  return withExtras({
    content: content.map(parseResponseBlock),
    stopReason: text(member(body, "stopReason")) ?? "",
    usage: parseUsage(body),
  }, body);
}

/** The extras in a response, or in the payload of an event. */
export function parseExtras(body: JsonValue): AnswerExtras {
  return withExtras({}, body);
}

/** Adds the members that are present one by one, because most responses have none. */
function withExtras<Response extends object>(
  response: Response & { -readonly [Name in keyof AnswerExtras]: AnswerExtras[Name] },
  body: JsonValue,
): Response & AnswerExtras {
  const serviceTier = text(member(member(body, "serviceTier"), "type"));
  const trace = member(body, "trace");
  const performanceConfig = member(body, "performanceConfig");
  const fields = member(body, "additionalModelResponseFields");
  if (serviceTier !== undefined) response.serviceTier = serviceTier;
  if (isJsonObject(trace)) response.trace = trace;
  if (isJsonObject(performanceConfig)) response.performanceConfig = performanceConfig;
  if (fields !== undefined && fields !== null) response.additionalModelResponseFields = fields;
  return response;
}

/**
 * Token counts of a response's or an event's `usage`, with the tier that they are billed at; undefined if either input or
 * output tokens are missing.
 */
export function parseUsage(body: JsonValue | undefined): Usage | undefined {
  const usage = member(body, "usage");
  const isWhole = readCount(member(usage, CONVERSE_USAGE.inputTokens)) !== undefined &&
    readCount(member(usage, CONVERSE_USAGE.outputTokens)) !== undefined;
  if (!isWhole) return undefined;
  const counted = withTier(readUsage(usage, CONVERSE_USAGE), converseTier(body));
  return withTracedUnits(counted, member(body, "trace"));
}

/** One parser for each known block type. */
const BLOCK_READERS: Readonly<Record<string, (value: JsonValue | undefined) => ResponseBlock | undefined>> = {
  text: (value) => typeof value === "string" ? { type: "text", text: value } : undefined,
  toolUse: (value) => {
    // A tool that runs on the model's side is not for the caller to run.
    if (member(value, "type") === "server_tool_use") {
      return { type: "unknown", name: "toolUse.server_tool_use" };
    }
    const toolUseId = text(member(value, "toolUseId"));
    const name = text(member(value, "name"));
    if (toolUseId === undefined || name === undefined) return undefined;
    return { type: "toolUse", toolUseId, name, input: member(value, "input") ?? {} };
  },
  reasoningContent: (value) => {
    const data = text(member(value, "redactedContent"));
    if (data !== undefined) return { type: "redactedContent", data };
    const reasoning = member(value, "reasoningText");
    const thought = text(member(reasoning, "text"));
    const signature = text(member(reasoning, "signature"));
    // A hidden thought has only its signature.
    if (thought === undefined && signature === undefined) return undefined;
    return { type: "reasoningText", text: thought ?? "", signature };
  },
  citationsContent: (value) => {
    const content = member(value, "content");
    const citations = member(value, "citations");
    return {
      type: "citations",
      text: Array.isArray(content) ? content.map((each) => text(member(each, "text")) ?? "").join("") : "",
      citations: Array.isArray(citations) ? citations.filter(isJsonObject) : [],
    };
  },
};

function parseResponseBlock(block: JsonValue): ResponseBlock {
  const name = firstMember(block);
  const read = Object.hasOwn(BLOCK_READERS, name) ? BLOCK_READERS[name] : undefined;
  return read?.(member(block, name)) ?? { type: "unknown", name };
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
