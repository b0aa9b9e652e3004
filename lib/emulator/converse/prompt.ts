/** Converts a Converse request to the model's prompt. */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { thinkingShape } from "../invoke/claude_body.ts";
import type { ConverseBlock, ConverseRequest } from "./request.ts";
import { invalid, ModelRefusal } from "../server/exception.ts";
import type { Model } from "../model/models.ts";
import type { CachePoint, CacheTtl, Media, Part, Prompt, Tool, ToolChoice } from "../model/prompt.ts";

/**
 * The prompt of a request with a valid shape; throws `ModelRefusal` for fields that the model does not support.
 */
export function converseToPrompt(request: ConverseRequest, model: Model): Prompt {
  const { inferenceConfig = {}, guardrailConfig } = request;
  const extras = parseExtras(request.additionalModelRequestFields, model);
  return {
    tools: (request.toolConfig?.tools ?? []).flatMap(toTool),
    system: (request.system ?? []).flatMap((block) => toParts(block)),
    turns: (request.messages ?? []).map(({ role, content }) => ({
      role: role === "assistant" ? "assistant" : "user",
      parts: content.flatMap(toParts),
    })),
    toolChoice: toToolChoice(request.toolConfig?.toolChoice),
    parallelTools: !(extras.tool_choice?.disable_parallel_tool_use ?? false),
    maxTokens: inferenceConfig.maxTokens,
    temperature: inferenceConfig.temperature,
    topP: inferenceConfig.topP,
    topK: extras.top_k,
    stopSequences: inferenceConfig.stopSequences ?? [],
    thinking: extras.thinking ?? { kind: "off" },
    outputSchema: outputSchemaOf(request),
    betaFlags: extras.anthropic_beta ?? [],
    guardrail: guardrailConfig && {
      id: guardrailConfig.guardrailIdentifier,
      version: guardrailConfig.guardrailVersion,
      trace: (guardrailConfig.trace ?? "disabled") !== "disabled",
    },
  };
}

function toParts(block: Partial<ConverseBlock>): Part[] {
  if (block.text !== undefined) return [{ kind: "text", text: block.text }];
  if (block.image) return [media("image", block.image.source)];
  if (block.document) return [media("document", block.document.source)];
  if (block.video) return [media("video", block.video.source)];
  if (block.audio) return [media("audio", block.audio.source)];
  if (block.toolUse) {
    const { toolUseId: id, name, input } = block.toolUse;
    return [{ kind: "tool_use", id, name, input }];
  }
  if (block.toolResult) {
    const { toolUseId: id, content } = block.toolResult;
    const text = content.map((item) => item.text ?? JSON.stringify(item.json ?? Object.keys(item)[0])).join(
      " ",
    );
    return [{ kind: "tool_result", id, text }];
  }
  if (block.cachePoint) return [cachePoint(block.cachePoint.ttl)];
  if (block.reasoningContent?.reasoningText) {
    const { text, signature } = block.reasoningContent.reasoningText;
    return [{ kind: "reasoning", text, signature }];
  }
  if (block.reasoningContent?.redactedContent !== undefined) {
    // Claude's value is already base64 text; Converse carries it as a blob, so it is encoded twice.
    return [{
      kind: "redacted",
      data: Buffer.from(block.reasoningContent.redactedContent, "base64").toString(),
    }];
  }
  if (block.guardContent?.text) return [{ kind: "text", text: block.guardContent.text.text }];
  if (block.citationsContent) {
    return (block.citationsContent.content ?? []).map(({ text = "" }) => ({ kind: "text", text }));
  }
  if (block.searchResult) {
    return block.searchResult.content.map(({ text }) => ({ kind: "text", text }));
  }
  return [];
}

function cachePoint(ttl: CacheTtl = "5m"): CachePoint {
  return { kind: "cache_point", ttl };
}

