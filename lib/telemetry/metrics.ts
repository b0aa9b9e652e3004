/** Metrics in Prometheus's format, kept from the records of requests and read from the gateway when they are asked for. */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { codeOf } from "../base/errors.ts";
import type { RequestRecord } from "../snapshot/record.ts";
import { BoundedLabel } from "./bounded_label.ts";
import type { GatewayFacts, TargetFacts } from "./gateway_facts.ts";

export interface MetricsOptions {
  /** Read at each request for the metrics. */
  readonly facts: () => GatewayFacts;
  /** Whether a name is that of a model in the configuration. */
  readonly isModel: (name: string) => boolean;
}

/** Seconds, for whole requests and first tokens. */
const LONG = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
/** Seconds, for single tokens and the gateway's own share. */
const SHORT = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const TOKENS = {
  input: "inputTokens",
  output: "outputTokens",
  cache_read: "cacheReadTokens",
  cache_write: "cacheWriteTokens",
  reasoning: "reasoningTokens",
} as const;

/** All metrics of the gateway; each has its HELP and TYPE from the start. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #options: MetricsOptions;
  readonly #model = new BoundedLabel();
  readonly #target = new BoundedLabel();
  readonly #caller = new BoundedLabel();

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#observeGateway();
  }

  readonly #requests = this.#counter("adit_requests_total", "Requests that have ended.", [
    "api",
    "model",
    "caller",
    "status",
    "error",
  ]);
  readonly #duration = this.#histogram("adit_request_duration_seconds", {
    help: "From the arrival of a request to its end.",
    labels: ["api", "model"],
    buckets: LONG,
  });
  readonly #firstToken = this.#histogram("adit_first_token_seconds", {
    help: "From the arrival of a request to the first content of its streamed answer.",
    labels: ["model", "target"],
    buckets: LONG,
  });
  readonly #outputToken = this.#histogram("adit_output_token_seconds", {
    help: "Time for each output token of a streamed answer after the first.",
    labels: ["model", "target"],
    buckets: SHORT,
  });
  readonly #overhead = this.#histogram("adit_overhead_seconds", {
    help:
      "From the complete request to the first byte of the answer, without the time of the attempts upstream.",
    labels: ["model", "target"],
    buckets: SHORT,
  });
  readonly #tokens = this.#counter("adit_tokens_total", "Tokens of answers, as Bedrock counts them.", [
    "model",
    "caller",
    "type",
  ]);
  readonly #cost = this.#counter("adit_cost_usd_total", "Cost of requests in US dollars.", [
    "model",
    "caller",
  ]);
  readonly #unpriced = this.#counter("adit_unpriced_requests_total", "Requests whose price is unknown.", [
    "model",
    "caller",
  ]);
  readonly #estimated = this.#counter(
    "adit_estimated_requests_total",
    "Requests whose tokens are estimated, because the answer broke off before Bedrock reported them.",
    ["model", "caller"],
  );
  readonly #attempts = this.#counter("adit_attempts_total", "Attempts at a target, by result.", [
    "model",
    "target",
    "result",
  ]);
  readonly #refusals = this.#counter("adit_limit_refusals_total", "Requests refused by a rule.", [
    "rule",
    "kind",
  ]);

  /** Counts a request. */
  add(record: RequestRecord): void {
    const { endpoint: api = "none", usage, spent, cost, limit } = record;
    const model = this.#modelOf(record);
    const caller = this.#caller.of(record.caller ?? "(unknown)");
    const error = record.error === undefined ? "" : codeOf(record.error.kind);
    this.#requests.inc({ api, model, caller, status: String(record.status), error });
    this.#duration.observe({ api, model }, record.durationMs / 1000);
    this.#addTimes(record, { model, target: this.#target.of(record.target ?? "(native)") });
    for (const attempt of record.attempts) {
      const result = attempt.error === undefined ? "ok" : codeOf(attempt.error);
      this.#attempts.inc({ model, target: this.#target.of(attempt.target), result });
    }
    const tokens = usage ?? spent?.usage;
    if (tokens !== undefined) {
      for (const [type, member] of Object.entries(TOKENS)) {
        const count = tokens[member] ?? 0;
        if (count > 0) this.#tokens.inc({ model, caller, type }, count);
      }
    }
    if (spent?.estimated === true) this.#estimated.inc({ model, caller });
    if (cost?.nano !== undefined && cost.nano > 0) this.#cost.inc({ model, caller }, cost.nano / 1e9);
    if (cost !== undefined && cost.nano === undefined) this.#unpriced.inc({ model, caller });
    if (limit !== undefined) this.#refusals.inc({ rule: limit.rule, kind: limit.what });
  }

  /** Everything in the text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** A name from the configuration: names that clients invent would each become a series. */
  #modelOf({ model, requestedModel }: RequestRecord): string {
    if (model === undefined) return requestedModel === undefined ? "(none)" : "(unknown)";
    return this.#options.isModel(model) ? this.#model.of(model) : "(native)";
  }

  #addTimes(record: RequestRecord, labels: { readonly model: string; readonly target: string }): void {
    const { stream, firstByteMs, overheadMs, durationMs, usage } = record;
    if (overheadMs !== undefined) this.#overhead.observe(labels, Math.max(0, overheadMs) / 1000);
    if (stream !== true || firstByteMs === undefined) return;
    this.#firstToken.observe(labels, firstByteMs / 1000);
    const later = (usage?.outputTokens ?? 0) - 1;
    if (later > 0) this.#outputToken.observe(labels, (durationMs - firstByteMs) / 1000 / later);
  }

  #observeGateway(): void {
    const facts = this.#options.facts;
    this.#gauge("adit_in_flight", "Requests that have not ended.", (set) => set({}, facts().inFlight));
    this.#gauge("adit_threads_alive", "Threads that serve requests.", (set) => set({}, facts().threads));
    this.#gauge(
      "adit_loop_lag_seconds",
      "Longest delay of the event loop within half a minute.",
      (set) => set({}, facts().loopLagMs / 1000),
    );
    this.#targetGauge("adit_target_available", {
      help: "Whether a target that has been used accepts requests: 1, or 0 while it rests.",
      value: ({ available }) => Number(available),
    });
    this.#targetGauge("adit_target_in_flight", {
      help: "Requests in progress at a target.",
      value: ({ inFlight }) => inFlight,
    });
    this.#total(
      "adit_trace_spans_total",
      "Spans for the collector, by what became of them.",
      ["result"],
      (set) => {
        set({ result: "exported" }, facts().traces.exported);
        set({ result: "dropped" }, facts().traces.dropped);
      },
    );
    this.#observeConfiguration();
    this.#observeProcess();
  }

  #observeConfiguration(): void {
    const facts = this.#options.facts;
    this.#total(
      "adit_config_reloads_total",
      "Reloads of the configuration, by result.",
      ["result"],
      (set) => {
        set({ result: "accepted" }, facts().reloads.accepted);
        set({ result: "refused" }, facts().reloads.refused);
      },
    );
    this.#gauge(
      "adit_config_refused",
      "Whether the last version of the configuration was refused, so that an earlier one is in use.",
      (set) => set({}, Number(facts().isConfigRefused)),
    );
    this.#gauge("adit_credentials_failing", "Whether the last search for a provider's credentials failed.", [
      "provider",
    ], (set) => {
      for (const { provider, isFailing } of facts().credentials) set({ provider }, Number(isFailing));
    });
    this.#gauge("adit_credentials_expire_timestamp_seconds", "When a provider's credentials expire.", [
      "provider",
    ], (set) => {
      for (const { provider, expiresAtMs } of facts().credentials) {
        if (expiresAtMs !== undefined) set({ provider }, expiresAtMs / 1000);
      }
    });
    this.#gauge(
      "adit_certificate_expire_timestamp_seconds",
      "When the certificate of the listeners expires.",
      [
        "listener",
      ],
      (set) => {
        for (const { listener, expiresAtMs } of facts().certificates) set({ listener }, expiresAtMs / 1000);
      },
    );
    this.#gauge("adit_build_info", "The version of the program and its runtime; always 1.", [
      "version",
      "runtime",
    ], (set) => {
      const { version, runtime } = facts();
      set({ version, runtime }, 1);
    });
  }

  #observeProcess(): void {
    const facts = this.#options.facts;
    this.#gauge(
      "process_start_time_seconds",
      "When the process started.",
      (set) => set({}, facts().startedAtMs / 1000),
    );
    this.#gauge(
      "process_resident_memory_bytes",
      "Memory of the process.",
      (set) => set({}, facts().process.residentBytes),
    );
    this.#total(
      "process_cpu_seconds_total",
      "CPU time of the process.",
      [],
      (set) => set({}, facts().process.cpuSeconds),
    );
  }

  #targetGauge(
    name: string,
    { help, value }: { readonly help: string; readonly value: (target: TargetFacts) => number },
  ): void {
    this.#gauge(name, help, ["model", "target"], (set) => {
      for (const each of this.#options.facts().targets.slice(0, MAX_TARGETS)) {
        set({ model: each.model, target: each.target }, value(each));
      }
    });
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #histogram<Label extends string>(
    name: string,
    { help, labels, buckets }: {
      readonly help: string;
      readonly labels: readonly Label[];
      readonly buckets: readonly number[];
    },
  ): Histogram<Label> {
    return new Histogram({
      name,
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers: [this.#registry],
    });
  }

  /** A gauge whose values are read when they are asked for. */
  #gauge(name: string, help: string, ...rest: [Collect] | [readonly string[], Collect]): void {
    const [labelNames, collect] = rest.length === 1 ? [[], rest[0]] : rest;
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        collect((labels, value) => this.set({ ...labels }, value));
      },
    });
  }

  /** A counter that is kept elsewhere. */
  #total(name: string, help: string, labelNames: readonly string[], collect: Collect): void {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        collect((labels, value) => this.inc({ ...labels }, value));
      },
    });
  }
}

/** Series for targets. */
const MAX_TARGETS = 1000;

type Collect = (set: (labels: Readonly<Record<string, string>>, value: number) => void) => void;
