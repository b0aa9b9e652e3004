/** Chat Completions -> Converse: the request, as documented in `docs/chat.md`. */

import { invalidField } from "../../base/errors.ts";
import { hasNoMembers, mergeFields, NO_MEMBERS } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { ConverseRequest, InferenceConfig } from "../../wire/bedrock/converse.ts";
import type { ChatRequest } from "../../wire/openai/chat.ts";
import { CachePoints } from "../converse/cache_points.ts";
import { translateMessages } from "./messages.ts";
import { limitThinking, reasoningFields, settleForcedCall } from "./reasoning.ts";
import { planChatTools } from "./tools.ts";
import { activeThinking, isEmpty, latencyConfig, openAiTierConfig, topKFields } from "../converse/members.ts";
import type { FieldsContext } from "../converse/members.ts";
import { guardrailConfig, refuseGuardrailMembers, refuseLateGuardrail } from "../converse/guardrail.ts";
import { IgnoredFields } from "../converse/ignored.ts";
import { chooseMaxTokens, chooseSampling, chooseStops, refusesLimits } from "../converse/limits.ts";
import type { ModelDefaults, ModelSettings } from "../../snapshot/snapshot.ts";
import { checkMetadata } from "../converse/request_metadata.ts";
import { ToolNames } from "../converse/tools/tool_names.ts";
import { withOneChoice } from "../converse/tools/tools.ts";

export interface ChatContext {
  readonly traits: ModelTraits;
  readonly settings?: ModelSettings;
}

