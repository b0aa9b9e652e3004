/** Anthropic Messages -> Converse: the request, as documented in `docs/messages.md`. */

import { invalidField } from "../../base/errors.ts";
import { mergeFields, NO_MEMBERS } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import { missingField } from "../../wire/anthropic/messages.ts";
import type { MessagesRequest } from "../../wire/anthropic/messages.ts";
import { withDottedPaths } from "../../wire/anthropic/paths.ts";
import type { ConverseRequest } from "../../wire/bedrock/converse.ts";
import { applyBetas } from "../converse/betas.ts";
import type { BetaTable } from "../../facts/beta_table.ts";
import { CachePoints } from "../converse/cache_points.ts";
import { chooseMaxTokens, chooseSampling, chooseStops, refusesLimits } from "../converse/limits.ts";
import type { ModelSettings } from "../../snapshot/snapshot.ts";
import { activeThinking, isEmpty, latencyConfig, tierConfig, topKFields } from "../converse/members.ts";
import { guardrailConfig } from "../converse/guardrail.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import { IgnoredFields } from "../converse/ignored.ts";
import { translateConversation } from "./conversation.ts";
import { messagesReasoning } from "./reasoning.ts";
import { planMessagesTools } from "./tools.ts";
import { isMetadataValue } from "../converse/request_metadata.ts";
import { ToolNames } from "../converse/tools/tool_names.ts";
import { limitWithThinking } from "../converse/thinking/budget.ts";
import { rulesOutThinking, withoutRefusedThinking } from "../converse/thinking/forced_calls.ts";
import type { ToolPlan } from "../converse/tools/tools.ts";

export interface MessagesConverseContext {
  readonly traits: ModelTraits;
  /** Flags of the `anthropic-beta` headers. */
  readonly betas: readonly string[];
  readonly betaTable: BetaTable;
  readonly settings?: ModelSettings;
}

/** A request for Converse, and the data that the translation of its response needs. */
export interface MessagesCall {
  readonly request: ConverseRequest;
  /** Ignored fields, for `x-adit-ignored`. */
  readonly ignored: readonly string[];
  readonly toolNames: ToolNames;
  /** Converse's name of the tool used for structured output if the model does not support it natively. */
  readonly structuredTool: string | undefined;
  /** Whether the answer must have a format, by that tool or natively. */
  readonly isStructured: boolean;
  readonly stopSequences: readonly string[];
  /** Whether the model can stream the answer; if not, a whole answer is replayed as a stream. */
  readonly streams: boolean;
}

/** Translates a request; throws `invalid_request` with the path of what Bedrock does not support. */
export function messagesToConverse(request: MessagesRequest, context: MessagesConverseContext): MessagesCall {
  return withDottedPaths(() => translate(request, context));
}

