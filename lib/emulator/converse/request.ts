/** The requests of Converse, ConverseStream and CountTokens as in AWS's model, and the errors for everything else. */

import { z } from "zod";
import type { JsonValue } from "../../base/json.ts";
import { parseShape } from "./issues.ts";

const document: z.ZodType<JsonValue> = z.json();
const name64 = z.string().min(1).max(64).regex(/^[a-zA-Z0-9_-]+$/);
const toolUseId = z.string().min(1).max(64).regex(/^[a-zA-Z0-9_.:-]+$/);
const base64 = z.base64().min(1);
const empty = z.strictObject({});

/** A union of AWS's model: an object with exactly one of the members. */
function union<Members extends z.core.$ZodLooseShape>(name: string, members: Members) {
  return z.strictObject(members).partial().refine((value) => Object.keys(value).length === 1, {
    params: { union: name, members: Object.keys(members) },
  });
}

const s3Location = z.strictObject({
  uri: z.string().min(1).max(1024).regex(/^s3:\/\/[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9](\/.*)?$/),
  bucketOwner: z.string().regex(/^[0-9]{12}$/).optional(),
});
const bytesOrS3 = { bytes: base64, s3Location };

const image = z.strictObject({
  format: z.enum(["png", "jpeg", "gif", "webp"]),
  source: union("ImageSource", bytesOrS3),
});
const documentBlock = z.strictObject({
  format: z.enum(["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"]).optional(),
  name: z.string().min(1).max(200),
  source: union("DocumentSource", {
    ...bytesOrS3,
    text: z.string(),
    content: z.array(union("DocumentContentBlock", { text: z.string() })),
  }),
  context: z.string().optional(),
  citations: z.strictObject({ enabled: z.boolean() }).optional(),
});
const video = z.strictObject({
  format: z.enum(["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"]),
  source: union("VideoSource", bytesOrS3),
});
const AUDIO_FORMATS = "mp3 opus wav aac flac mp4 ogg mkv mka x-aac m4a mpeg mpga pcm webm";
const audio = z.strictObject({
  format: z.enum(AUDIO_FORMATS.split(" ")),
  source: union("AudioSource", bytesOrS3),
});
const searchResult = z.strictObject({
  source: z.string(),
  title: z.string(),
  content: z.array(z.strictObject({ text: z.string() })),
  citations: z.strictObject({ enabled: z.boolean() }).optional(),
});
const cachePoint = z.strictObject({ type: z.enum(["default"]), ttl: z.enum(["5m", "1h"]).optional() });
const guardContent = union("GuardrailConverseContentBlock", {
  text: z.strictObject({
    text: z.string(),
    qualifiers: z.array(z.enum(["grounding_source", "query", "guard_content"])).optional(),
  }),
  image: z.strictObject({
    format: z.enum(["png", "jpeg"]),
    source: union("GuardrailConverseImageSource", { bytes: base64 }),
  }),
});
const toolReference = z.strictObject({
  tool: z.strictObject({
    type: z.string().min(1).max(64).optional(),
    name: z.string().min(1).max(128).optional(),
    serverName: z.string().min(1).max(128).optional(),
  }),
});

const toolResult = z.strictObject({
  toolUseId,
  content: z.array(union("ToolResultContentBlock", {
    json: document,
    text: z.string(),
    image,
    document: documentBlock,
    video,
    searchResult,
  })),
  status: z.enum(["success", "error"]).optional(),
  type: z.string().optional(),
});

const contentBlock = union("ContentBlock", {
  text: z.string(),
  image,
  document: documentBlock,
  video,
  audio,
  toolUse: z.strictObject({ toolUseId, name: name64, input: document, type: z.string().optional() }),
  toolResult,
  guardContent,
  cachePoint,
  reasoningContent: union("ReasoningContentBlock", {
    reasoningText: z.strictObject({ text: z.string(), signature: z.string().optional() }),
    redactedContent: base64,
  }),
  citationsContent: z.strictObject({
    content: z.array(union("CitationGeneratedContent", { text: z.string() })).optional(),
    citations: z.array(document).optional(),
  }),
  searchResult,
  toolAddition: toolReference,
  toolRemoval: toolReference,
});

