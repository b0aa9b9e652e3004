/** Token counts in the various forms that Bedrock and its models report. */

import { isJsonObject, member } from "../base/json.ts";
import type { JsonObject, JsonValue } from "../base/json.ts";
import type { Usage } from "../base/usage.ts";

/** Counts that every form has. */
type Count = "inputTokens" | "outputTokens" | "cacheReadTokens" | "cacheWriteTokens";

/** The field name of each count, and readers for the counts that only some forms have. */
export interface UsageNames extends Readonly<Record<Count, string>> {
  /** Cache writes that are kept for an hour. */
  readonly hourWrites?: (usage: JsonObject) => number | undefined;
  readonly reasoning?: (usage: JsonObject) => number | undefined;
}

/** In `usage` of Converse (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html). */
export const CONVERSE_USAGE: UsageNames = {
  inputTokens: "inputTokens",
  outputTokens: "outputTokens",
  cacheReadTokens: "cacheReadInputTokens",
  cacheWriteTokens: "cacheWriteInputTokens",
  hourWrites: ({ cacheDetails }) => {
    if (!Array.isArray(cacheDetails)) return undefined;
    return cacheDetails.filter((each) => member(each, "ttl") === "1h")
      .reduce((sum: number, each) => sum + (readCount(member(each, "inputTokens")) ?? 0), 0);
  },
};

/** In `usage` of Anthropic's answers and events. */
export const MESSAGES_USAGE: UsageNames = {
  inputTokens: "input_tokens",
  outputTokens: "output_tokens",
  cacheReadTokens: "cache_read_input_tokens",
  cacheWriteTokens: "cache_creation_input_tokens",
  hourWrites: ({ cache_creation: writes }) => readCount(member(writes, "ephemeral_1h_input_tokens")),
  reasoning: ({ output_tokens_details: details }) => readCount(member(details, "thinking_tokens")),
};

/** In `usage` of OpenAI's completions, whose prompt tokens include cached ones. */
export const COMPLETION_USAGE: UsageNames = {
  inputTokens: "prompt_tokens",
  outputTokens: "completion_tokens",
  cacheReadTokens: "",
  cacheWriteTokens: "",
  reasoning: ({ completion_tokens_details: details }) => readCount(member(details, "reasoning_tokens")),
};

/** In the token counts that Bedrock adds to the last event of an InvokeModel stream. */
export const METRICS_USAGE: UsageNames = {
  inputTokens: "inputTokenCount",
  outputTokens: "outputTokenCount",
  cacheReadTokens: "cacheReadInputTokenCount",
  cacheWriteTokens: "cacheWriteInputTokenCount",
};

/**
 * The counts in `value`, or those in `before` where they are larger: counts in later events are cumulative, and may
 * lack some that an earlier event had. Undefined if nothing was reported.
 */
export function readUsage(
  value: JsonValue | undefined,
  names: UsageNames,
  before?: Usage,
): Usage | undefined {
  if (!isJsonObject(value)) return before;
  const hour = largest(names.hourWrites?.(value), before?.cacheWrite1hTokens);
  const reasoning = largest(names.reasoning?.(value), before?.reasoningTokens);
  const usage: Mutable<Usage> = {
    inputTokens: largest(readCount(value[names.inputTokens]), before?.inputTokens),
    outputTokens: largest(readCount(value[names.outputTokens]), before?.outputTokens),
    cacheReadTokens: largest(readCount(value[names.cacheReadTokens]), before?.cacheReadTokens),
    cacheWriteTokens: largest(readCount(value[names.cacheWriteTokens]), before?.cacheWriteTokens),
  };
  if (hour > 0) usage.cacheWrite1hTokens = hour;
  if (reasoning > 0) usage.reasoningTokens = reasoning;
  if (before?.tier !== undefined) usage.tier = before.tier;
  if (before?.guardrail !== undefined) usage.guardrail = before.guardrail;
  return usage;
}

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

