/** Fields that Converse refuses because the model does not support them. */

import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import type { Model } from "../model/catalog.ts";
import { BedrockException, invalid, ModelRefusal } from "../server/exception.ts";
import type { ConverseBlock, ConverseRequest } from "./request.ts";

interface MemberContext {
  readonly model: Model;
  readonly stream: boolean;
}

/** Throws the error for the first field that the model does not support. */
export function checkMembers(request: ConverseRequest, context: MemberContext): void {
  checkTools(request, context);
  checkInference(request, context.model);
  checkOutput(request, context.model);
  checkCaching(request, context.model);
  (request.messages ?? []).forEach(({ role, content }, turn) => {
    // For Claude, the provider decides.
    if (role === "system" && context.model.family !== "claude") {
      throw invalid(
        `1 validation error detected: Value 'system' at 'messages.${
          turn + 1
        }.member.role' failed to satisfy constraint: ` +
          "Member must satisfy enum value set: [user, assistant]",
      );
    }
    content.forEach((block, at) =>
      checkBlock(block, { model: context.model, previous: content[at - 1] }, `${turn}.content.${at}`)
    );
  });
}

/** Converse's error for an unsupported field. */
function unsupported(member: string): BedrockException {
  return invalid(`This model doesn't support the ${member} field. Remove ${member} and try again.`);
}

function checkTools(
  { toolConfig, additionalModelRequestFields }: ConverseRequest,
  { model, stream }: MemberContext,
): void {
  if (toolConfig === undefined) return;
  if (stream && model.tools !== "streamed") {
    throw invalid("This model doesn't support tool use in streaming mode.");
  }
  if (model.tools === "none") throw invalid("This model doesn't support tool use.");
  toolConfig.tools.forEach(({ toolSpec }, at) => {
    if (toolSpec === undefined) return;
    checkInputSchema(toolSpec.inputSchema.json, `toolConfig.tools.${at}.toolSpec.inputSchema`);
    if (toolSpec.strict !== undefined && !model.strictTools && model.family !== "claude") {
      throw unsupported("strict");
    }
  });
  checkToolChoice(toolConfig.toolChoice, additionalModelRequestFields, model);
  const hyphened = toolConfig.tools.some(({ toolSpec }) => toolSpec?.name.includes("-"));
  if (hyphened && !model.toolNameHyphens) {
    throw new BedrockException(
      "ModelErrorException",
      "Model produced invalid sequence as part of ToolUse. Please refer to the model tool use troubleshooting guide.",
      { members: { originalStatusCode: 424 } },
    );
  }
}

type ToolChoice = NonNullable<ConverseRequest["toolConfig"]>["toolChoice"];

function checkToolChoice(choice: ToolChoice, extras: JsonValue | undefined, model: Model): void {
  const [kind] = Object.keys(choice ?? {});
  if (kind === undefined) return;
  const extra = isJsonObject(extras) ? extras["tool_choice"] : undefined;
  if (isJsonObject(extra) && extra["type"] !== undefined) {
    throw invalid(
      `The additional field tool_choice/type conflicts with the existing field toolConfig.toolChoice.${kind}. Remove ` +
        "tool_choice/type and try again.",
    );
  }
  // For Claude, the provider decides.
  if (model.family !== "claude" && !model.toolChoice.some((each) => each === kind)) {
    throw unsupported(`toolConfig.toolChoice.${kind}`);
  }
}

/** Converse validates only the root of a tool's schema. */
function checkInputSchema(schema: JsonValue | undefined, path: string): void {
  const root: JsonObject = isJsonObject(schema) ? schema : {};
  if (root["type"] !== "object") {
    throw invalid(`The value at ${path}.json.type must be one of the following: object.`);
  }
  const { properties = {}, required = [] } = root;
  const problem = !isJsonObject(properties)
    ? `$.properties: ${kindOf(properties)} found, object expected`
    : !Array.isArray(required)
    ? `$.required: ${kindOf(required)} found, array expected`
    : undefined;
  if (problem === undefined) return;
  throw invalid(
    `The json schema definition at ${path} is invalid. Fix the following errors and try again: ${problem}`,
  );
}