/** A request for Converse, and the data that the translation of its response needs. */
export interface ChatCall {
  readonly request: ConverseRequest;
  /** Ignored fields, for `x-adit-ignored`. */
  readonly ignored: readonly string[];
  readonly toolNames: ToolNames;
  /** Converse's name of the tool used for structured output if the model does not support it natively. */
  readonly structuredTool: string | undefined;
  /** Whether the response must have a format, by that tool or natively. */
  readonly isStructured: boolean;
  /** `converse` also for a streaming request, if the model cannot stream the answer. */
  readonly operation: "converse" | "converseStream";
  /** Whether the caller requested a stream. */
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

/** Translates a request; throws `invalid_request` with the path of what Bedrock does not support. */
export function chatToConverse(request: ChatRequest, { traits, settings }: ChatContext): ChatCall {
  const ignored = new IgnoredFields();
  for (const [name, value] of request.otherFields) {
    if (asksForSomething(name, value)) ignored.add(name);
  }
  for (const path of request.unreadPaths) ignored.add(path);
  const toolNames = new ToolNames(traits);
  const cachePoints = new CachePoints(traits, ignored);
  const context = { traits, ignored, toolNames, cachePoints };

  const defaults = settings?.defaults ?? {};

  const { system, messages, calledTools } = translateMessages(request.messages, context);
  const planned = planChatTools(request, { traits, ignored, toolNames, cachePoints, calledTools });
  cachePoints.alignTtls();
  const merged = mergeFields(
    defaults.additionalModelRequestFields ?? NO_MEMBERS,
    request.bedrock.additionalModelRequestFields ?? NO_MEMBERS,
  );
  const { plan: tools, given: chosen } = withOneChoice(planned, merged, context);
  const path = request.maxTokensField;
  const maxTokens = chooseMaxTokens(request.maxTokens, { traits, ignored, path, defaults });
  const reasoningContext = { traits, ignored, tools, maxTokens };
  const reasoning = reasoningFields(request, reasoningContext);
  const given = settleForcedCall(chosen, { request, context: reasoningContext, reasoning });
  const reasoned = mergeFields(given, reasoning);
  const thinking = traits.thinkingTypes.size > 0 ? activeThinking(reasoned) : undefined;
  const takesLimits = !refusesLimits(traits, reasoned);
  const limited = takesLimits ? context : withoutSampling(context);
  const inference = inferenceConfig(request, {
    traits: limited.traits,
    ignored,
    maxTokens: takesLimits ? maxTokens : undefined,
    defaults,
    thinking,
  });
  if (!takesLimits && request.maxTokens !== undefined) ignored.add(path);
  const topK = topKFields(request.topK, thinking === undefined ? limited : withoutSampling(limited));
  const asked = mergeFields(mergeFields(given, topK), reasoning);
  const additionalFields = mergeFields(asked, tools.additionalFields);
  nameOverridden(request, { settings, ignored });
  const streams = tools.toolConfig === undefined || traits.tools === "streamed";

  return {
    request: {
      messages,
      system: system.length > 0 ? system : undefined,
      inferenceConfig: isEmpty(inference) ? undefined : inference,
      toolConfig: tools.toolConfig,
      outputConfig: tools.outputConfig,
      additionalModelRequestFields: isEmpty(additionalFields) ? undefined : additionalFields,
      guardrailConfig: chooseGuardrail(request, settings),
      performanceConfig: request.bedrock.performanceConfig ?? latencyConfig(defaults),
      promptVariables: request.bedrock.promptVariables,
      requestMetadata: requestMetadata(request, settings),
      serviceTier: serviceTier(request, defaults),
      additionalModelResponseFieldPaths: request.bedrock.additionalModelResponseFieldPaths,
    },
    ignored: ignored.list(),
    toolNames,
    structuredTool: tools.structuredTool,
    isStructured: tools.structuredTool !== undefined || tools.outputConfig !== undefined,
    operation: request.stream && streams ? "converseStream" : "converse",
    stream: request.stream,
    includeUsage: request.includeUsage,
  };
}

/**
 * Lists fields of the request that are overridden: by the operator's, or by the same field under another name.
 */
function nameOverridden(
  { bedrock, serviceTier: tier, metadata = NO_MEMBERS }: ChatRequest,
  { settings, ignored }: {
    readonly settings: ModelSettings | undefined;
    readonly ignored: IgnoredFields;
  },
): void {
  if (settings?.guardrail !== undefined && bedrock.guardrailConfig !== undefined) {
    ignored.add("guardrailConfig");
  }
  if (tier !== undefined && tier !== "auto" && bedrock.serviceTier !== undefined) ignored.add("serviceTier");
  const native = bedrock.requestMetadata ?? NO_MEMBERS;
  if (hasNoMembers(metadata) && hasNoMembers(native)) return;
  const operators = settings?.metadata ?? NO_MEMBERS;
  if (overrides(operators, metadata)) ignored.add("metadata");
  if (overrides({ ...metadata, ...operators }, native)) ignored.add("requestMetadata");
}

/** Whether both have a member with the same name and different values. */
function overrides(over: JsonObject, under: JsonObject): boolean {
  return Object.entries(under).some(([name, value]) => Object.hasOwn(over, name) && over[name] !== value);
}

interface Impossible {
  /** The value, as JSON, that requests nothing and is therefore allowed. */
  readonly neutral?: string;
  readonly reason: string;
}

/** Fields for features that no model on Bedrock has. */
const IMPOSSIBLE: Readonly<Record<string, Impossible>> = {
  n: { neutral: "1", reason: "Bedrock returns one choice per request; use 1" },
  logprobs: { neutral: "false", reason: "Bedrock does not return log probabilities; use false" },
  top_logprobs: { neutral: "0", reason: "Bedrock does not return log probabilities; use 0" },
  modalities: { neutral: '["text"]', reason: 'Bedrock only returns text; use ["text"]' },
  audio: { reason: "Bedrock only returns text; remove audio" },
  web_search_options: { reason: "Bedrock has no web search; remove it" },
  functions: { neutral: "[]", reason: "`functions` is deprecated; use `tools`" },
  function_call: { reason: "`function_call` is deprecated; use `tool_choice`" },
};

/**
 * Whether an unread field has an effect that is lost; throws `invalid_request` if Bedrock does not support it.
 */
function asksForSomething(name: string, value: JsonValue): boolean {
  const row = Object.hasOwn(IMPOSSIBLE, name) ? IMPOSSIBLE[name] : undefined;
  if (row === undefined) return true;
  if (JSON.stringify(value) !== row.neutral) throw invalidField(name, row.reason);
  return false;
}

interface InferenceContext extends FieldsContext {
  readonly defaults: ModelDefaults;
  /** Sent if the model accepts a limit. */
  readonly maxTokens: number | undefined;
  readonly thinking: JsonObject | undefined;
}

function inferenceConfig(request: ChatRequest, context: InferenceContext): InferenceConfig {
  const { traits, ignored, defaults, thinking, maxTokens } = context;
  const { temperature, topP } = chooseSampling(request, context);
  return {
    maxTokens: limitThinking(request, { thinking, maxTokens, maxOutputTokens: traits.maxOutputTokens }),
    temperature,
    topP,
    stopSequences: chooseStops(request.stop, { traits, ignored, path: "stop", defaults }),
  };
}

function withoutSampling(context: FieldsContext): FieldsContext {
  return { ...context, traits: { ...context.traits, sampling: "none" } };
}

/** A caller cannot replace, narrow or delay the operator's guardrail. */
function chooseGuardrail(
  { bedrock, stream }: ChatRequest,
  settings: ModelSettings | undefined,
): JsonObject | undefined {
  if (settings?.guardrail === undefined) return bedrock.guardrailConfig;
  refuseLateGuardrail(bedrock.guardrailConfig);
  refuseGuardrailMembers(bedrock.additionalModelRequestFields ?? {}, "additionalModelRequestFields");
  const own = guardrailConfig(settings.guardrail);
  const mode = stream ? bedrock.guardrailConfig?.streamProcessingMode : undefined;
  return mode === undefined ? own : { ...own, streamProcessingMode: mode };
}

function requestMetadata(
  request: ChatRequest,
  settings: ModelSettings | undefined,
): Readonly<Record<string, string>> | undefined {
  const { metadata: own = NO_MEMBERS, bedrock: { requestMetadata: native = NO_MEMBERS } } = request;
  const operators = settings?.metadata ?? NO_MEMBERS;
  if (hasNoMembers(own) && hasNoMembers(native) && hasNoMembers(operators)) return undefined;
  const merged = {
    ...checkMetadata(native, "requestMetadata"),
    ...checkMetadata(own, "metadata"),
    ...operators,
  };
  return checkMetadata(merged, "metadata");
}

/** OpenAI's field overrides Bedrock's, unless it leaves the choice open. */
function serviceTier(
  { serviceTier: tier, bedrock }: ChatRequest,
  defaults: ModelDefaults,
): ConverseRequest["serviceTier"] {
  const isOpen = tier === undefined || tier === "auto";
  return isOpen && bedrock.serviceTier !== undefined ? bedrock.serviceTier : openAiTierConfig(tier, defaults);
}
