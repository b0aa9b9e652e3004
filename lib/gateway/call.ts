/** One in-flight request: its state, its one deadline, how it is ended early, and its record. */

import type { Clock, Deadline, TimerWheel } from "../base/clock.ts";
import { AditError } from "../base/errors.ts";
import type { Linked } from "../base/linked_list.ts";
import { cut, cutList } from "../base/log/log_words.ts";
import type { Exchange } from "../providers/transport/exchange.ts";
import { isStream } from "../providers/bedrock/operations.ts";
import type { Spent, Usage } from "../base/usage.ts";
import type { Upstream, UpstreamCall } from "../providers/upstream.ts";
import type { PassedOver, Plan, Target } from "../snapshot/plan.ts";
import type {
  InsteadOf,
  RecordedAttempt,
  RecordSink,
  RequestCost,
  RequestRecord,
} from "../snapshot/record.ts";
import type { InFlightRequest } from "../snapshot/in_flight.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import { invokeTier, withTier } from "../wire/usage.ts";
import type { Hold, Substitute } from "./admission/admit.ts";
import type { ClientFacts } from "./client_facts.ts";
import type { Dialect } from "./dialect.ts";
import { requestCost } from "./request_cost.ts";
import type { Answer, Outcome } from "./outcome.ts";
import { MAX_NAME_CHARS, recordedError } from "./recorded_error.ts";

export interface CallOptions {
  readonly id: string;
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly upstream: Upstream;
  /** The configuration with which the request began, and which it keeps. */
  readonly snapshot: Snapshot;
  readonly method: string;
  readonly path: string;
  readonly dialect: Dialect;
  readonly remoteAddress: string;
  readonly client: ClientFacts;
  /** Receive the record, once, when the request is settled. */
  readonly sinks: readonly RecordSink[];
  /**
   * Called when a client has left whose response could be read to its end; returns whether there is room to.
   */
  readonly mayDrain: (call: Call) => boolean;
  /** Called before the sinks. */
  readonly onSettled: (call: Call) => void;
}

/** How a request failed, if no response shows it. */
export interface Failure {
  readonly status: number;
  readonly ignored: readonly string[];
}

/** A request from its arrival to `settle`, with which every request ends. */
export class Call implements Linked<Call> {
  readonly options: CallOptions;
  previous: Call | undefined;
  next: Call | undefined;
  readonly #startedMs: number;
  readonly #startedAtMs: number;
  /** Covers the whole request: its body, every attempt, and the last byte of the response. */
  readonly #deadline: Deadline;
  #caller: Caller | undefined;
  #endpoint: string | undefined;
  #plan: Plan | undefined;
  #insteadOf: InsteadOf | undefined;
  #target: Target | undefined;
  /** Of the current attempt, most of which have one. */
  #exchanges: Exchange[] = [];
  #failure: AditError | undefined;
  #ending: AbortController | undefined;
  #hold: Hold | undefined;
  #accepted = false;
  #sentBytes = 0;
  #brokenAttempts = 0;
  #answer: Answer | undefined;
  #onOverdue: (() => void) | undefined;
  #onLeft: (() => void) | undefined;
  /** Once its client has left: when reading on ends at the latest. */
  #draining: Deadline | undefined;
  #isDrained = false;
  #onSettled: ((error: AditError | undefined, spent: Spent | undefined) => void) | undefined;
  readonly #attempts: RecordedAttempt[] = [];
  readonly #passedOver: PassedOver[] = [];
  #status = 0;
  #stream: boolean | undefined;
  #receivedMs: number | undefined;
  #attemptsMs = 0;
  #firstByteMs: number | undefined;
  #overheadMs: number | undefined;
  #settled = false;
  #costed: { readonly usage: Usage; readonly cost: RequestCost } | undefined;

  constructor(options: CallOptions) {
    const { clock, timers, snapshot } = options;
    this.options = options;
    this.#startedMs = clock.monotonic();
    this.#startedAtMs = clock.now();
    this.#deadline = timers.after(snapshot.timeouts.totalMs, () => this.#expire());
  }

  get id(): string {
    return this.options.id;
  }

  get snapshot(): Snapshot {
    return this.options.snapshot;
  }