function kindOf(value: JsonValue): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function checkInference({ inferenceConfig = {}, system = [] }: ConverseRequest, model: Model): void {
  const { maxTokens = 1, stopSequences } = inferenceConfig;
  if (model.sampling === "none" && model.family !== "claude") {
    for (const name of ["temperature", "topP"] as const) {
      if (inferenceConfig[name] !== undefined) throw unsupported(name);
    }
  }
  if (maxTokens > model.maxOutputTokens) {
    throw invalid(
      `The maximum tokens you requested exceeds the model limit of ${model.maxOutputTokens}. Try again with a maximum ` +
        `tokens value that is lower than ${model.maxOutputTokens}.`,
    );
  }
  if (stopSequences !== undefined && model.stopSequences === "none") throw unsupported("stopSequences");
  if (system.length > 0 && model.system === "none") {
    throw invalid(
      "This model doesn't support system messages. Try again without a system message or use a model that supports " +
        "system messages.",
    );
  }
}

/** For Claude, the provider decides. */
function checkOutput({ outputConfig }: ConverseRequest, model: Model): void {
  if (outputConfig === undefined || model.family === "claude") return;
  if (outputConfig.textFormat !== undefined && !model.jsonSchema) {
    throw unsupported("outputConfig.textFormat");
  }
  if (outputConfig.effort !== undefined) throw unsupported("outputConfig.effort");
}

function checkCaching(request: ConverseRequest, model: Model): void {
  const places = {
    system: request.system ?? [],
    tools: request.toolConfig?.tools ?? [],
    messages: (request.messages ?? []).flatMap(({ content }) => content),
  };
  for (const place of ["system", "tools", "messages"] as const) {
    places[place].forEach(({ cachePoint }, at) => {
      if (cachePoint === undefined) return;
      if (model.cachePlaces.length === 0) {
        throw new BedrockException(
          "AccessDeniedException",
          "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for " +
            "more information.",
        );
      }
      if (!model.cachePlaces.includes(place)) {
        throw new ModelRefusal(
          `Malformed input request: #/toolConfig/${place}/${at}: extraneous key [cachePoint] is not permitted, please ` +
            "reformat your input and try again.",
        ).viaConverse();
      }
      if (cachePoint.ttl === "1h" && model.family !== "claude") {
        throw invalid("Extended TTL prompt caching is only supported for Anthropic models");
      }
    });
  }
}

interface BlockContext {
  readonly model: Model;
  readonly previous: ConverseBlock | undefined;
}

function checkBlock(block: ConverseBlock, { model, previous }: BlockContext, path: string): void {
  const { reasoningContent, toolResult, searchResult, cachePoint } = block;
  if (reasoningContent !== undefined) {
    if (model.reasoningHistory === "none") {
      throw invalid(
        "User messages cannot contain reasoning content. Please remove the reasoning content and try again.",
      );
    }
    if (model.reasoningHistory === "redacted" && reasoningContent.reasoningText !== undefined) {
      throw unsupported("reasoningContent.reasoningText");
    }
    if (model.reasoningHistory === "unsigned") {
      if (reasoningContent.redactedContent !== undefined) {
        throw unsupported("reasoningContent.redactedContent");
      }
      if (reasoningContent.reasoningText?.signature !== undefined) {
        throw unsupported("reasoningContent.reasoningText.signature");
      }
    }
  }
  for (const kind of ["image", "document", "video"] as const) {
    const isThere = toolResult?.content.some((item) => item[kind] !== undefined) ?? false;
    if (isThere && !model.toolResultMedia.includes(kind)) {
      throw invalid(
        `This model doesn't support the ${kind} field for user messages. Remove ${kind} and try again.`,
      );
    }
  }
  const found = searchResult ?? toolResult?.content.find((item) => item.searchResult !== undefined);
  if (found !== undefined && !model.searchResults) {
    throw invalid(
      "This model doesn't support the searchResult content block that you provided. Update the content block and try " +
        "again.",
    );
  }
  const { document } = previous ?? {};
  const isClaude = model.family === "claude";
  if (isClaude && cachePoint !== undefined && document !== undefined && document.format !== "pdf") {
    throw new ModelRefusal(
      `messages.${path.replace(/\d+$/, (at) => String(Number(at) - 1))}.type: Field required`,
    )
      .viaConverse();
  }
}
