/** One in-flight request: its state, its single deadline, and how it ends. */

import type { Clock, Deadline, TimerWheel } from "../base/clock.ts";
import { AditError } from "../base/errors.ts";
import type { Linked } from "../base/linked_list.ts";
import { cut } from "../base/log/log_words.ts";
import type { Exchange } from "../providers/transport/exchange.ts";
import { isStream } from "../providers/bedrock/operations.ts";
import type { Spent, Usage } from "../base/usage.ts";
import type { Upstream, UpstreamCall } from "../providers/upstream.ts";
import type { Connection } from "../runtime/runtime.ts";
import type { PassedOver, Plan, Target } from "../snapshot/plan.ts";
import type { InsteadOf, RecordedAttempt, RecordSink, RequestCost } from "../snapshot/record.ts";
import type { InFlightRequest } from "../snapshot/in_flight.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import { invokeTier, withTier } from "../wire/usage.ts";
import type { Hold, Substitute } from "./admission/admit.ts";
import { type Failure, type RecordableCall, recordOf } from "./call_record.ts";
import type { ClientFacts } from "./intake/client_facts.ts";
import type { Dialect } from "./dialect.ts";
import { requestCost } from "./request_cost.ts";
import type { Answer, Outcome } from "./outcome.ts";
import { MAX_NAME_CHARS } from "./recorded_error.ts";

export interface CallOptions {
  readonly id: string;
  /** The configuration with which the request began, and which it keeps. */
  readonly snapshot: Snapshot;
  readonly method: string;
  readonly path: string;
  readonly dialect: Dialect;
  readonly remoteAddress: string;
  readonly client: ClientFacts;
  /** The client's connection, which is told when the request has been answered. */
  readonly connection: Pick<Connection, "answered">;
  readonly tools: CallTools;
}

/** Services that all calls share. */
export interface CallTools {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly upstream: Upstream;
  readonly keeper: CallKeeper;
  /** Each receives the record once, when the request is settled. */
  readonly sinks: readonly RecordSink[];
}

/** Keeps track of the calls in flight. */
export interface CallKeeper {
  /** Called when a client has left and its response could still be read to the end; returns whether there is room. */
  mayDrain(call: Call): boolean;
  /** Called once, before the sinks. */
  settled(call: Call): void;
}

/** Is told when a request ends. */
export interface SettleListener {
  settled(error: AditError | undefined, spent: Spent | undefined): void;
}

/** A request from its arrival to `settle`, which ends every request. */
export class Call implements Linked<Call>, RecordableCall {
  readonly options: CallOptions;
  previous: Call | undefined;
  next: Call | undefined;
  /** In milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  /** When the request arrived, by the monotonic clock. */
  readonly arrivedMs: number;
  /** Covers the whole request: its body, every attempt, and the last byte of the response. */
  readonly #deadline: Deadline;
  /** Undefined until the request is authenticated. */
  caller: Caller | undefined;
  /** The kind of endpoint that the request is for. */
  endpoint: string | undefined;
  /** The possible targets of the request; undefined until its model is known. */
  plan: Plan | undefined;
  /** What the request has taken from limits and budgets; settled with the request. */
  hold: Hold | undefined;
  /** Whether a target has accepted the request. */
  isAccepted = false;
  #insteadOf: InsteadOf | undefined;
  #target: Target | undefined;
  /** Those of the current attempt; most attempts have one. */
  #exchanges: Exchange[] = [];
  #failure: AditError | undefined;
  #ending: AbortController | undefined;
  #sentBytes = 0;
  #brokenAttempts = 0;
  #answer: Answer | undefined;
  #onOverdue: (() => void) | undefined;
  #onLeft: (() => void) | undefined;
  /** Set when the client leaves: the deadline for reading the rest of the response. */
  #draining: Deadline | undefined;
  #isDrained = false;
  #listener: SettleListener | undefined;
  readonly #attempts: RecordedAttempt[] = [];
  /** Whether something was sent since the last attempt was recorded. */
  #isSent = false;
  #passedOver: readonly PassedOver[] = NONE;
  #stream: boolean | undefined;
  #receivedMs: number | undefined;
  #attemptsMs = 0;
  #firstByteMs: number | undefined;
  #overheadMs: number | undefined;
  #settled = false;
  /** Set when the answer is complete. */
  #outcome: Outcome | undefined;
  #costed: { readonly usage: Usage; readonly cost: RequestCost } | undefined;

  constructor(options: CallOptions) {
    const { tools: { clock, timers }, snapshot } = options;
    this.options = options;
    this.arrivedMs = clock.monotonic();
    this.startedAtMs = clock.now();
    this.#deadline = timers.after(snapshot.timeouts.totalMs, () => this.#expire());
  }

  get id(): string {
    return this.options.id;
  }

  get snapshot(): Snapshot {
    return this.options.snapshot;
  }

  get tools(): CallTools {
    return this.options.tools;
  }

