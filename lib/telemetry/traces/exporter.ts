/**
 * Sends spans to a collector: in batches, with a bound and retries; spans that cannot be sent are dropped and counted.
 */

import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { TimerWheel } from "../../base/clock.ts";
import { unseal } from "../../base/secret.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import type { RequestRecord } from "../../snapshot/record.ts";
import type { TraceSettings } from "../../snapshot/snapshot.ts";
import { type Span, spansOf } from "./spans.ts";

export interface ExporterOptions {
  readonly fetch: Fetch;
  readonly timers: TimerWheel;
  readonly version: string;
  /** Updated with each batch. */
  readonly counts: TraceCounts;
  /** Between 0 and 1; spreads retries. */
  readonly random: () => number;
  /** Called when the collector starts to fail, and with undefined when it works again. */
  readonly onChange: (failure: string | undefined) => void;
}

/** Spans since the start. */
export interface TraceCounts {
  exported: number;
  dropped: number;
}

const MAX_QUEUED = 2048;
const BATCH = 512;
const INTERVAL_MS = 5_000;
const TIMEOUT_MS = 10_000;
const ATTEMPTS = 5;
const BACKOFF_MS = 1_000;
const MAX_PAUSE_MS = 30_000;
/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Sends one batch at a time; further spans wait, up to a bound. */
export class TraceExporter {
  readonly #options: ExporterOptions;
  #queue: Span[] = [];
  #settings: TraceSettings | undefined;
  #sending: Promise<void> | undefined;
  #isScheduled = false;
  #isFailing = false;

  constructor(options: ExporterOptions) {
    this.#options = options;
  }

  /** Queues the spans of a request, to be sent with these settings. */
  add(record: RequestRecord, settings: TraceSettings): void {
    this.#settings = settings;
    const spans = spansOf(record, () => randomBytes(8).toString("hex"));
    if (this.#queue.length + spans.length > MAX_QUEUED) {
      this.#options.counts.dropped += spans.length;
      return;
    }
    this.#queue.push(...spans);
    if (this.#queue.length >= BATCH) void this.flush();
    else this.#schedule();
  }

  /** Sends what waits; resolves when everything has been sent or dropped. */
  flush(): Promise<void> {
    if (this.#queue.length === 0 && this.#sending === undefined) return Promise.resolve();
    return this.#sending ??= this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#settings !== undefined && this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH);
      const failure = await this.#send(batch, this.#settings);
      this.#options.counts[failure === undefined ? "exported" : "dropped"] += batch.length;
      if ((failure !== undefined) !== this.#isFailing) this.#options.onChange(failure);
      this.#isFailing = failure !== undefined;
    }
    this.#sending = undefined;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#sending !== undefined) return;
    this.#isScheduled = true;
    this.#options.timers.after(INTERVAL_MS, () => {
      this.#isScheduled = false;
      void this.flush();
    });
  }

  /** Sends a batch; returns the reason if it fails. */
  async #send(spans: readonly Span[], settings: TraceSettings): Promise<string | undefined> {
    const body = this.#encode(spans);
    for (let attempt = 1;; attempt++) {
      const { failure, pauseMs } = await this.#try(body, settings);
      if (failure === undefined) return undefined;
      if (pauseMs === undefined || attempt === ATTEMPTS) return failure;
      const backoff = BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + this.#options.random());
      await this.#pass(Math.min(MAX_PAUSE_MS, Math.max(pauseMs, backoff)));
    }
  }

  async #try(body: Uint8Array<ArrayBuffer>, { endpoint, headers }: TraceSettings): Promise<Tried> {
    const abort = new AbortController();
    const late = this.#options.timers.after(TIMEOUT_MS, () => abort.abort(new Error("no answer in time")));
    try {
      const answer = await this.#options.fetch(endpoint, {
        method: "POST",
        headers: new Headers([
          ["content-type", "application/json"],
          ["content-encoding", "gzip"],
          ["user-agent", `adit/${this.#options.version}`],
          ...headers.map(([name, value]): [string, string] => [name, unseal(value).reveal()]),
        ]),
        body,
        signal: abort.signal,
      });
      await answer.body?.cancel();
      if (answer.status >= 200 && answer.status < 300) return { failure: undefined, pauseMs: undefined };
      const failure = `the collector answered with ${answer.status}`;
      const seconds = Number(answer.headers.get("retry-after") ?? 0);
      return { failure, pauseMs: RETRYABLE.has(answer.status) ? 1000 * (seconds || 0) : undefined };
    } catch (error) {
      return { failure: error instanceof Error ? error.message : String(error), pauseMs: 0 };
    } finally {
      late.cancel();
    }
  }

  #encode(spans: readonly Span[]): Uint8Array<ArrayBuffer> {
    const { version } = this.#options;
    const attributes = [
      { key: "service.name", value: { stringValue: "adit" } },
      { key: "service.version", value: { stringValue: version } },
    ];
    const scope = { name: "adit", version };
    const request = { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope, spans }] }] };
    return new Uint8Array(gzipSync(JSON.stringify(request)));
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.timers.after(ms, resolve));
  }
}

interface Tried {
  readonly failure: string | undefined;
  /** Minimum pause before another attempt; undefined if a retry would fail as well. */
  readonly pauseMs: number | undefined;
}
