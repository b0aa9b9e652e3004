/**
 * Anthropic Messages -> InvokeModel of Claude: the same body with as few edits as possible. See `docs/messages.md`.
 */

import { hasNoMembers, member, mergeFields, NO_MEMBERS } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { missingField, parseBetaField } from "../../wire/anthropic/messages.ts";
import { applyBetas } from "../converse/betas.ts";
import type { BetaTable } from "../../facts/beta_table.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import { chooseStops } from "../converse/limits.ts";
import { activeThinking, type FieldsContext, isEmpty, setsSampling } from "../converse/members.ts";
import { guardrailHeaders, refuseGuardrailMembers } from "../converse/guardrail.ts";
import type { ModelSettings } from "../../snapshot/snapshot.ts";
import { limitWithThinking } from "../converse/thinking/budget.ts";
import { withoutRefusedThinking } from "../converse/thinking/forced_calls.ts";
import { IgnoredFields } from "../converse/ignored.ts";
import { fitFields } from "./invoke_fields.ts";
import { fitMessages } from "./invoke_messages.ts";
import { fitTools, withoutServerTools } from "./invoke_tools.ts";

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html */
const ANTHROPIC_VERSION = "bedrock-2023-05-31";

export interface InvokeContext {
  readonly traits: ModelTraits;
  /** Flags of the `anthropic-beta` headers. */
  readonly betas: readonly string[];
  readonly betaTable: BetaTable;
  readonly settings?: ModelSettings;
}

export interface InvokeCall {
  readonly body: JsonObject;
  /** The operator's guardrail, metadata, tier and latency, which Bedrock accepts outside the body. */
  readonly headers: Readonly<Record<string, string>>;
  /** Dropped flags and fields, for `x-adit-ignored`. */
  readonly ignored: readonly string[];
}

/**
 * The body for InvokeModel. Members keep their order, because the prompt cache depends on it. Throws `invalid_request`
 * if neither the caller nor the operator sets `max_tokens`.
 */
export function messagesToInvoke(
  body: JsonObject,
  { traits, betas, betaTable, settings }: InvokeContext,
): InvokeCall {
  if (settings?.guardrail !== undefined) refuseGuardrailMembers(body);
  const ignored = new IgnoredFields();
  const asked = applyBetas(body, {
    flags: [...betas, ...parseBetaField(body.anthropic_beta)],
    table: betaTable,
    ignored,
  });
  const context = { traits, ignored };
  const maxTokens = settings?.defaults.maxTokens;
  const limited = isSet(asked.body, "max_tokens") || maxTokens === undefined
    ? asked.body
    : { ...asked.body, max_tokens: maxTokens };
  const usable = withoutServerTools(limited, { asked: body, table: betaTable, ignored });
  const fields = operatorsFields(usable, { traits, settings });
  const fitted = fitFields(fitTools(fitMessages(usable, context), context), {
    traits,
    ignored,
    defaults: fields,
  });
  const settled = isEmpty(fields) ? fitted : mergeFields(mergeFields(fitted, fields), fitted);
  const flags = asked.flags.length > 0 ? asked.flags : fields.anthropic_beta;
  const sent = ownMembers(settled, flags !== undefined);
  sent.anthropic_version = ANTHROPIC_VERSION;
  if (flags !== undefined) sent.anthropic_beta = flags;
  if (isSet(fields, "thinking") && !isSet(fitted, "thinking")) raiseLimit(sent, traits);
  addDefaults(sent, { traits, ignored, settings });
  if (!isSet(sent, "max_tokens")) throw missingField("max_tokens");
  return {
    body: sent,
    headers: settings === undefined ? {} : settingsHeaders(body, settings),
    ignored: ignored.list(),
  };
}

/** The operator's fields that apply to a request. */
function operatorsFields(
  { tool_choice: choice }: JsonObject,
  { traits, settings }: Omit<DefaultsContext, "ignored">,
): JsonObject {
  const fields = settings?.defaults.additionalModelRequestFields;
  if (fields === undefined) return NO_MEMBERS;
  const type = member(choice, "type");
  return withoutRefusedThinking(fields, { traits, tools: { isForced: type === "any" || type === "tool" } });
}

type Members = { [name: string]: JsonValue };

/** A copy of what Bedrock accepts in the body. */
function ownMembers(body: JsonObject, hasFlags: boolean): Members {
  const { model: _model, stream: _stream, ...rest } = body;
  if (hasFlags || body.anthropic_beta === undefined) return rest;
  const { anthropic_beta: _flags, ...unflagged } = rest;
  return unflagged;
}

interface DefaultsContext extends FieldsContext {
  readonly settings: ModelSettings | undefined;
}

/** Raises the limit above the operator's thinking budget, which the caller does not know. */
function raiseLimit(body: Members, { maxOutputTokens }: ModelTraits): void {
  const { max_tokens: maxTokens } = body;
  if (typeof maxTokens !== "number") return;
  const limit = limitWithThinking(activeThinking(body), { maxTokens, maxOutputTokens });
  if (limit !== undefined) body.max_tokens = limit;
}

/** Adds the operator's defaults for fields that the caller does not set. */
function addDefaults(body: Members, { traits, ignored, settings }: DefaultsContext): void {
  if (settings === undefined) return;
  const { defaults } = settings;
  const { temperature, topP } = defaults;
  if (!isSet(body, "stop_sequences")) {
    const stops = chooseStops([], { traits, ignored, path: "stop_sequences", defaults });
    if (stops !== undefined) body.stop_sequences = stops;
  }
  if (temperature === undefined && topP === undefined) return;
  const asked = { temperature: body.temperature ?? undefined, topP: body.top_p ?? undefined };
  const isSettled = traits.sampling === "none" || setsSampling(asked, activeThinking(body));
  if (isSettled) return;
  if (temperature !== undefined) body.temperature = temperature;
  if (topP !== undefined) body.top_p = topP;
}

function isSet(body: JsonObject, name: string): boolean {
  return body[name] !== undefined && body[name] !== null;
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html */
function settingsHeaders(
  body: JsonObject,
  { defaults, guardrail, metadata }: ModelSettings,
): Record<string, string> {
  const { serviceTier, latency } = defaults;
  // With `auto` the operator decides, then Bedrock.
  const choosesTier = isSet(body, "service_tier") && body.service_tier !== "auto";
  const headers: Record<string, string> = guardrail === undefined ? {} : { ...guardrailHeaders(guardrail) };
  if (serviceTier !== undefined && !choosesTier) headers["x-amzn-bedrock-service-tier"] = serviceTier;
  if (latency !== undefined) headers["x-amzn-bedrock-performanceconfig-latency"] = latency;
  if (!hasNoMembers(metadata)) headers["x-amzn-bedrock-request-metadata"] = JSON.stringify(metadata);
  return headers;
}
