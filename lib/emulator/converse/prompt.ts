/** Converts a Converse request to the model's prompt. */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { checkFlaggedFields, checkFlags } from "../invoke/claude_flags.ts";
import { outputConfigShape, thinkingShape } from "../invoke/claude_shapes.ts";
import type { ConverseBlock, ConverseRequest } from "./request.ts";
import { invalid, ModelRefusal } from "../server/exception.ts";
import type { Model } from "../model/catalog.ts";
import {
  type CachePoint,
  cachePoint,
  type Media,
  type Part,
  type Prompt,
  type Tool,
  type ToolChoice,
} from "../model/prompt.ts";

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
      role,
      parts: content.flatMap(toParts),
    })),
    toolChoice: toToolChoice(request.toolConfig?.toolChoice, extras.tool_choice),
    parallelTools: !(extras.tool_choice?.disable_parallel_tool_use ?? false),
    maxTokens: inferenceConfig.maxTokens,
    temperature: inferenceConfig.temperature,
    topP: inferenceConfig.topP,
    topK: extras.top_k,
    stopSequences: inferenceConfig.stopSequences ?? [],
    thinking: extras.thinking ?? { kind: "unset" },
    effort: request.outputConfig?.effort ?? extras.output_config?.effort ?? undefined,
    outputSchema: outputSchemaOf(request) ?? extras.output_config?.format?.schema,
    jsonObject: extras.response_format?.type === "json_object",
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
    const { name, description = "", inputSchema, strict } = toolSpec;
    return [{ kind: "tool", name, description, schema: inputSchema.json ?? {}, strict }];
  }
  if (systemTool) {
    return [{ kind: "tool", name: systemTool.name, description: "", schema: { type: "object" } }];
  }
  return [cachePoint(point?.ttl)];
}

function toToolChoice(
  choice: NonNullable<ConverseRequest["toolConfig"]>["toolChoice"],
  extra: Extras["tool_choice"],
): ToolChoice {
  const name = choice?.tool?.name ?? (extra?.type === "tool" ? extra.name : undefined);
  if (name !== undefined) return { kind: "tool", name };
  if (choice === undefined) {
    return { kind: extra?.type === "any" ? "any" : extra?.type === "none" ? "none" : "auto" };
  }
  return { kind: choice.any ? "any" : "auto" };
}

function outputSchemaOf(request: ConverseRequest): JsonValue | undefined {
  const text = request.outputConfig?.textFormat?.structure.jsonSchema?.schema;
  if (text === undefined) return undefined;
  try {
    const schema: JsonValue = JSON.parse(text);
    if (isJsonObject(schema)) return schema;
  } catch {
    // Refused below, like schemas that are not objects.
  }
  throw invalid("The schema in outputConfig.textFormat.structure.jsonSchema must be a JSON object.");
}

/** The fields of Claude's own body that are allowed in addition to Converse's. */
const claudeExtras = z.strictObject({
  thinking: thinkingShape.optional(),
  top_k: z.int().optional(),
  anthropic_beta: z.array(z.string()).optional(),
  anthropic_version: z.string().optional(),
  tool_choice: z.strictObject({
    type: z.enum(["auto", "any", "tool", "none"]).optional(),
    name: z.string().optional(),
    disable_parallel_tool_use: z.boolean().optional(),
  }).optional(),
  tools: z.array(z.looseObject({})).optional(),
  output_config: outputConfigShape.optional(),
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
    : { kind: "unset" },
}));

/** The fields of a native body that allows only these. */
function only(...names: readonly string[]): z.ZodType<Extras> {
  const members = names.map((name) => [name, z.json().optional()] as const);
  return z.strictObject(Object.fromEntries(members)).transform((): Extras => ({}));
}

/** The fields that OpenAI's open models accept on Bedrock, in the order in which the error lists them. */
const CHAT_MEMBERS = [
  "messages",
  "model",
  "store",
  "reasoning_effort",
  "metadata",
  "frequency_penalty",
  "logit_bias",
  "logprobs",
  "top_logprobs",
  "max_tokens",
  "max_completion_tokens",
  "n",
  "modalities",
  "prediction",
  "audio",
  "presence_penalty",
  "response_format",
  "seed",
  "service_tier",
  "stop",
  "stream",
  "stream_options",
  "temperature",
  "top_p",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "user",
  "function_call",
  "functions",
];

const chatExtras = z.looseObject({
  response_format: z.looseObject({ type: z.string() }).optional(),
}).transform(({ response_format }): Extras => ({ response_format }));

const otherExtras = z.looseObject({}).transform((): Extras => ({}));

interface Extras extends Partial<z.infer<typeof claudeExtras>> {
  readonly response_format?: { readonly type: string } | undefined;
}

const EXTRAS: Readonly<Record<Model["family"], z.ZodType<Extras>>> = {
  chat: chatExtras,
  claude: claudeExtras,
  command: only(
    "k",
    "p",
    "seed",
    "documents",
    "return_prompt",
    "prompt_truncation",
    "search_queries_only",
    "preamble",
  ),
  llama: only(),
  mistral: only("top_k"),
  nova: novaExtras,
  other: otherExtras,
};

function parseExtras(fields: JsonValue | undefined, model: Model): Extras {
  const extras: JsonObject = isJsonObject(fields) ? fields : {};
  if (model.id.startsWith("openai.gpt-oss-")) checkChatMembers(extras);
  const result = EXTRAS[model.family].safeParse(extras);
  if (result.success) {
    const flags = result.data.anthropic_beta ?? [];
    checkFlags(flags);
    checkFlaggedFields(result.data, flags);
    return result.data;
  }
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

/** The error of the server that runs OpenAI's open models. */
function checkChatMembers(extras: JsonObject): void {
  const unknown = Object.keys(extras).find((name) => !CHAT_MEMBERS.includes(name));
  if (unknown === undefined) return;
  throw new ModelRefusal(
    `Failed to deserialize the JSON body into the target type: ${unknown}: unknown field \`${unknown}\`, expected one ` +
      `of ${CHAT_MEMBERS.map((name) => `\`${name}\``).join(", ")}`,
  );
}
