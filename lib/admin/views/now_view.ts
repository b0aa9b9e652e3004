/** Current activity: rates, requests in flight, errors and targets. */

import { usdText } from "../../facts/cost.ts";
import type { InFlightRequest } from "../../snapshot/in_flight.ts";
import type { Second, Use } from "../../telemetry/recent/live_rates.ts";
import type {
  CallerUseView,
  ErrorUseView,
  InFlightView,
  ModelUseView,
  NowView,
  RateView,
  TargetView,
} from "../contract/contract.ts";
import type { ViewSources } from "./view_sources.ts";
import { eventText } from "./viewers.ts";

const MAX_IN_FLIGHT = 200;
const MAX_TARGETS = 200;
const MAX_NAMES = 50;
const RATE_SECONDS = 10;
const CHART_SECONDS = 120;
/** Viewers within this time share a view. */
const SHARED_MS = 500;

/** The current state of everything in the tab *Now*. */
export async function nowView(sources: ViewSources): Promise<NowView> {
  const nowMs = sources.timers.clock.now();
  const { version, startedAtMs, isDraining, threads, memoryBytes } = sources.process();
  const { rates } = sources;
  const inFlight = await sources.inFlight(MAX_IN_FLIGHT);
  const targets = sources.usedTargets();
  return {
    at: new Date(nowMs).toISOString(),
    version,
    started_at: new Date(startedAtMs).toISOString(),
    uptime_s: Math.round((nowMs - startedAtMs) / 1000),
    draining: isDraining,
    threads,
    requests_total: rates.total,
    rate: rateOf(rates.seconds(RATE_SECONDS, nowMs)),
    seconds: rates.seconds(CHART_SECONDS, nowMs).map(({ second, requests, errors, outputTokens }) => ({
      t: second,
      requests,
      errors,
      output_tokens: outputTokens,
    })),
    in_flight: {
      total: inFlight.total,
      requests: inFlight.requests.map((request) => inFlightView(request, nowMs)),
    },
    models: top(rates.models(nowMs)).map(([model, use]) => modelUse(model, use)),
    callers: top(rates.callers(nowMs)).map(([caller, use]): CallerUseView => ({ caller, ...useOf(use) })),
    errors: errorUses(rates.errors(nowMs)),
    targets: targets.toSorted(byTrouble).slice(0, MAX_TARGETS),
    targets_total: targets.length,
    ledger: sources.ledger() ?? null,
    memory_bytes: memoryBytes,
  };
}

/** The same as an event, shared by all viewers. */
export class NowFeed {
  readonly #sources: ViewSources;
  #event: Promise<string> | undefined;
  #madeMs = 0;

  constructor(sources: ViewSources) {
    this.#sources = sources;
  }

  readonly next = (): Promise<string> => {
    const nowMs = this.#sources.timers.clock.monotonic();
    if (this.#event === undefined || nowMs - this.#madeMs >= SHARED_MS) {
      this.#madeMs = nowMs;
      this.#event = nowView(this.#sources).then((view) => eventText("now", view));
    }
    return this.#event;
  };
}

function rateOf(seconds: readonly Second[]): RateView {
  const average = (key: Exclude<keyof Second, "second">) =>
    rounded(seconds.reduce((sum, second) => sum + second[key], 0) / seconds.length);
  return {
    requests_per_s: average("requests"),
    errors_per_s: average("errors"),
    input_tokens_per_s: average("inputTokens"),
    output_tokens_per_s: average("outputTokens"),
  };
}

function inFlightView(request: InFlightRequest, nowMs: number): InFlightView {
  const { startedAtMs, firstByteMs, sentBytes, outputTokens } = request;
  const ageMs = Math.max(0, nowMs - startedAtMs);
  const sendingS = firstByteMs === undefined ? 0 : (ageMs - firstByteMs) / 1000;
  const perSecond = (count: number | undefined) =>
    count === undefined || sendingS <= 0 ? null : rounded(count / sendingS);
  return {
    request_id: request.requestId,
    age_ms: ageMs,
    caller: request.caller ?? null,
    model: request.model ?? null,
    endpoint: request.endpoint ?? null,
    target: request.target ?? null,
    stream: request.stream ?? null,
    failed_attempts: request.failedAttempts,
    first_byte_ms: firstByteMs ?? null,
    sent_bytes: sentBytes,
    bytes_per_s: perSecond(sentBytes),
    output_tokens: outputTokens ?? null,
    output_tokens_per_s: perSecond(outputTokens),
  };
}

function top(uses: ReadonlyMap<string, Use>): readonly (readonly [name: string, use: Use])[] {
  return [...uses].toSorted(([a, one], [b, other]) => other.requests - one.requests || (a < b ? -1 : 1))
    .slice(0, MAX_NAMES);
}

function useOf({ requests, errors, inputTokens, outputTokens, costNano, unpriced }: Use) {
  return {
    requests,
    errors,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cost_usd: usdText(costNano),
    unpriced_requests: unpriced,
  };
}

function modelUse(model: string, use: Use): ModelUseView {
  return {
    model,
    ...useOf(use),
    first_byte_ms_avg: use.firstBytes === 0 ? null : Math.round(use.firstByteMs / use.firstBytes),
    duration_ms_avg: Math.round(use.durationMs / use.requests),
  };
}

function errorUses(errors: ReadonlyMap<string, ReadonlyMap<string, number>>): readonly ErrorUseView[] {
  const uses = [...errors].map(([error, callers]): ErrorUseView => {
    const [[caller] = [""]] = [...callers].toSorted(([, one], [, other]) => other - one);
    return { error, requests: [...callers.values()].reduce((sum, count) => sum + count, 0), caller };
  });
  return uses.toSorted((one, other) => other.requests - one.requests).slice(0, MAX_NAMES);
}

const ORDER = { misfit: 0, resting: 1, probing: 2, available: 3, unused: 4 } as const satisfies Record<
  TargetView["state"],
  number
>;

/** Targets with problems first, then the busiest. */
function byTrouble(one: TargetView, other: TargetView): number {
  return ORDER[one.state] - ORDER[other.state] || other.in_flight - one.in_flight ||
    (one.model < other.model ? -1 : 1);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