  /** Milliseconds until the request's deadline. */
  get remainingMs(): number {
    const { clock, snapshot } = this.options;
    return Math.max(0, this.#startedMs + snapshot.timeouts.totalMs - clock.monotonic());
  }

  set caller(caller: Caller) {
    this.#caller = caller;
  }

  /** The kind of endpoint that the request is for. */
  set endpoint(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** Records that the whole request has arrived. */
  received(): void {
    this.#receivedMs = this.options.clock.monotonic();
  }

  /** The possible targets of the request; undefined until its model is known. */
  get plan(): Plan | undefined {
    return this.#plan;
  }

  set plan(plan: Plan) {
    this.#plan = plan;
  }

  /** Records the model to which a spent budget sends the request, with its targets. */
  sendElsewhere(plan: Plan, { budget }: Substitute): void {
    this.#insteadOf = { model: this.#insteadOf?.model ?? cut(this.#plan?.name ?? "", 256), budget };
    this.#plan = plan;
  }

  /** The model that the caller asked for, if a spent budget has replaced it. */
  get insteadOf(): InsteadOf | undefined {
    return this.#insteadOf;
  }

  /** What has been taken for the request, which is settled with it. */
  get hold(): Hold | undefined {
    return this.#hold;
  }

  set hold(hold: Hold) {
    this.#hold = hold;
  }

  /**
   * Sends to a target, after ending an earlier attempt. Throws the error with which the request was ended.
   */
  open(target: Target, upstreamCall: UpstreamCall): Exchange {
    if (this.#exchanges.length > 0) this.#endExchanges(new AditError("client_gone"));
    return this.openAlso(target, upstreamCall);
  }

  /**
   * Sends to a target without ending what the same attempt has sent already, for requests that Bedrock only answers
   * piece by piece. Throws the error with which the request was ended.
   */
  openAlso(target: Target, upstreamCall: UpstreamCall): Exchange {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.isLeft) throw new AditError("client_gone");
    this.#target = target;
    this.#stream = isStream(upstreamCall.operation);
    const { connectMs, firstByteMs, idleMs } = this.snapshot.timeouts;
    const firstTokenMs = isStream(upstreamCall.operation) ? this.#plan?.routing.firstTokenMs : undefined;
    const timeouts = { connectMs, firstByteMs, idleMs, firstTokenMs };
    const exchange = this.options.upstream.open(target, upstreamCall, timeouts);
    this.#exchanges.push(exchange);
    return exchange;
  }

  #endExchanges(error: AditError): void {
    for (const exchange of this.#exchanges) exchange.end(error);
    this.#exchanges = [];
  }

  /** Aborts with the error when the request is ended early; for waits outside an exchange. */
  get ended(): AbortSignal {
    this.#ending ??= new AbortController();
    if (this.#failure !== undefined) this.#ending.abort(this.#failure);
    return this.#ending.signal;
  }

  /** Ends the request early, for an external reason: pending waits throw `error`. */
  end(error: AditError): void {
    if (this.#settled) return;
    this.#failure ??= error;
    for (const exchange of this.#exchanges) exchange.end(error);
    this.#ending?.abort(this.#failure);
  }

  /**
   * Records that the client has left. What Bedrock has been sent is aborted, unless its model's responses are read to
   * their end; returns whether this one is.
   */
  leave(): boolean {
    if (this.isLeft) return true;
    if (!this.#mayDrain()) {
      this.end(new AditError("client_gone"));
      return false;
    }
    this.#draining = this.options.timers.after(MAX_DRAIN_MS, () => this.end(new AditError("client_gone")));
    this.#hold?.release();
    this.#onLeft?.();
    return true;
  }

  #mayDrain(): boolean {
    return !this.#settled && this.#failure === undefined && this.#exchanges.length > 0 &&
      this.#plan?.routing.afterClientLeft === "drain" && this.options.mayDrain(this);
  }

  /** Whether the client has left while its response is read to the end. */
  get isLeft(): boolean {
    return this.#draining !== undefined;
  }

  /** Registers a callback for when the client has left and the response is to be read to its end; it may have already. */
  onLeft(callback: () => void): void {
    this.#onLeft = callback;
    if (this.isLeft) callback();
  }

  /** Records that the response was read to its end after its client had left. */
  drained(): void {
    this.#isDrained = true;
  }

  /** Registers a callback for the deadline, for a stream whose client does not read and would not notice. */
  onOverdue(callback: () => void): void {
    this.#onOverdue = callback;
  }

  /** Registers a callback for when the request is settled. */
  onSettled(callback: (error: AditError | undefined, spent: Spent | undefined) => void): void {
    this.#onSettled = callback;
  }

  /** Records the result of one attempt, which began and ended at these times of the monotonic clock. */
  noteAttempt(
    attempt: Omit<RecordedAttempt, "startMs" | "ms">,
    { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  ): void {
    this.#attemptsMs += toMs - fromMs;
    const startMs = Math.round(fromMs - this.#startedMs);
    this.#attempts.push({ ...attempt, startMs, ms: Math.round(toMs - fromMs) });
    const brokeOff = attempt.error === "timeout" || attempt.error === "stream_truncated";
    const wasAccepted = this.#exchanges.some(({ isAccepted }) => isAccepted);
    if (brokeOff && wasAccepted) this.#brokenAttempts++;
  }

  /** Records a target that was skipped, and why; once, however many attempts it is skipped for. */
  passOver(passed: PassedOver): void {
    const { target } = passed;
    const because = cut(passed.because, 2 * MAX_NAME_CHARS);
    if (this.#passedOver.some((each) => each.target === target && each.because === because)) return;
    this.#passedOver.push({ target, because });
  }

  /** The attempts so far, in order. */
  get attempts(): readonly RecordedAttempt[] {
    return this.#attempts;
  }

  /** Records that a target has accepted the request. */
  accepted(): void {
    this.#accepted = true;
  }

  /** Records bytes of the response's body. */
  wrote(bytes: number): void {
    this.#sentBytes += bytes;
  }

  /** Records that the response has begun. */
  began(answer: Answer): void {
    this.#answer = answer;
    this.#status = answer.status;
    if (this.#firstByteMs !== undefined) return;
    this.#firstByteMs = this.#elapsed();
    if (this.#receivedMs === undefined || this.#attempts.length === 0) return;
    this.#overheadMs = this.options.clock.monotonic() - this.#receivedMs - this.#attemptsMs;
  }

  /** What is known so far, for whoever watches. */
  get progress(): InFlightRequest {
    return {
      requestId: this.id,
      startedAtMs: this.#startedAtMs,
      caller: this.#caller?.name,
      model: this.#plan && cut(this.#plan.name, 256),
      endpoint: this.#endpoint,
      target: this.#target?.settings?.name,
      stream: this.#stream,
      failedAttempts: this.#attempts.filter(({ error }) => error !== undefined).length,
      firstByteMs: this.#firstByteMs,
      sentBytes: this.#sentBytes,
      outputTokens: this.#answer?.outcome().usage?.outputTokens,
    };
  }

  /** Settles a request, however it ended: records it, once, and releases everything. */
  settle(error?: AditError, failure?: Failure): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadline.cancel();
    this.#draining?.cancel();
    // Before the exchanges are forgotten, whose headers name the tier.
    const outcome = this.#outcome();
    if (error !== undefined) this.#endExchanges(error);
    this.options.onSettled(this);
    const spent = this.#closeHold(outcome, error ?? outcome?.refusal);
    this.#onSettled?.(error ?? outcome?.refusal, spent);
    const record = this.#record({ outcome, error: error ?? outcome?.refusal, failure, spent });
    for (const sink of this.options.sinks) sink(record);
  }

  /** Nanodollars for a complete answer; undefined if they are not known. */
  get cost(): number | undefined {
    const usage = this.#outcome()?.usage;
    return usage && this.#costOf({ usage })?.nano;
  }

  /** The outcome, with the tier that only the headers of a response name. */
  #outcome(): Outcome | undefined {
    const outcome = this.#answer?.outcome();
    const headers = this.#exchanges.find(({ isAccepted }) => isAccepted)?.responseHeaders;
    if (outcome?.usage === undefined || outcome.usage.tier !== undefined || headers === undefined) {
      return outcome;
    }
    const usage = withTier(outcome.usage, invokeTier(headers));
    return usage === outcome.usage ? outcome : { ...outcome, usage };
  }

  #costOf(spent: Pick<Spent, "usage"> | undefined): RequestCost | undefined {
    if (spent === undefined || this.#hold === undefined) return undefined;
    const { usage } = spent;
    // The headers have the cost of the usage that the record has, too.
    if (this.#costed?.usage === usage) return this.#costed.cost;
    const cost = requestCost(spent, {
      counts: this.#hold.counts,
      accepted: this.#accepted,
      target: this.#target,
      snapshot: this.snapshot,
      nowMs: this.options.clock.now(),
    });
    this.#costed = { usage, cost };
    return cost;
  }

  #expire(): void {
    const seconds = this.snapshot.timeouts.totalMs / 1000;
    this.end(new AditError("timeout", `the model's response did not finish within ${seconds} s`));
    this.#onOverdue?.();
  }

  /** Where the request was sent, and where else it could have been sent. */
  #way(): Way {
    const last = this.#target;
    return {
      provider: last?.provider.name,
      region: last?.provider.region,
      modelId: last && last.modelId !== "" ? cut(last.modelId, 256) : undefined,
      target: last?.settings?.name,
      stream: this.#stream,
      hadChoice: this.#attempts.length > 1 || (this.#plan?.targets.length ?? 0) > 1,
      attempts: this.#attempts,
      passedOver: this.#passedOver,
    };
  }

  /** What is known from the request alone. */
  #asked(error: AditError | undefined): Asked {
    const { id, method, path, dialect, remoteAddress, client } = this.options;
    const requested = error?.details.requestedModel;
    return {
      requestId: id,
      remoteAddress,
      method: cut(method, 32),
      path: cut(path, 256),
      dialect,
      endpoint: this.#endpoint,
      userAgent: client.userAgent,
      clientRequestId: client.requestId,
      trace: client.trace,
      startedAtMs: this.#startedAtMs,
      model: this.#plan && cut(this.#plan.name, 256),
      requestedModel: requested && (MODEL_WORD.test(requested) ? cut(requested, 256) : "[value]"),
    };
  }

  #elapsed(): number {
    return Math.round(this.options.clock.monotonic() - this.#startedMs);
  }

  #closeHold(outcome: Outcome | undefined, error: AditError | undefined): Spent | undefined {
    const isLeft = error?.kind === "client_gone" && this.#target !== undefined;
    return this.#hold?.close({
      dialect: this.options.dialect,
      usage: outcome?.usage,
      error,
      drained: this.#isDrained,
      accepted: this.#accepted || isLeft,
      sentBytes: this.#sentBytes,
      brokenAttempts: this.#brokenAttempts,
      costOf: (spent) => this.#costOf(spent)?.nano,
    });
  }

  #record({ outcome, error, failure, spent }: Settlement): RequestRecord {
    const { snapshot } = this.options;
    return {
      ...this.#asked(error),
      caller: this.#caller?.name,
      team: this.#caller?.team,
      tags: this.#caller?.tags ?? {},
      ...this.#way(),
      status: failure?.status ?? this.#status,
      durationMs: this.#elapsed(),
      firstByteMs: this.#firstByteMs,
      overheadMs: this.#overheadMs,
      usage: outcome?.usage,
      spent,
      cost: this.#costOf(spent),
      drained: this.#isDrained,
      insteadOf: this.#insteadOf,
      limit: error?.details.limit,
      shadowLimits: this.#hold?.shadowed ?? [],
      stopReason: outcome?.stopReason && cut(outcome.stopReason, MAX_NAME_CHARS),
      upstreamRequestId: shortId(outcome?.upstreamRequestId ?? error?.details.upstream?.requestId),
      ignored: cutList(failure?.ignored ?? this.#answer?.ignored ?? [], NAMES),
      anomalies: cutList(outcome?.anomalies ?? [], NAMES),
      error: error && recordedError(error),
      logged: snapshot.log.requests,
    };
  }
}

/** What is known when a request is settled. */
interface Settlement {
  readonly outcome: Outcome | undefined;
  readonly error: AditError | undefined;
  readonly failure: Failure | undefined;
  readonly spent: Spent | undefined;
}

type Way = Pick<
  RequestRecord,
  "provider" | "region" | "modelId" | "target" | "stream" | "hadChoice" | "attempts" | "passedOver"
>;

type Asked = Pick<
  RequestRecord,
  | ("requestId" | "remoteAddress" | "method" | "path" | "dialect" | "endpoint" | "model" | "requestedModel")
  | ("userAgent" | "clientRequestId" | "trace" | "startedAtMs")
>;

function shortId(id: string | undefined): string | undefined {
  return id && cut(id, MAX_NAME_CHARS);
}

/** Longest time for which a response is read whose client has left. */
const MAX_DRAIN_MS = 300_000;

/** What could be the name of a model; any other text may be anything. */
const MODEL_WORD = /^[\w.:@/+-]+…?$/;
/** Of fields and anomalies. */
const NAMES = { items: 50, chars: MAX_NAME_CHARS } as const;
