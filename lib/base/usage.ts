/** Usage of one response: tokens as Bedrock counts them, and other billed units. */

/** Billed units of guardrails: text by policy, and images; `other` includes policies unknown here. */
export const GUARDRAIL_PARTS = [
  "topic_policy",
  "content_policy",
  "content_policy_image",
  "word_policy",
  "sensitive_information_policy",
  "sensitive_information_policy_free",
  "contextual_grounding_policy",
  "automated_reasoning_policy",
  "other",
] as const;
export type GuardrailPart = (typeof GUARDRAIL_PARTS)[number];

/** The part for a name of Bedrock's, such as `contentPolicyUnits`. */
export function guardrailPart(name: string): GuardrailPart {
  const part = name.replace(/Units$/, "").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return GUARDRAIL_PARTS.find((known) => known === part) ?? "other";
}

/** Units used, by part. */
export type GuardrailUnits = Readonly<Partial<Record<GuardrailPart, number>>>;

export interface Usage {
  /** Prompt tokens that were neither read from nor written to the prompt cache. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** The part of `cacheWriteTokens` that is kept for an hour and priced higher; absent if not reported. */
  readonly cacheWrite1hTokens?: number;
  /** The part of `outputTokens` that was reasoning; absent if the model does not report it. */
  readonly reasoningTokens?: number;
  /** Generated images, billed per image. */
  readonly images?: number;
  /** Searches of a reranker. */
  readonly queries?: number;
  /** Units of guardrails; absent if not reported. */
  readonly guardrail?: GuardrailUnits;
  /**
   * The tier that the request is billed at: Bedrock's service tier, or `optimized` for low latency; absent for the
   * default.
   */
  readonly tier?: string;
}

/** The usage charged to a request. */
export interface Spent {
  /** All zero if no target accepted the request. */
  readonly usage: Usage;
  /** Whether a part of the usage is estimated, because Bedrock did not report it. */
  readonly estimated: boolean;
}