  /** Milliseconds until the request's deadline. */
  get remainingMs(): number {
    const { tools: { clock }, snapshot } = this.options;
    return Math.max(0, this.arrivedMs + snapshot.timeouts.totalMs - clock.monotonic());
  }

  /** Milliseconds since the request's arrival. */
  get elapsedMs(): number {
    return this.sinceStart(this.tools.clock.monotonic());
  }

  /** Milliseconds from the request's arrival to a time of the monotonic clock. */
  sinceStart(monotonicMs: number): number {
    return Math.round(monotonicMs - this.arrivedMs);
  }

  /** Records that the whole request has arrived. */
  received(): void {
    this.#receivedMs = this.tools.clock.monotonic();
  }

  /** Replaces the plan by that of the model to which a spent budget sends the request. */
  sendElsewhere(plan: Plan, { budget }: Substitute): void {
    this.#insteadOf = { model: this.#insteadOf?.model ?? cut(this.plan?.name ?? "", 256), budget };
    this.plan = plan;
  }

  /** The model that the caller asked for, if a spent budget has replaced it. */
  get insteadOf(): InsteadOf | undefined {
    return this.#insteadOf;
  }

  /** The target that was tried last. */
  get target(): Target | undefined {
    return this.#target;
  }

  /** Whether a stream was asked for; undefined if nothing was sent. */
  get stream(): boolean | undefined {
    return this.#stream;
  }

  /** Sends a call to a target, after ending an earlier attempt. If the request has been ended, throws the reason. */
  open(target: Target, upstreamCall: UpstreamCall): Exchange {
    if (this.#exchanges.length > 0) this.#endExchanges(new AditError("client_gone"));
    return this.openAlso(target, upstreamCall);
  }

  /**
   * Sends a further call of the same attempt, for requests that take several calls to Bedrock. If the request has been
   * ended, throws the reason.
   */
  openAlso(target: Target, upstreamCall: UpstreamCall): Exchange {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.isLeft) throw new AditError("client_gone");
    this.#target = target;
    this.#stream = isStream(upstreamCall.operation);
    const { connectMs, firstByteMs, idleMs } = this.snapshot.timeouts;
    const firstTokenMs = this.#stream ? this.plan?.routing.firstTokenMs : undefined;
    const timeouts = { connectMs, firstByteMs, idleMs, firstTokenMs };
    const exchange = this.tools.upstream.open(target, upstreamCall, timeouts);
    this.#exchanges.push(exchange);
    this.#isSent = true;
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
   * Records that the client has left. This aborts the exchange with Bedrock unless responses of the model are read to
   * the end; returns whether this one is.
   */
  leave(): boolean {
    if (this.isLeft) return true;
    if (!this.#mayDrain()) {
      this.end(new AditError("client_gone"));
      return false;
    }
    this.#draining = this.tools.timers.after(MAX_DRAIN_MS, () => this.end(new AditError("client_gone")));
    this.hold?.release();
    this.#onLeft?.();
    return true;
  }

  #mayDrain(): boolean {
    return !this.#settled && this.#failure === undefined && this.#exchanges.length > 0 &&
      this.plan?.routing.afterClientLeft === "drain" && this.tools.keeper.mayDrain(this);
  }

  /** Whether the client has left while its response is read to the end. */
  get isLeft(): boolean {
    return this.#draining !== undefined;
  }

  /**
   * Registers a callback for when the client leaves and the rest of the response is to be read; called at once if the
   * client has already left.
   */
  onLeft(callback: () => void): void {
    this.#onLeft = callback;
    if (this.isLeft) callback();
  }

  /** Records that the response was read to its end after its client had left. */
  drained(): void {
    this.#isDrained = true;
  }

  get isDrained(): boolean {
    return this.#isDrained;
  }

  /** Registers a callback for the deadline, for a stream whose client does not read and would not notice. */
  onOverdue(callback: () => void): void {
    this.#onOverdue = callback;
  }

  /** Registers a listener for the end of the request. */
  onSettled(listener: SettleListener): void {
    this.#listener = listener;
  }

