/** Headers that report what is left of a caller's rates, as OpenAI's and Anthropic's own APIs do. */

import type { Dialect } from "../dialect.ts";
import type { Gate, RateGate } from "./gate.ts";

export interface LimitTimes {
  /** Of the monotonic clock. */
  readonly nowUs: number;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: number;
}

/** How a dialect reports rates; undefined if its clients read no such headers. */
interface Row {
  readonly name: (unit: string, figure: "limit" | "remaining" | "reset") => string;
  /** When the whole rate is available again. */
  readonly reset: (resetUs: number, wallMs: number) => string;
}

const ROWS: Readonly<Record<Dialect, Row | undefined>> = {
  // https://platform.openai.com/docs/guides/rate-limits
  openai: {
    name: (unit, figure) => `x-ratelimit-${figure}-${unit}`,
    reset: goDuration,
  },
  // https://docs.anthropic.com/en/api/rate-limits
  anthropic: {
    name: (unit, figure) => `anthropic-ratelimit-${unit}-${figure}`,
    reset: (resetUs, wallMs) =>
      new Date(Math.ceil((wallMs + resetUs / 1000) / 1000) * 1000).toISOString().replace(".000Z", "Z"),
  },
  bedrock: undefined,
};

/** The rates that are reported together: the one with least left is shown. */
interface Report {
  readonly names: { readonly limit: string; readonly remaining: string; readonly reset: string };
  readonly gates: [RateGate, ...RateGate[]];
}

/** By the gates of a caller and model, which are the same for all of their requests. */
const REPORTS = new WeakMap<readonly Gate[], Map<Dialect, readonly Report[]>>();

/** The headers for the rates with least left: one for requests, and one for each kind of tokens. */
export function limitHeaders(
  gates: readonly Gate[],
  dialect: Dialect,
  { nowUs, wallMs }: LimitTimes,
): readonly (readonly [name: string, value: string])[] {
  const row = ROWS[dialect];
  if (row === undefined) return [];
  const headers: [name: string, value: string][] = [];
  for (const { names, gates: [first, ...others] } of reportsOf(gates, dialect, row)) {
    let least = first.state.view(nowUs);
    for (const { state } of others) {
      const view = state.view(nowUs);
      if (view.remaining < least.remaining) least = view;
    }
    headers.push(
      [names.limit, String(least.limit)],
      [names.remaining, String(least.remaining)],
      [names.reset, row.reset(least.resetUs, wallMs)],
    );
  }
  return headers;
}

function reportsOf(gates: readonly Gate[], dialect: Dialect, row: Row): readonly Report[] {
  let byDialect = REPORTS.get(gates);
  if (byDialect === undefined) REPORTS.set(gates, byDialect = new Map());
  let reports = byDialect.get(dialect);
  if (reports === undefined) byDialect.set(dialect, reports = makeReports(gates, dialect, row));
  return reports;
}

function makeReports(gates: readonly Gate[], dialect: Dialect, { name }: Row): readonly Report[] {
  const reports = new Map<string, Report>();
  for (const gate of gates) {
    if (gate.what === "concurrent" || gate.rule.mode === "shadow") continue;
    const unit = unitOf(gate, dialect);
    const report = reports.get(unit);
    if (report !== undefined) report.gates.push(gate);
    else {
      const names = {
        limit: name(unit, "limit"),
        remaining: name(unit, "remaining"),
        reset: name(unit, "reset"),
      };
      reports.set(unit, { names, gates: [gate] });
    }
  }
  return [...reports.values()];
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