function translate(request: MessagesRequest, context: MessagesConverseContext): MessagesCall {
  const { traits, settings } = context;
  const ignored = new IgnoredFields(request.unreadPaths);
  const toolNames = new ToolNames(traits);
  const cachePoints = new CachePoints(traits, ignored);
  const shared = { traits, ignored, toolNames, cachePoints };

  const { system, messages, calledTools } = translateConversation(request, shared);
  const tools = planMessagesTools(request, { ...shared, calledTools });
  cachePoints.alignTtls();
  const defaults = settings?.defaults ?? {};
  const maxTokens = chooseMaxTokens(request.maxTokens, { ...shared, path: "max_tokens", defaults });
  if (maxTokens === undefined) throw missingField("max_tokens");
  const reasoning = messagesReasoning(request, { ...shared, maxTokens });
  const stopSequences = chooseStops(request.stopSequences, { ...shared, path: "stop_sequences", defaults });
  const given = mergeFields(
    withoutRefusedThinking(defaults.additionalModelRequestFields ?? NO_MEMBERS, { traits, tools }),
    claudeFields(request, { ...context, ignored }),
  );
  const reasoned = mergeFields(given, reasoning);
  const thinking = traits.thinkingTypes.size > 0 ? activeThinking(reasoned) : undefined;
  refuseForcedAnswer(request, { traits, tools, reasoning });
  const takesLimits = !refusesLimits(traits, reasoned);
  if (!takesLimits && request.maxTokens !== undefined) ignored.add("max_tokens");
  const limited = takesLimits ? shared : { ...shared, traits: { ...traits, sampling: "none" } as const };
  const topK = topKFields(
    request.topK,
    thinking === undefined ? limited : { ...shared, traits: { ...traits, sampling: "none" } },
  );
  const additionalFields = [given, topK, reasoning, tools.additionalFields]
    .reduce((under, over) => mergeFields(under, over));
  const { temperature, topP } = chooseSampling(request, { ...limited, defaults, thinking });
  // The caller does not know the operator's thinking budget, so the limit is raised above it.
  const limit = activeThinking(reasoning) === undefined
    ? limitWithThinking(thinking, { maxTokens, maxOutputTokens: traits.maxOutputTokens })
    : maxTokens;

  return {
    request: {
      messages,
      system: system.length > 0 ? system : undefined,
      inferenceConfig: {
        maxTokens: takesLimits ? limit : undefined,
        temperature,
        topP,
        stopSequences,
      },
      toolConfig: tools.toolConfig,
      outputConfig: tools.outputConfig,
      additionalModelRequestFields: isEmpty(additionalFields) ? undefined : additionalFields,
      guardrailConfig: settings?.guardrail && guardrailConfig(settings.guardrail),
      requestMetadata: requestMetadata(request, { settings, ignored }),
      // With `auto` the operator decides, then Bedrock.
      serviceTier: request.serviceTier === "standard_only" ? { type: "default" } : tierConfig(defaults),
      performanceConfig: latencyConfig(defaults),
    },
    ignored: ignored.list(),
    toolNames,
    structuredTool: tools.structuredTool,
    isStructured: tools.structuredTool !== undefined || tools.outputConfig !== undefined,
    stopSequences: stopSequences ?? [],
    streams: tools.toolConfig === undefined || traits.tools === "streamed",
  };
}

/** Refuses thinking with an answer by a forced tool, if the model does not support both. */
function refuseForcedAnswer(
  { outputFormat }: MessagesRequest,
  { traits, tools, reasoning }: {
    readonly traits: ModelTraits;
    readonly tools: ToolPlan;
    /** The caller's thinking and effort. */
    readonly reasoning: JsonObject;
  },
): void {
  if (outputFormat === undefined || tools.structuredTool === undefined) return;
  if (!rulesOutThinking({ traits, tools }) || activeThinking(reasoning) === undefined) return;
  throw invalidField(
    outputFormat.path,
    "this model does not support structured output with thinking; remove it",
  );
}

interface BetaContext extends MessagesConverseContext {
  readonly ignored: IgnoredFields;
}

/** Anthropic's own fields, which Converse passes on to Claude and which no other model supports. */
function claudeFields(
  { betas, contextManagement, tools }: MessagesRequest,
  context: BetaContext,
): JsonObject {
  const { traits, betaTable, ignored } = context;
  const flags = [...context.betas, ...betas];
  const isEager = tools.some(({ eager }) => eager);
  if (!traits.anthropicMessages) {
    if (flags.length > 0) ignored.add("anthropic-beta");
    if (isEager) ignored.add("tools[].eager_input_streaming");
    if (contextManagement !== undefined) ignored.add("context_management");
    return {};
  }
  const fields = {
    ...(contextManagement !== undefined && { context_management: contextManagement }),
    // Replaced by a flag.
    ...(isEager && { tools: [{ eager_input_streaming: true }] }),
  };
  const asked = applyBetas(fields, { flags, table: betaTable, ignored });
  return asked.flags.length === 0 ? asked.body : { ...asked.body, anthropic_beta: asked.flags };
}

interface MetadataContext {
  readonly settings: ModelSettings | undefined;
  readonly ignored: IgnoredFields;
}

/** The caller's user id, if Bedrock's alphabet can represent it; Claude Code sends JSON, for which it cannot. */
function requestMetadata(
  { userId }: MessagesRequest,
  { settings, ignored }: MetadataContext,
): Readonly<Record<string, string>> | undefined {
  const carried = userId !== undefined && isMetadataValue(userId);
  if (userId !== undefined && !carried) ignored.add("metadata.user_id");
  const merged = { ...(carried && { user_id: userId }), ...settings?.metadata };
  return isEmpty(merged) ? undefined : merged;
}
