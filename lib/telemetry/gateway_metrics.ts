/** Metrics of the gateway itself in Prometheus's format, read when they are scraped. */

import { Counter, Gauge, Registry } from "prom-client";
import type { BudgetFacts, GatewayFacts, LedgerFacts, TargetFacts } from "./gateway_facts.ts";

/** Every metric has its HELP and TYPE from the start, even without series. */
export class GatewayMetrics {
  readonly #registry = new Registry();
  readonly #read: () => GatewayFacts;
  /** Read once per scrape. */
  #current: GatewayFacts;

  /** `facts` is called for each scrape. */
  constructor(facts: () => GatewayFacts) {
    this.#read = facts;
    this.#current = facts();
    this.#observeGateway();
  }

  /** All metrics in the text format. */
  text(): Promise<string> {
    this.#current = this.#read();
    return this.#registry.metrics();
  }

  #observeGateway(): void {
    const facts = () => this.#current;
    this.#gauge("adit_in_flight", "Requests in flight.", (set) => set({}, facts().inFlight));
    this.#gauge("adit_threads_alive", "Threads that serve requests.", (set) => set({}, facts().threads));
    this.#gauge(
      "adit_loop_lag_seconds",
      "Longest event loop delay in the last 30 seconds.",
      (set) => set({}, facts().loopLagMs / 1000),
    );
    this.#targetGauge("adit_target_available", {
      help: "Whether a target accepts requests (1) or rests (0); only targets that have been used.",
      value: ({ available }) => Number(available),
    });
    this.#targetGauge("adit_target_in_flight", {
      help: "Requests in flight to a target.",
      value: ({ inFlight }) => inFlight,
    });
    this.#total(
      "adit_trace_spans_total",
      "Spans for the collector, by result.",
      ["result"],
      (set) => {
        set({ result: "exported" }, facts().traces.exported);
        set({ result: "dropped" }, facts().traces.dropped);
      },
    );
    this.#observeMoney();
    this.#observeConfiguration();
    this.#observeProcess();
  }

  #observeMoney(): void {
    for (const { unit, name, what } of BUDGETS) {
      this.#gauge(
        name,
        `Budgets in ${what}: the limit, the amount spent, and the amount reserved by requests in flight.`,
        ["budget", "subject", "state"],
        (set) => {
          for (const { budget, subject, limit, spent, reserved } of nearest(this.#current.budgets, unit)) {
            set({ budget, subject, state: "limit" }, limit);
            set({ budget, subject, state: "spent" }, spent);
            set({ budget, subject, state: "reserved" }, reserved);
          }
        },
      );
    }
    const ledger = (set: (facts: LedgerFacts) => void) => {
      if (this.#current.ledger !== undefined) set(this.#current.ledger);
    };
    this.#gauge(
      "adit_ledger_queue",
      "Requests waiting to be written to the usage ledger.",
      (set) => ledger(({ queued }) => set({}, queued)),
    );
    this.#total(
      "adit_ledger_dropped_total",
      "Requests missing from the usage ledger because it could not be written.",
      [],
      (set) => ledger(({ dropped }) => set({}, dropped)),
    );
    this.#gauge(
      "adit_ledger_failing",
      "Whether the usage ledger cannot be written: 1 or 0.",
      (set) => ledger(({ isFailing }) => set({}, Number(isFailing))),
    );
  }

  #observeConfiguration(): void {
    const facts = () => this.#current;
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
      "Whether the last reload was refused, so an earlier configuration is in use: 1 or 0.",
      (set) => set({}, Number(facts().isConfigRefused)),
    );
    this.#gauge(
      "adit_credentials_failing",
      "Whether the last search for a provider's credentials failed: 1 or 0.",
      [
        "provider",
      ],
      (set) => {
        for (const { provider, isFailing } of facts().credentials) set({ provider }, Number(isFailing));
      },
    );
    this.#gauge(
      "adit_credentials_expire_timestamp_seconds",
      "Unix time at which a provider's credentials expire.",
      [
        "provider",
      ],
      (set) => {
        for (const { provider, expiresAtMs } of facts().credentials) {
          if (expiresAtMs !== undefined) set({ provider }, expiresAtMs / 1000);
        }
      },
    );
    this.#gauge(
      "adit_certificate_expire_timestamp_seconds",
      "Unix time at which the certificate of a listener expires.",
      [
        "listener",
      ],
      (set) => {
        for (const { listener, expiresAtMs } of facts().certificates) set({ listener }, expiresAtMs / 1000);
      },
    );
    this.#gauge("adit_build_info", "Versions of the program and its runtime; always 1.", [
      "version",
      "runtime",
    ], (set) => {
      const { version, runtime } = facts();
      set({ version, runtime }, 1);
    });
  }

  #observeProcess(): void {
    const facts = () => this.#current;
    this.#gauge(
      "process_start_time_seconds",
      "Unix time at which the process started.",
      (set) => set({}, facts().startedAtMs / 1000),
    );
    this.#gauge(
      "process_resident_memory_bytes",
      "Resident memory of the process.",
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
      for (const each of this.#current.targets.slice(0, MAX_TARGETS)) {
        set({ model: each.model, target: each.target }, value(each));
      }
    });
  }

  /** A gauge whose values are read when scraped. */
  #gauge(name: string, help: string, ...rest: [Collect] | [readonly string[], Collect]): void {
    const [labelNames, collect] = rest.length === 1 ? [[], rest[0]] : rest;
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect: readAgain<Gauge>(collect, (gauge, labels, value) => gauge.set(labels, value)),
    });
  }

  /** A counter whose value is kept elsewhere. */
  #total(name: string, help: string, labelNames: readonly string[], collect: Collect): void {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect: readAgain<Counter>(collect, (counter, labels, value) => counter.inc(labels, value)),
    });
  }
}

/** Maximum number of targets with series. */
const MAX_TARGETS = 1000;
const BUDGETS = [
  { unit: "usd", name: "adit_budget_usd", what: "US dollars" },
  { unit: "tokens", name: "adit_budget_tokens", what: "tokens" },
  { unit: "requests", name: "adit_budget_requests", what: "requests" },
] as const;
/** Maximum number of budget subjects per unit. */
const MAX_BUDGETS = 300;

/** The budgets of a unit that are closest to their limits. */
function nearest(budgets: readonly BudgetFacts[], unit: BudgetFacts["unit"]): readonly BudgetFacts[] {
  const share = ({ limit, spent, reserved }: BudgetFacts) => (spent + reserved) / limit;
  return budgets.filter((each) => each.unit === unit).sort((one, other) => share(other) - share(one))
    .slice(0, MAX_BUDGETS);
}

type Labels = Record<string, string>;
type Collect = (set: (labels: Readonly<Labels>, value: number) => void) => void;

/** Drops the series of the last scrape and reads all again. */
function readAgain<Metric extends { reset(): void }>(
  collect: Collect,
  add: (metric: Metric, labels: Labels, value: number) => void,
): (this: Metric) => void {
  return function () {
    this.reset();
    collect((labels, value) => add(this, { ...labels }, value));
  };
}
