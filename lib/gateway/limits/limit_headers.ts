/** Headers that report what is left of a caller's rates, as OpenAI's and Anthropic's own APIs do. */

import type { Dialect } from "../dialect.ts";
import type { Gate, RateGate } from "./gate.ts";

export interface LimitTimes {
  /** Of the monotonic clock. */
  readonly nowUs: number;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: number;
}

/** One header for each: the rate, what is left of it, and when all of it is available again. */
type Row = (unit: string, figures: Figures) => Readonly<Record<string, string>>;

interface Figures {
  readonly limit: number;
  readonly remaining: number;
  readonly resetUs: number;
  readonly wallMs: number;
}

const ROWS: Readonly<Record<Dialect, Row>> = {
  // https://platform.openai.com/docs/guides/rate-limits
  openai: (unit, { limit, remaining, resetUs }) => ({
    [`x-ratelimit-limit-${unit}`]: String(limit),
    [`x-ratelimit-remaining-${unit}`]: String(remaining),
    [`x-ratelimit-reset-${unit}`]: goDuration(resetUs),
  }),
  // https://docs.anthropic.com/en/api/rate-limits
  anthropic: (unit, { limit, remaining, resetUs, wallMs }) => ({
    [`anthropic-ratelimit-${unit}-limit`]: String(limit),
    [`anthropic-ratelimit-${unit}-remaining`]: String(remaining),
    [`anthropic-ratelimit-${unit}-reset`]: new Date(Math.ceil((wallMs + resetUs / 1000) / 1000) * 1000)
      .toISOString().replace(".000Z", "Z"),
  }),
  // AWS's SDKs read no such headers.
  bedrock: () => ({}),
};

/** The headers for the rates with least left: one for requests, and one for each kind of tokens. */
export function limitHeaders(
  gates: readonly Gate[],
  dialect: Dialect,
  { nowUs, wallMs }: LimitTimes,
): Readonly<Record<string, string>> {
  const least = new Map<string, Figures>();
  for (const gate of gates) {
    if (gate.what === "concurrent" || gate.rule.mode === "shadow") continue;
    const unit = unitOf(gate, dialect);
    const view = gate.state.view(nowUs);
    const known = least.get(unit);
    if (known === undefined || view.remaining < known.remaining) least.set(unit, { ...view, wallMs });
  }
  return Object.assign({}, ...[...least].map(([unit, figures]) => ROWS[dialect](unit, figures)));
}

/** Anthropic has separate names for rules that count only one kind of tokens. */
function unitOf({ what, rule: { weights } }: RateGate, dialect: Dialect): string {
  if (what === "requests" || dialect !== "anthropic") return what;
  if (weights.output === 0) return "input-tokens";
  return weights.input === 0 && weights.cacheRead === 0 && weights.cacheWrite === 0
    ? "output-tokens"
    : "tokens";
}

/** A duration as Go prints it, like OpenAI: `12ms`, `1.5s`, `6m0s`. */
export function goDuration(us: number): string {
  const ms = Math.ceil(us / 1000);
  if (ms < 1000) return `${ms}ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${Number(seconds.toFixed(3))}s`;
  const whole = Math.ceil(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return `${hours > 0 ? `${hours}h` : ""}${minutes}m${whole % 60}s`;
}
