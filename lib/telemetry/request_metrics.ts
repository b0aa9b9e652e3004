/** Request metrics, counted from request records. */

import { codeOf } from "../base/errors.ts";
import type { RequestRecord } from "../snapshot/record.ts";
import { BoundedLabel } from "./bounded_label.ts";
import { countedTokens } from "./counted_tokens.ts";
import { type Count, CounterFamily, type Distribution, HistogramFamily, infoText } from "./series.ts";

/** Buckets in seconds for whole requests and first tokens. */
const LONG = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
/** Buckets in seconds for single tokens and the gateway's overhead. */
const SHORT = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const TOKENS = [
  { type: "input", member: "inputTokens" },
  { type: "output", member: "outputTokens" },
  { type: "cache_read", member: "cacheReadTokens" },
  { type: "cache_write", member: "cacheWriteTokens" },
  { type: "reasoning", member: "reasoningTokens" },
] as const;

/** The series of all requests with the same labels, found in one look-up; some are created when first needed. */
interface Row {
  readonly requests: Count;
  readonly duration: Distribution;
  readonly tokens: Partial<Record<typeof TOKENS[number]["type"], Count>>;
  overhead?: Distribution;
  attempts?: Count;
  cost?: Count;
}

/** The labels that distinguish rows. */
interface Labels {
  readonly api: string;
  readonly model: string;
  readonly caller: string;
  readonly status: string;
  readonly error: string;
  readonly target: string;
}

/** Maximum number of rows; dropping them does not drop their series. */
const MAX_ROWS = 10_000;

const NANO = 1e9;

/** Teams are not labels of the other metrics, because they follow from the caller. */
const CALLER_INFO = {
  name: "adit_caller_info",
  help: "The team of each caller in these metrics; always 1.",
  labels: ["caller", "team"],
} as const;

/** Questions about the running configuration. */
export interface ConfiguredNames {
  /** Whether there is a model with this name. */
  readonly isModel: (name: string) => boolean;
  /** The team of a caller, if it has one. */
  readonly teamOf: (caller: string) => string | undefined;
}

