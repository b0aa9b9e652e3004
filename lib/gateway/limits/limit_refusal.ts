/** Errors for requests over a limit, which name the rule, the unit, the limit and the time to wait. */

import { AditError, type ErrorDetails, type ErrorKind } from "../../base/errors.ts";
import { countText, type Each, rateText } from "../../snapshot/limits.ts";
import type { Gate, LimitKind } from "./gate.ts";

const KINDS = {
  concurrent: "limit_concurrent",
  requests: "limit_requests",
  tokens: "limit_tokens",
} as const satisfies Record<LimitKind, ErrorKind>;

/** A client that obeys `retry-after` could wait for a day; clients give a request 10 minutes by default. */
const LONGEST_RETRY_MS = 600_000;

export interface RefusalFigures {
  /** Microseconds until the request may be retried. */
  readonly waitUs: number;
  /** Tokens that the request needs. */
  readonly units: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The refusal of a request by a gate. */
export function limitRefusal(gate: Gate, { waitUs, units, headers }: RefusalFigures): AditError {
  const { rule, what } = gate;
  const retryAfterMs = Math.max(1, Math.ceil(waitUs / 1000));
  const details: ErrorDetails = {
    retryAfterMs,
    headers,
    limit: { rule: rule.name, what },
    ...(retryAfterMs > LONGEST_RETRY_MS && { shouldRetry: false }),
  };
  const need = what === "tokens" ? `; this request needs about ${units} tokens` : "";
  const retry = what === "concurrent" ? "retry when one has ended" : `retry in ${secondsText(retryAfterMs)}`;
  return new AditError(
    KINDS[what],
    `refused by this gateway: rate limit ${JSON.stringify(rule.name)} allows ${
      allowed(gate)
    }${need}; ${retry}`,
    details,
  );
}

function allowed(gate: Gate): string {
  const whom = WHOM[gate.rule.each];
  if (gate.what === "concurrent") return `${countText(gate.max, "concurrent requests")}${whom}`;
  return `${rateText(gate.state.allowance, gate.what)}${whom}`;
}

const WHOM = {
  caller: " for each caller",
  team: " for each team",
  model: " for each model",
  caller_model: " for each caller and model",
  none: "",
} as const satisfies Record<Each, string>;

/** The refusal of an operation whose tokens Bedrock does not report, for a caller with a token limit. */
export function unmeteredRefusal({ rule: { name }, what }: Gate): AditError {
  return new AditError(
    "limit_unmetered",
    `refused by this gateway: rate limit ${
      JSON.stringify(name)
    } limits tokens, and Bedrock does not report the tokens of this operation`,
    { limit: { rule: name, what } },
  );
}

/** A time to wait in words, rounded up. */
export function secondsText(ms: number): string {
  return ms < 1000 ? `${Math.ceil(ms)} ms` : `${Math.ceil(ms / 1000)} s`;
}