function media(
  kind: Media,
  source: { bytes?: string | undefined; text?: string | undefined },
): Part {
  return {
    kind: "media",
    media: kind,
    bytes: source.bytes ? source.bytes.length * 3 / 4 : source.text?.length ?? 0,
  };
}

type RequestTool = NonNullable<ConverseRequest["toolConfig"]>["tools"][number];

function toTool({ toolSpec, systemTool, cachePoint: point }: RequestTool): (CachePoint | Tool)[] {
  if (toolSpec) {
    const { name, description = "", inputSchema } = toolSpec;
    return [{ kind: "tool", name, description, schema: inputSchema.json ?? {} }];
  }
  if (systemTool) return [{ kind: "tool", name: systemTool.name, description: "", schema: {} }];
  return [cachePoint(point?.ttl)];
}

function toToolChoice(choice: NonNullable<ConverseRequest["toolConfig"]>["toolChoice"]): ToolChoice {
  if (choice?.tool) return { kind: "tool", name: choice.tool.name };
  return { kind: choice?.any ? "any" : "auto" };
}

function outputSchemaOf(request: ConverseRequest): JsonValue | undefined {
  const text = request.outputConfig?.textFormat?.structure.jsonSchema?.schema;
  if (text === undefined) return undefined;
  try {
    const schema: JsonValue = JSON.parse(text);
    if (isJsonObject(schema)) return schema;
  } catch {
    // Reported below, together with schemas that are not objects.
  }
  throw invalid("The schema in outputConfig.textFormat.structure.jsonSchema must be a JSON object.");
}

/** The fields of Claude's own body that are allowed in addition to Converse's. */
const claudeExtras = z.strictObject({
  thinking: thinkingShape.optional(),
  top_k: z.int().optional(),
  anthropic_beta: z.array(z.string()).optional(),
  anthropic_version: z.string().optional(),
  tool_choice: z.looseObject({ disable_parallel_tool_use: z.boolean().optional() }).optional(),
  tools: z.array(z.looseObject({})).optional(),
  output_config: z.looseObject({}).optional(),
  context_management: z.looseObject({}).optional(),
  metadata: z.looseObject({}).optional(),
});

const novaExtras = z.strictObject({
  inferenceConfig: z.strictObject({ topK: z.int().min(0).optional() }).optional(),
  reasoningConfig: z.strictObject({
    type: z.enum(["enabled", "disabled"]),
    maxReasoningEffort: z.enum(["low", "medium", "high"]).optional(),
  }).optional(),
}).transform(({ inferenceConfig, reasoningConfig }): Extras => ({
  top_k: inferenceConfig?.topK,
  thinking: reasoningConfig?.type === "enabled"
    ? { kind: "adaptive", effort: reasoningConfig.maxReasoningEffort }
    : { kind: "off" },
}));

const otherExtras = z.looseObject({ top_k: z.int().optional() })
  .transform(({ top_k }): Extras => ({ top_k }));

type Extras = { readonly [Name in keyof z.infer<typeof claudeExtras>]?: z.infer<typeof claudeExtras>[Name] };

const EXTRAS: Readonly<Record<Model["family"], z.ZodType<Extras>>> = {
  claude: claudeExtras,
  command: otherExtras,
  llama: otherExtras,
  mistral: otherExtras,
  nova: novaExtras,
  other: otherExtras,
};

function parseExtras(fields: JsonValue | undefined, model: Model): Extras {
  const extras: JsonObject = isJsonObject(fields) ? fields : {};
  const result = EXTRAS[model.family].safeParse(extras);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") ?? "";
  if (issue?.code !== "unrecognized_keys") throw new ModelRefusal(`${path}: ${issue?.message}`);
  const [key] = issue.keys;
  if (model.family === "claude") {
    throw new ModelRefusal(`${[path, key].filter(Boolean).join(".")}: Extra inputs are not permitted`);
  }
  throw invalid(
    `Malformed input request: #${
      path && `/${path.replaceAll(".", "/")}`
    }: extraneous key [${key}] is not permitted, ` +
      "please reformat your input and try again.",
  );
}
