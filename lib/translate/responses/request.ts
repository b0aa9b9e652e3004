/** Responses -> Converse: the request, as documented in `docs/responses.md`. */

import { mergeFields } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { ModelDefaults, ModelSettings } from "../../snapshot/snapshot.ts";
import type { ConverseRequest, InferenceConfig } from "../../wire/bedrock/converse.ts";
import type { ResponsesRequest } from "../../wire/openai/responses.ts";
import type { InputTransformation } from "../../wire/openai/responses_answer.ts";
import { CachePoints } from "../converse/cache_points.ts";
import { guardrailConfig } from "../converse/guardrail.ts";
import { IgnoredFields } from "../converse/ignored.ts";
import {
  chooseMaxTokens,
  chooseSampling,
  chooseStops,
  fitSampling,
  refusesLimits,
} from "../converse/limits.ts";
import {
  activeThinking,
  type FieldsContext,
  isEmpty,
  latencyConfig,
  openAiTierConfig,
} from "../converse/members.ts";
import { checkMetadata } from "../converse/request_metadata.ts";
import { limitWithThinking } from "../converse/thinking/budget.ts";
import { withoutRefusedThinking } from "../converse/thinking/forced_calls.ts";
import { ToolNames } from "../converse/tools/tool_names.ts";
import { withOneChoice } from "../converse/tools/tools.ts";
import { translateItems } from "./conversation.ts";
import { checkOtherFields } from "./fields.ts";
import { reasoningFields } from "./reasoning.ts";
import { ToolTable } from "./tool_table.ts";
import { clientTools, planResponsesTools } from "./tools.ts";

export interface ResponsesContext {
  readonly traits: ModelTraits;
  readonly settings?: ModelSettings;
  /** Types of tools that are left out instead of refused. */
  readonly dropTools?: readonly string[];
}

/** A request for Converse, and the data that the translation of its response needs. */
export interface ResponsesCall {
  readonly request: ConverseRequest;
  /** Ignored fields, for `x-adit-ignored`. */
  readonly ignored: readonly string[];
  /** Replayed reasoning that is not sent to the model. */
  readonly transformations: readonly InputTransformation[];
  readonly traits: Pick<ModelTraits, "family" | "reasoningHistory">;
  readonly table: ToolTable;
  /** Converse's name of the tool used for structured output if the model does not support it natively. */
  readonly structuredTool: string | undefined;
  /** Whether the response must have a format, by that tool or natively. */
  readonly isStructured: boolean;
  /** `converse` also for a streaming request, if the model cannot stream the answer. */
  readonly operation: "converse" | "converseStream";
  /** The request's body, parts of which the response repeats. */
  readonly body: JsonObject;
}

/** Translates a request; throws `invalid_request` with the path of what Bedrock does not support. */
export function responsesToConverse(
  request: ResponsesRequest,
  { traits, settings, dropTools = [] }: ResponsesContext,
): ResponsesCall {
  const ignored = new IgnoredFields();
  checkOtherFields(request, { ignored, dropTools });
  const toolNames = new ToolNames(traits);
  const table = new ToolTable(toolNames);
  const context = { traits, ignored, toolNames, table, cachePoints: new CachePoints(traits, ignored) };
  const defaults = settings?.defaults ?? {};

  const offered = clientTools(request, table);
  const { system, messages, calledTools, transformations } = translateItems(request, context);
  const planned = planResponsesTools(request, offered, { ...context, calledTools, dropTools });
  context.cachePoints.alignTtls();
  const operators = defaults.additionalModelRequestFields ?? {};
  const { plan: tools, given } = withOneChoice(planned, operators, context);
  const reasoningContext = { ...context, tools, messages };
  const reasoning = reasoningFields(request, reasoningContext);
  const additionalFields = [
    withoutRefusedThinking(given, reasoningContext),
    reasoning,
    tools.additionalFields,
  ]
    .reduce((under, over) => mergeFields(under, over));
  const inference = inferenceConfig(request, { ...context, defaults, additionalFields });
  const streams = tools.toolConfig === undefined || traits.tools === "streamed";

  return {
    request: {
      messages,
      system: system.length > 0 ? system : undefined,
      inferenceConfig: isEmpty(inference) ? undefined : inference,
      toolConfig: tools.toolConfig,
      outputConfig: tools.outputConfig,
      additionalModelRequestFields: isEmpty(additionalFields) ? undefined : additionalFields,
      guardrailConfig: settings?.guardrail && guardrailConfig(settings.guardrail),
      performanceConfig: latencyConfig(defaults),
      requestMetadata: requestMetadata(request, { settings, ignored }),
      serviceTier: openAiTierConfig(request.serviceTier, defaults),
    },
    ignored: ignored.list(),
    transformations,
    traits,
    table,
    structuredTool: tools.structuredTool,
    isStructured: tools.structuredTool !== undefined || tools.outputConfig !== undefined,
    operation: request.stream && streams ? "converseStream" : "converse",
    body: request.body,
  };
}

interface InferenceContext extends FieldsContext {
  readonly defaults: ModelDefaults;
  readonly additionalFields: JsonObject;
}

function inferenceConfig(
  request: ResponsesRequest,
  { traits, ignored, defaults, additionalFields }: InferenceContext,
): InferenceConfig {
  const { maxOutputTokens: asked } = request;
  const thinking = traits.thinkingTypes.size > 0 ? activeThinking(additionalFields) : undefined;
  // Responses has no stop sequences, so these are always the operator's.
  const stopSequences = chooseStops([], { traits, ignored, path: "stop", defaults });
  if (refusesLimits(traits, additionalFields)) {
    if (asked !== undefined) ignored.add("max_output_tokens");
    fitSampling(request, { traits: { ...traits, sampling: "none" }, ignored });
    return { stopSequences };
  }
  const maxTokens = chooseMaxTokens(asked, { traits, ignored, path: "max_output_tokens", defaults });
  const { temperature, topP } = chooseSampling(request, { traits, ignored, defaults, thinking });
  return {
    maxTokens: limitWithThinking(thinking, { maxTokens, maxOutputTokens: traits.maxOutputTokens }),
    temperature,
    topP,
    stopSequences,
  };
}

/** The operator's entries win; the caller's that they replace are listed as ignored. */
function requestMetadata(
  { metadata: own = {} }: ResponsesRequest,
  { settings, ignored }: {
    readonly settings: ModelSettings | undefined;
    readonly ignored: IgnoredFields;
  },
): Readonly<Record<string, string>> | undefined {
  const operators = settings?.metadata ?? {};
  if (isEmpty(own) && isEmpty(operators)) return undefined;
  const isReplaced = ([name, value]: [string, unknown]) =>
    Object.hasOwn(operators, name) && operators[name] !== value;
  if (Object.entries(own).some(isReplaced)) ignored.add("metadata");
  return checkMetadata({ ...checkMetadata(own, "metadata"), ...operators }, "metadata");
}
