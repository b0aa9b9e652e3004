/** Headers that report what is left of a caller's rates, in the form of OpenAI's and Anthropic's own APIs. */

import type { Clock } from "../../base/clock.ts";
import type { Section } from "../../store/store.ts";
import type { Dialect } from "../dialect.ts";
import type { Gate, RateGate } from "./gate.ts";

/** Receives headers. */
export interface HeaderSink {
  set(name: string, value: string): unknown;
}

export interface ReportTools {
  readonly clock: Clock;
  /** The section of the buckets and slots. */
  readonly section: Section;
}

export interface ReportTime extends ReportTools {
  /** By the monotonic clock. */
  readonly nowUs: number;
}

type Figure = "limit" | "remaining" | "reset";

/** The headers of a dialect. */
interface Row {
  readonly name: (unit: string, figure: Figure) => string;
  /** When the whole rate is available again, as precisely as the header reports it. */
  readonly resetAt: (resetUs: number, clock: Clock) => number;
  readonly resetText: (resetAt: number) => string;
}

/** Undefined for a dialect whose clients read no such headers. */
const ROWS: Readonly<Record<Dialect, Row | undefined>> = {
  // https://platform.openai.com/docs/guides/rate-limits
  openai: {
    name: (unit, figure) => `x-ratelimit-${figure}-${unit}`,
    resetAt: (resetUs) => Math.ceil(resetUs / 1000),
    resetText: goDuration,
  },
  // https://docs.anthropic.com/en/api/rate-limits
  anthropic: {
    name: (unit, figure) => `anthropic-ratelimit-${unit}-${figure}`,
    resetAt: (resetUs, clock) => Math.ceil((clock.now() + resetUs / 1000) / 1000),
    resetText: (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z"),
  },
  bedrock: undefined,
};

/** Sets the headers for the rates with the least left: one for requests, and one for each kind of tokens. */
export function setLimitHeaders(
  headers: HeaderSink,
  reports: readonly Report[],
  { clock, section, nowUs }: ReportTime,
): void {
  if (reports.length === 0) return;
  section.enter();
  try {
    for (const report of reports) report.read(nowUs);
  } finally {
    section.leave();
  }
  for (const report of reports) report.write(headers, clock);
}

/** The reports of a dialect for these gates. */
export function reportsOf(gates: readonly Gate[], dialect: Dialect): readonly Report[] {
  const row = ROWS[dialect];
  if (row === undefined) return [];
  const byUnit = new Map<string, [RateGate, ...RateGate[]]>();
  for (const gate of gates) {
    if (gate.what === "concurrent" || gate.rule.mode === "shadow") continue;
    const unit = unitOf(gate, dialect);
    const known = byUnit.get(unit);
    if (known === undefined) byUnit.set(unit, [gate]);
    else known.push(gate);
  }
  return [...byUnit].map(([unit, of]) => new Report(unit, of, row));
}

/** Rates that share headers, which show the one with the least left. */
export class Report {
  readonly #gates: readonly RateGate[];
  readonly #row: Row;
  readonly #names: Readonly<Record<Figure, string>>;
  #least: RateGate;
  #remaining = 0;
  #resetUs = 0;
  /** Kept, as the next request often reports the same time. */
  #resetAt = NaN;
  #resetText = "";

  constructor(unit: string, gates: readonly [RateGate, ...RateGate[]], row: Row) {
    [this.#least] = gates;
    this.#gates = gates;
    this.#row = row;
    this.#names = {
      limit: row.name(unit, "limit"),
      remaining: row.name(unit, "remaining"),
      reset: row.name(unit, "reset"),
    };
  }

  /** Within the section: reads what is left. */
  read(nowUs: number): void {
    this.#remaining = Infinity;
    for (const gate of this.#gates) {
      const resetUs = gate.state.resetUs(nowUs);
      const remaining = gate.state.remaining(resetUs);
      if (remaining >= this.#remaining) continue;
      this.#least = gate;
      this.#remaining = remaining;
      this.#resetUs = resetUs;
    }
  }

  /** Sets the headers for what was read last. */
  write(headers: HeaderSink, clock: Clock): void {
    const resetAt = this.#row.resetAt(this.#resetUs, clock);
    if (resetAt !== this.#resetAt) {
      this.#resetAt = resetAt;
      this.#resetText = this.#row.resetText(resetAt);
    }
    headers.set(this.#names.limit, this.#least.state.limitText);
    headers.set(this.#names.remaining, String(this.#remaining));
    headers.set(this.#names.reset, this.#resetText);
  }
}

/** The unit in the names of the headers; Anthropic has separate ones for input and output tokens. */
function unitOf({ what, rule: { weights } }: RateGate, dialect: Dialect): string {
  if (what === "requests" || dialect !== "anthropic") return what;
  if (weights.output === 0) return "input-tokens";
  return weights.input === 0 && weights.cacheRead === 0 && weights.cacheWrite === 0
    ? "output-tokens"
    : "tokens";
}

/** A duration in Go's format, which OpenAI uses: `12ms`, `1.5s`, `6m0s`. */
function goDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${Number(seconds.toFixed(3))}s`;
  const whole = Math.ceil(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return `${hours > 0 ? `${hours}h` : ""}${minutes}m${whole % 60}s`;
}