/** Counts requests. Every metric has its HELP and TYPE from the start, even without series. */
export class RequestMetrics {
  readonly #configured: ConfiguredNames;
  readonly #model = new BoundedLabel();
  readonly #target = new BoundedLabel();
  readonly #caller = new BoundedLabel();
  readonly #rule = new BoundedLabel();
  readonly #rows = new Map<string, Row>();
  readonly #requests = new CounterFamily({
    name: "adit_requests_total",
    help: "Finished requests.",
    labels: ["api", "model", "caller", "status", "error"],
  });
  readonly #duration = new HistogramFamily({
    name: "adit_request_duration_seconds",
    help: "Time from the arrival of a request to its end.",
    labels: ["api", "model"],
  }, LONG);
  readonly #firstToken = new HistogramFamily({
    name: "adit_first_token_seconds",
    help: "Time from the arrival of a request to the first content of its streamed answer.",
    labels: ["model", "target"],
  }, LONG);
  readonly #outputToken = new HistogramFamily({
    name: "adit_output_token_seconds",
    help: "Time per output token of a streamed answer, after the first.",
    labels: ["model", "target"],
  }, SHORT);
  readonly #overhead = new HistogramFamily({
    name: "adit_overhead_seconds",
    help: "Time from the complete request to the first byte of the answer, without the attempts upstream.",
    labels: ["model", "target"],
  }, SHORT);
  readonly #tokens = new CounterFamily({
    name: "adit_tokens_total",
    help: "Tokens of answers, as Bedrock counts them.",
    labels: ["model", "caller", "type"],
  });
  readonly #cost = new CounterFamily({
    name: "adit_cost_usd_total",
    help: "Cost of requests in US dollars.",
    labels: ["model", "caller"],
  }, NANO);
  readonly #unpriced = new CounterFamily({
    name: "adit_unpriced_requests_total",
    help: "Requests whose price is unknown.",
    labels: ["model", "caller"],
  });
  readonly #estimated = new CounterFamily({
    name: "adit_estimated_requests_total",
    help: "Requests with estimated tokens, because the answer broke off before Bedrock reported them.",
    labels: ["model", "caller"],
  });
  readonly #attempts = new CounterFamily({
    name: "adit_attempts_total",
    help: "Attempts per target, by result.",
    labels: ["model", "target", "result"],
  });
  readonly #refusals = new CounterFamily({
    name: "adit_limit_refusals_total",
    help: "Requests refused by a rule.",
    labels: ["rule", "kind"],
  });
  readonly #shadowed = new CounterFamily({
    name: "adit_limit_shadow_refusals_total",
    help: "Requests that a rule would have refused if it were enforced.",
    labels: ["rule", "kind"],
  });

  constructor(configured: ConfiguredNames) {
    this.#configured = configured;
  }

  /** Counts a request. */
  add(record: RequestRecord): void {
    const labels = {
      api: record.endpoint ?? "none",
      model: this.#modelOf(record),
      caller: this.#caller.of(record.caller ?? "(unknown)"),
      status: String(record.status),
      error: record.error === undefined ? "" : codeOf(record.error.kind),
      target: this.#target.of(record.target ?? "(native)"),
    };
    const { model, caller } = labels;
    const { spent, cost, limit } = record;
    const row = this.#rowOf(labels);
    row.requests.value++;
    row.duration.observe(record.durationMs / 1000);
    this.#addTimes(record, labels, row);
    this.#addAttempts(record, labels, row);
    this.#addTokens(record, labels, row);
    if (spent?.estimated === true) this.#estimated.of(model, caller).value++;
    if (limit !== undefined) this.#refusals.of(this.#rule.of(limit.rule), limit.what).value++;
    for (const { rule, what } of record.shadowLimits) this.#shadowed.of(this.#rule.of(rule), what).value++;
    if (cost === undefined) return;
    if (cost.nano === undefined) this.#unpriced.of(model, caller).value++;
    else if (cost.nano > 0) (row.cost ??= this.#cost.of(model, caller)).value += cost.nano;
  }

  /** All metrics in Prometheus's text format. */
  text(): string {
    const callers = this.#caller.names.map((name) => [name, this.#configured.teamOf(name) ?? "(none)"]);
    const families = [
      this.#requests,
      this.#duration,
      this.#firstToken,
      this.#outputToken,
      this.#overhead,
      this.#tokens,
      this.#cost,
      this.#unpriced,
      this.#estimated,
      this.#attempts,
      this.#refusals,
      this.#shadowed,
    ];
    return [...families.map((family) => family.text()), infoText(CALLER_INFO, callers)].join("\n");
  }

  /** The configured name: each name that a client invents would become a series. */
  #modelOf({ model, requestedModel }: RequestRecord): string {
    if (model === undefined) return requestedModel === undefined ? "(none)" : "(unknown)";
    return this.#configured.isModel(model) ? this.#model.of(model) : "(native)";
  }

  #rowOf({ api, model, caller, status, error, target }: Labels): Row {
    const key = `${api}\0${model}\0${caller}\0${status}\0${error}\0${target}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      if (this.#rows.size >= MAX_ROWS) this.#rows.clear();
      const requests = this.#requests.of(api, model, caller, status, error);
      row = { requests, duration: this.#duration.of(api, model), tokens: {} };
      this.#rows.set(key, row);
    }
    return row;
  }

  #addTimes(record: RequestRecord, { model, target }: Labels, row: Row): void {
    const { stream, firstByteMs, overheadMs, durationMs, usage } = record;
    if (overheadMs !== undefined) {
      (row.overhead ??= this.#overhead.of(model, target)).observe(Math.max(0, overheadMs) / 1000);
    }
    if (stream !== true || firstByteMs === undefined) return;
    this.#firstToken.of(model, target).observe(firstByteMs / 1000);
    const later = (usage?.outputTokens ?? 0) - 1;
    if (later > 0) this.#outputToken.of(model, target).observe((durationMs - firstByteMs) / 1000 / later);
  }

  #addAttempts({ attempts, target: last }: RequestRecord, { model, target }: Labels, row: Row): void {
    for (const attempt of attempts) {
      if (attempt.error === undefined && attempt.target === last) {
        (row.attempts ??= this.#attempts.of(model, target, "ok")).value++;
      } else {
        const result = attempt.error === undefined ? "ok" : codeOf(attempt.error);
        this.#attempts.of(model, this.#target.of(attempt.target), result).value++;
      }
    }
  }

  #addTokens(record: RequestRecord, { model, caller }: Labels, { tokens }: Row): void {
    const used = countedTokens(record);
    if (used === undefined) return;
    for (const { type, member } of TOKENS) {
      const count = used[member] ?? 0;
      if (count > 0) (tokens[type] ??= this.#tokens.of(model, caller, type)).value += count;
    }
  }
}