const tool = union("Tool", {
  toolSpec: z.strictObject({
    name: name64,
    description: z.string().min(1).optional(),
    inputSchema: union("ToolInputSchema", { json: document }),
    strict: z.boolean().optional(),
  }),
  systemTool: z.strictObject({ name: name64 }),
  cachePoint,
});

const MAX_METADATA = 16;
const metadataText = z.string().max(256).regex(/^[a-zA-Z0-9\s:_@$#=/+,-.]*$/);
const requestMetadata = z.record(metadataText.min(1), metadataText).superRefine((pairs, context) => {
  if (Object.keys(pairs).length <= MAX_METADATA) return;
  context.addIssue({ code: "too_big", origin: "map", maximum: MAX_METADATA, input: pairs });
});

const messages = z.array(z.strictObject({
  role: z.enum(["user", "assistant", "system"]),
  content: z.array(contentBlock),
}));
const system = z.array(union("SystemContentBlock", { text: z.string().min(1), guardContent, cachePoint }));
const toolConfig = z.strictObject({
  tools: z.array(tool).min(1),
  toolChoice: union("ToolChoice", { auto: empty, any: empty, tool: z.strictObject({ name: name64 }) })
    .optional(),
});

const converseRequest = z.strictObject({
  messages: messages.optional(),
  system: system.optional(),
  inferenceConfig: z.strictObject({
    maxTokens: z.int().min(1).optional(),
    temperature: z.number().min(0).max(1).optional(),
    topP: z.number().min(0).max(1).optional(),
    stopSequences: z.array(z.string().min(1)).max(2500).optional(),
  }).optional(),
  toolConfig: toolConfig.optional(),
  guardrailConfig: z.strictObject({
    guardrailIdentifier: z.string().max(2048),
    guardrailVersion: z.string().regex(/^(|([1-9][0-9]{0,7})|(DRAFT))$/),
    trace: z.enum(["enabled", "disabled", "enabled_full"]).optional(),
    streamProcessingMode: z.enum(["sync", "async"]).optional(),
  }).optional(),
  additionalModelRequestFields: document.optional(),
  additionalModelResponseFieldPaths: z.array(z.string().min(1).max(256)).max(10).optional(),
  promptVariables: z.record(z.string(), union("PromptVariableValues", { text: z.string() })).optional(),
  requestMetadata: requestMetadata.optional(),
  performanceConfig: z.strictObject({ latency: z.enum(["standard", "optimized"]).optional() }).optional(),
  serviceTier: z.strictObject({ type: z.enum(["priority", "default", "flex", "reserved"]) }).optional(),
  outputConfig: z.strictObject({
    textFormat: z.strictObject({
      type: z.enum(["json_schema"]),
      structure: union("OutputFormatStructure", {
        jsonSchema: z.strictObject({
          schema: z.string(),
          name: z.string().optional(),
          description: z.string().optional(),
        }),
      }),
    }).optional(),
    effort: z.string().max(16).optional(),
  }).optional(),
});

const countTokensRequest = z.strictObject({
  input: union("CountTokensInput", {
    invokeModel: z.strictObject({ body: z.base64() }),
    converse: z.strictObject({
      messages: messages.optional(),
      system: system.optional(),
      toolConfig: toolConfig.optional(),
      additionalModelRequestFields: document.optional(),
    }),
  }),
});

export type ConverseRequest = z.infer<typeof converseRequest>;
export type ConverseMessage = z.infer<typeof messages>[number];
export type ConverseBlock = z.infer<typeof contentBlock>;
export type CountTokensRequest = z.infer<typeof countTokensRequest>;

/** The body of Converse or ConverseStream; throws AWS's exception. */
export function parseConverseRequest(body: unknown): ConverseRequest {
  return parseShape(converseRequest, body);
}

/**
 * The body of CountTokens, with Converse's or InvokeModel's under its name; throws like `parseConverseRequest`.
 */
export function parseCountTokensRequest(body: unknown): CountTokensRequest {
  return parseShape(countTokensRequest, body);
}