function largest(one = 0, other = 0): number {
  return Math.max(one, other);
}

/** The tier that a response is billed at, as Bedrock reports it. */
export interface ServedAs {
  readonly serviceTier: JsonValue | undefined;
  readonly latency: JsonValue | undefined;
}

/** The usage with the tier that the request is billed at; unchanged for the default tier. */
export function withTier(usage: Usage | undefined, { serviceTier, latency }: ServedAs): Usage | undefined {
  if (usage === undefined) return undefined;
  if (latency === "optimized") return { ...usage, tier: "optimized" };
  return typeof serviceTier === "string" && serviceTier !== "default"
    ? { ...usage, tier: serviceTier }
    : usage;
}

/** In a response of Converse, or in the last event of its stream. */
export function converseTier(body: JsonValue | undefined): ServedAs {
  return {
    serviceTier: member(member(body, "serviceTier"), "type"),
    latency: member(member(body, "performanceConfig"), "latency"),
  };
}

/** In the headers of an InvokeModel response. */
export function invokeTier(headers: Headers): ServedAs {
  return {
    serviceTier: headers.get("x-amzn-bedrock-service-tier") ?? undefined,
    latency: headers.get("x-amzn-bedrock-performanceconfig-latency") ?? undefined,
  };
}

/** No tokens of any kind. */
export const NO_TOKENS: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** The forms of Llama, and of Titan's text and embedding models, which have their counts at the top level. */
const TOP_LEVEL: readonly UsageNames[] = [
  { ...METRICS_USAGE, inputTokens: "prompt_token_count", outputTokens: "generation_token_count" },
  { ...METRICS_USAGE, inputTokens: "inputTextTokenCount", outputTokens: "totalOutputTextTokenCount" },
];

function topLevelUsage(body: JsonObject, before: Usage | undefined): Usage | undefined {
  const form = TOP_LEVEL.find((names) => readCount(body[names.inputTokens]) !== undefined);
  return form === undefined ? before : readUsage(body, form, before);
}

/** The forms in which model families report token counts in their own bodies. */
const BODY_FORMS: readonly UsageNames[] = [CONVERSE_USAGE, MESSAGES_USAGE, COMPLETION_USAGE];

/** The counts in an InvokeModel body or event of any family, merged with those known before. */
export function familyUsage(body: JsonValue | undefined, before?: Usage): Usage | undefined {
  if (!isJsonObject(body)) return before;
  const usage = body["usage"] ?? member(body["message"], "usage") ?? member(body["metadata"], "usage");
  const form = BODY_FORMS.find((names) =>
    readCount(member(usage, names.inputTokens)) !== undefined ||
    readCount(member(usage, names.outputTokens)) !== undefined
  );
  const known = form === undefined ? topLevelUsage(body, before) : readUsage(usage, form, before);
  const images = Array.isArray(body["images"]) ? body["images"].length : 0;
  const queries = rerankQueries(body["results"]);
  if (images === 0 && queries === 0) return known;
  return { ...(known ?? NO_TOKENS), ...(images > 0 && { images }), ...(queries > 0 && { queries }) };
}

/** Documents that are billed as one query of a reranker: https://aws.amazon.com/bedrock/pricing/ */
const DOCUMENTS_IN_QUERY = 100;

/** The number of queries billed for a number of documents. */
export function queriesFor(documents: number): number {
  return Math.max(1, Math.ceil(documents / DOCUMENTS_IN_QUERY));
}

/** Queries by the number of results, which may be fewer than the documents; 0 if the body is not a reranker's. */
function rerankQueries(results: JsonValue | undefined): number {
  if (!Array.isArray(results) || typeof member(results[0], "relevance_score") !== "number") return 0;
  return queriesFor(results.length);
}

/** More tokens than a response can have: a single answer must not overflow the ledger's sums. */
const MAX_COUNT = 1_000_000_000;

/** The value if it is a valid token count, otherwise undefined. */
export function readCount(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT
    ? value
    : undefined;
}