  /** Records the result and the exact duration of one attempt; one that sent nothing does not count. */
  noteAttempt(attempt: RecordedAttempt, tookMs: number): void {
    if (!this.#isSent) return;
    this.#isSent = false;
    this.#attemptsMs += tookMs;
    this.#attempts.push(attempt);
    const brokeOff = attempt.error === "timeout" || attempt.error === "stream_truncated";
    if (brokeOff && this.#accepting() !== undefined) this.#brokenAttempts++;
  }

  /** The exchange of the current attempt that the provider has accepted. */
  #accepting(): Exchange | undefined {
    for (const exchange of this.#exchanges) if (exchange.isAccepted) return exchange;
    return undefined;
  }

  /** Records that a target was skipped, and why; once, however many attempts skip it. */
  passOver(passed: PassedOver): void {
    const { target } = passed;
    const because = cut(passed.because, 2 * MAX_NAME_CHARS);
    if (this.#passedOver.some((each) => each.target === target && each.because === because)) return;
    this.#passedOver = [...this.#passedOver, { target, because }];
  }

  /** The targets that were skipped. */
  get passedOver(): readonly PassedOver[] {
    return this.#passedOver;
  }

  /** The attempts so far, in order. */
  get attempts(): readonly RecordedAttempt[] {
    return this.#attempts;
  }

  /** Records bytes of the response's body. */
  wrote(bytes: number): void {
    this.#sentBytes += bytes;
  }

  /** Records that the response has begun; returns the time of the monotonic clock. */
  began(answer: Answer): number {
    this.#answer = answer;
    const nowMs = this.tools.clock.monotonic();
    if (this.#firstByteMs !== undefined) return nowMs;
    this.#firstByteMs = this.sinceStart(nowMs);
    if (this.#receivedMs === undefined || this.#attempts.length === 0) return nowMs;
    this.#overheadMs = nowMs - this.#receivedMs - this.#attemptsMs;
    return nowMs;
  }

  /** The response, once it has begun. */
  get answer(): Answer | undefined {
    return this.#answer;
  }

  /** Milliseconds from the arrival of the request. */
  get firstByteMs(): number | undefined {
    return this.#firstByteMs;
  }

  /** Milliseconds from the complete request to the first byte of the response, without the attempts. */
  get overheadMs(): number | undefined {
    return this.#overheadMs;
  }

  /** The state of the request, for the list of requests in flight. */
  get progress(): InFlightRequest {
    return {
      requestId: this.id,
      startedAtMs: this.startedAtMs,
      caller: this.caller?.name,
      model: this.plan && cut(this.plan.name, 256),
      endpoint: this.endpoint,
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
    // Read before the exchanges are dropped: their headers name the service tier.
    const outcome = this.#finalOutcome();
    if (error !== undefined) this.#endExchanges(error);
    const { tools: { keeper, sinks }, connection } = this.options;
    keeper.settled(this);
    connection.answered?.();
    const reason = error ?? outcome?.refusal;
    const spent = this.#closeHold(outcome, reason);
    this.#listener?.settled(reason, spent);
    const record = recordOf(this, { outcome, error: reason, failure, spent, cost: this.#costOf(spent) });
    for (const sink of sinks) sink(record);
  }

  /** The cost of a complete answer in nanodollars; undefined if it is unknown. */
  get cost(): number | undefined {
    const usage = this.#finalOutcome()?.usage;
    if (usage === undefined || this.hold === undefined) return undefined;
    return this.#costOf({ usage: this.hold.asked.withPrompts(usage, this.#brokenAttempts) })?.nano;
  }

  /** The outcome of a complete answer, with the service tier, which InvokeModel names only in its headers. */
  #finalOutcome(): Outcome | undefined {
    if (this.#outcome !== undefined) return this.#outcome;
    const outcome = this.#answer?.outcome();
    const headers = this.#accepting()?.responseHeaders;
    if (outcome?.usage === undefined || outcome.usage.tier !== undefined || headers === undefined) {
      return this.#outcome = outcome;
    }
    const usage = withTier(outcome.usage, invokeTier(headers));
    return this.#outcome = usage === outcome.usage ? outcome : { ...outcome, usage };
  }

  /** The cost of this usage in nanodollars; undefined if it is unknown. */
  costOf(spent: Spent): number | undefined {
    return this.#costOf(spent)?.nano;
  }

  #costOf(spent: Pick<Spent, "usage"> | undefined): RequestCost | undefined {
    if (spent === undefined || this.hold === undefined) return undefined;
    const { usage } = spent;
    // The headers and the record name the cost of the same usage.
    if (this.#costed?.usage === usage) return this.#costed.cost;
    const cost = requestCost(spent, {
      counts: this.hold.counts,
      accepted: this.isAccepted,
      target: this.#target,
      snapshot: this.snapshot,
      nowMs: this.tools.clock.now(),
    });
    this.#costed = { usage, cost };
    return cost;
  }

  #expire(): void {
    const seconds = this.snapshot.timeouts.totalMs / 1000;
    this.end(new AditError("timeout", `the model's response did not finish within ${seconds} s`));
    this.#onOverdue?.();
  }

  #closeHold(outcome: Outcome | undefined, error: AditError | undefined): Spent | undefined {
    // A client may also leave during the pause after a refusal, when no target works on its request.
    const wasWorking = error?.kind === "client_gone" && this.#attempts.at(-1)?.error === "client_gone";
    return this.hold?.close({
      dialect: this.options.dialect,
      isStream: this.#stream === true,
      usage: outcome?.usage,
      error,
      drained: this.#isDrained,
      accepted: this.isAccepted || wasWorking,
      sentBytes: this.#sentBytes,
      brokenAttempts: this.#brokenAttempts,
      price: this,
    });
  }
}

/** Maximum time for reading a response after its client has left. */
const MAX_DRAIN_MS = 300_000;

/** Shared: most requests skip no target. */
const NONE: readonly PassedOver[] = [];
