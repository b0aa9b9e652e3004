/** What each kind of failure means for retries at the same or another target, and for the target's health. */

import type { AditError, ErrorKind } from "../base/errors.ts";
import { isNoCaching } from "../facts/refusal_words.ts";

export interface RetryRule {
  /** Maximum number of further attempts at the same target. */
  readonly repeats: number;
  /** Whether another target may answer instead. */
  readonly elsewhere: boolean;
  readonly health: HealthEffect;
}

/**
 * `failure` counts against the target; `throttled` makes it rest until it accepts requests again; `misfit` is an error
 * in the configuration or missing access, which only the operator can fix; `none` has no effect.
 */
export type HealthEffect = "failure" | "throttled" | "misfit" | "none";

const NEVER: RetryRule = { repeats: 0, elsewhere: false, health: "none" };
const FAILED: RetryRule = { repeats: 0, elsewhere: true, health: "failure" };
const FAILED_ONCE: RetryRule = { ...FAILED, repeats: 1 };
const THROTTLED: RetryRule = { repeats: Infinity, elsewhere: true, health: "throttled" };
const MISFIT: RetryRule = { repeats: 0, elsewhere: true, health: "misfit" };

const RULES = {
  upstream_unreachable: FAILED_ONCE,
  // The attempt may have been billed, and the same model rarely becomes faster immediately.
  timeout: FAILED,
  model_error: FAILED_ONCE,
  rate_limited: THROTTLED,
  // Quotas are reset after minutes or at midnight, not while a request waits.
  quota_exceeded: { ...THROTTLED, repeats: 0 },
  // Bedrock returns this while it loads an imported model.
  model_not_ready: { repeats: 5, elsewhere: true, health: "none" },
  upstream_error: FAILED_ONCE,
  overloaded: FAILED_ONCE,
  upstream_protocol: FAILED,
  stream_truncated: FAILED_ONCE,
  // Fresh credentials have already been tried within the exchange.
  upstream_credentials: FAILED,
  permission_denied: MISFIT,
  model_not_found: MISFIT,
  invalid_request: NEVER,
  body_too_large: NEVER,
  headers_too_large: NEVER,
  request_timeout: NEVER,
  route_not_found: NEVER,
  method_not_allowed: NEVER,
  upgrade_refused: NEVER,
  missing_key: NEVER,
  invalid_key: NEVER,
  expired_key: NEVER,
  disabled_key: NEVER,
  incomplete_signature: NEVER,
  invalid_signature: NEVER,
  no_target: NEVER,
  limit_requests: NEVER,
  limit_tokens: NEVER,
  limit_concurrent: NEVER,
  limit_unmetered: NEVER,
  budget_spent: NEVER,
  price_unknown: NEVER,
  // The quota of another target may not be used up.
  quota_short: { repeats: 0, elsewhere: true, health: "none" },
  busy: NEVER,
  draining: NEVER,
  unsupported: NEVER,
  client_gone: NEVER,
  internal: NEVER,
} as const satisfies Record<ErrorKind, RetryRule>;

/** A refusal of the request's cache points says nothing about access to the model. */
const REFUSED_CACHING: RetryRule = { ...MISFIT, health: "none" };

/** Longest time for which the gateway avoids a target: a `retry-after` of years would do so until a restart. */
export const MAX_THROTTLE_MS = 300_000;

/** A daily quota, for which waiting within a request is no use. */
const PER_DAY = /tokens per day/i;

/** The rule for a refusal. */
export function retryRule({ kind, details }: AditError): RetryRule {
  const { status, type, message = "" } = details.upstream ?? {};
  if (isNoCaching({ status, type, message })) return REFUSED_CACHING;
  const rule: RetryRule = RULES[kind];
  return kind === "rate_limited" && PER_DAY.test(message) ? { ...rule, repeats: 0 } : rule;
}

/**
 * Milliseconds for which a throttled target rests, by the kind of quota or the upstream's retry-after; undefined for
 * the usual backoff.
 */
export function restAfter({ kind, details }: AditError): number | undefined {
  if (kind === "quota_exceeded") return 60_000;
  if (PER_DAY.test(details.upstream?.message ?? "")) return 300_000;
  return retryAfterMs(details.retryAfter);
}

/** The upstream's `retry-after` in milliseconds, if it is in seconds. */
export function retryAfterMs(text = ""): number | undefined {
  return /^\d{1,12}(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined;
}
