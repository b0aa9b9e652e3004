/** Chat Completions -> Converse: the request, as documented in `docs/chat.md`. */

import { invalidField } from "../../base/errors.ts";
import { mergeFields } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { ConverseRequest, InferenceConfig } from "../../wire/bedrock/converse.ts";
import type { ChatRequest } from "../../wire/openai/chat.ts";
import { CachePoints } from "../converse/cache_points.ts";
import { translateMessages } from "./messages.ts";
import { limitThinking, reasoningFields } from "./reasoning.ts";
import { planChatTools } from "./tools.ts";
import {
  activeThinking,
  isEmpty,
  latencyConfig,
  noSampling,
  samplesItself,
  tierConfig,
  topKFields,
} from "../converse/members.ts";
import type { FieldsContext } from "../converse/members.ts";
import { guardrailConfig } from "../converse/guardrail.ts";
import { IgnoredFields } from "../converse/ignored.ts";
import { refusesLimits } from "../converse/limits.ts";
import type { ModelDefaults, ModelSettings } from "../../snapshot/snapshot.ts";
import { checkMetadata } from "../converse/request_metadata.ts";
import { ToolNames } from "../converse/tool_names.ts";
import type { ToolPlan } from "../converse/tools.ts";

export interface ChatContext {
  readonly traits: ModelTraits;
  readonly settings?: ModelSettings;
}

/** A request for Converse, and what the translation of the response needs. */
export interface ChatCall {
  readonly request: ConverseRequest;
  /** Ignored fields, for `x-adit-ignored`. */
  readonly ignored: readonly string[];
  readonly toolNames: ToolNames;
  /** Converse's name of the tool used for structured output if the model does not support it natively. */
  readonly structuredTool: string | undefined;
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
  const toolNames = new ToolNames();
  const cachePoints = new CachePoints(traits.promptCaching, ignored);
  const context = { traits, ignored, toolNames, cachePoints };

  const defaults = settings?.defaults ?? {};

  const { system, messages, calledTools } = translateMessages(request.messages, context);
  const tools = planChatTools(request, { ...context, calledTools });
  const reasoning = reasoningFields(request, context);
  const given = mergeFields(
    defaults.additionalModelRequestFields ?? {},
    request.bedrock.additionalModelRequestFields ?? {},
  );
  const reasoned = mergeFields(given, reasoning);
  const thinking = traits.thinkingTypes.size > 0 ? activeThinking(reasoned) : undefined;
  const takesLimits = !refusesLimits(traits, reasoned);
  const limited = takesLimits ? context : { ...context, traits: { ...traits, sampling: "none" } as const };
  const inference = inferenceConfig(request, { ...limited, takesLimits, defaults, thinking, tools });
  const additionalFields = [given, topKFields(request.topK, limited), reasoning, tools.additionalFields]
    .reduce((under, over) => mergeFields(under, over));

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
    stream: request.stream,
    includeUsage: request.includeUsage,
  };
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
  readonly takesLimits: boolean;
  readonly thinking: JsonObject | undefined;
  readonly tools: ToolPlan;
}

function inferenceConfig(request: ChatRequest, context: InferenceContext): InferenceConfig {
  const { traits, thinking, tools } = context;
  const { temperature, topP } = sampling(request, context);
  return {
    maxTokens: limitThinking(request, {
      traits,
      thinking,
      maxTokens: maxTokens(request, context),
      toolChoice: tools.toolConfig?.toolChoice,
      hasStructuredTool: tools.structuredTool !== undefined,
    }),
    temperature,
    topP,
    stopSequences: request.stop.length > 0 ? request.stop : context.defaults.stop,
  };
}

function maxTokens(
  { maxTokens: asked, maxTokensField }: ChatRequest,
  { takesLimits, defaults, ignored }: Pick<InferenceContext, "takesLimits" | "defaults" | "ignored">,
): number | undefined {
  if (takesLimits) return asked ?? defaults.maxTokens;
  if (asked !== undefined) ignored.add(maxTokensField);
  return undefined;
}

/** The caller's parameters as far as the model supports them, otherwise the operator's. */
function sampling(
  request: ChatRequest,
  { traits, ignored, defaults, thinking }: Omit<InferenceContext, "tools" | "takesLimits">,
): Pick<InferenceConfig, "temperature" | "topP"> {
  const { temperature, topP } = request;
  if (traits.sampling === "none") return noSampling(request, ignored);
  if (!samplesItself(request, thinking)) return defaults;
  expectShare("temperature", temperature);
  expectShare("top_p", topP);
  if (traits.sampling === "both" || temperature === undefined || topP === undefined) {
    return { temperature, topP };
  }
  ignored.add("top_p");
  return { temperature };
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html */
function expectShare(name: string, value: number | undefined): void {
  if (value !== undefined && (value < 0 || value > 1)) {
    throw invalidField(name, `must be between 0 and 1, found ${value}`);
  }
}

/** A caller cannot replace the operator's guardrail, only choose how a stream is processed. */
function chooseGuardrail(
  { bedrock, stream }: ChatRequest,
  settings: ModelSettings | undefined,
): JsonObject | undefined {
  const own = settings?.guardrail && guardrailConfig(settings.guardrail);
  const mode = stream ? bedrock.guardrailConfig?.streamProcessingMode : undefined;
  if (own === undefined) return bedrock.guardrailConfig;
  return mode === undefined ? own : { ...own, streamProcessingMode: mode };
}

function requestMetadata(
  request: ChatRequest,
  settings: ModelSettings | undefined,
): Readonly<Record<string, string>> | undefined {
  const { metadata: own = {}, bedrock: { requestMetadata: native = {} } } = request;
  const operators = settings?.metadata ?? {};
  if (isEmpty(own) && isEmpty(native) && isEmpty(operators)) return undefined;
  const merged = {
    ...checkMetadata(native, "requestMetadata"),
    ...checkMetadata(own, "metadata"),
    ...operators,
  };
  return checkMetadata(merged, "metadata");
}

/** `auto` leaves the choice to the operator and then to Bedrock, like a request without a tier. */
function serviceTier(
  { serviceTier: tier, bedrock }: ChatRequest,
  defaults: ModelDefaults,
): ConverseRequest["serviceTier"] {
  if (tier !== undefined && tier !== "auto") return { type: tier };
  return bedrock.serviceTier ?? tierConfig(defaults);
}
