/** One request in hand: what is known of it so far, how it can be ended, and its line in the log. */

import { type AditError, errorRow } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Clock } from "../base/clock.ts";
import type { Usage } from "../base/usage.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import type { Plan, Target } from "../snapshot/plan.ts";
import type { Exchange } from "../providers/transport/exchange.ts";
import type { Upstream, UpstreamCall } from "../providers/upstream.ts";
import type { Dialect } from "./dialect.ts";

export interface CallOptions {
  readonly id: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly upstream: Upstream;
  /** The configuration that the request began with and keeps. */
  readonly snapshot: Snapshot;
  readonly method: string;
  readonly path: string;
  readonly dialect: Dialect;
  readonly remoteAddress: string;
  /** Called once, when the request is settled. */
  readonly onSettled: (call: Call, error: AditError | undefined) => void;
}

/** A request from its arrival to `settle`, which everything it may come to ends in. */
export class Call {
  readonly options: CallOptions;
  readonly #startedMs: number;
  #caller: Caller | undefined;
  #plan: Plan | undefined;
  #target: Target | undefined;
  #exchange: Exchange | undefined;
  #failure: AditError | undefined;
  #ending: AbortController | undefined;
  #status = 0;
  #firstByteMs: number | undefined;
  #settled = false;
  /** Set by endpoints as soon as it is known; also of an answer that broke off. */
  usage: Usage | undefined;
  stopReason: string | undefined;
  upstreamRequestId: string | undefined;
  /** What went wrong where the caller was given the upstream's own words for it. */
  refusal: AditError | undefined;
  /** Fields and flags of the request that have no effect, for `x-adit-ignored`. */
  ignored: readonly string[] = [];
  /** Things in the upstream's answer that nobody knew what to do with. */
  anomalies: readonly string[] = [];

  constructor(options: CallOptions) {
    this.options = options;
    this.#startedMs = options.clock.monotonic();
  }

  get id(): string {
    return this.options.id;
  }

  get snapshot(): Snapshot {
    return this.options.snapshot;
  }

  set caller(caller: Caller) {
    this.#caller = caller;
  }

  set plan(plan: Plan) {
    this.#plan = plan;
  }

  /** Sends to a target. Throws the error with which the request was ended meanwhile. */
  open(target: Target, upstreamCall: UpstreamCall): Exchange {
    if (this.#failure !== undefined) throw this.#failure;
    this.#target = target;
    this.#exchange = this.options.upstream.open(target, upstreamCall, this.snapshot.timeouts);
    return this.#exchange;
  }

  /** Aborts, with the error, when the request is ended early: for what is waited for outside an exchange. */
  get ended(): AbortSignal {
    this.#ending ??= new AbortController();
    if (this.#failure !== undefined) this.#ending.abort(this.#failure);
    return this.#ending.signal;
  }

  /** Ends the request early, for a reason that is not its own: what it waits for throws `error`. */
  end(error: AditError): void {
    if (this.#settled) return;
    this.#failure ??= error;
    this.#exchange?.end(error);
    this.#ending?.abort(this.#failure);
  }

  /** Notes that the answer has begun. */
  began(status: number): void {
    this.#status = status;
    this.#firstByteMs ??= this.#elapsed();
  }

  /** The last thing that happens to a request, whichever way it ended: counts and logs it, once, and leaves nothing open. */
  settle(error?: AditError, status?: number): void {
    if (this.#settled) return;
    this.#settled = true;
    if (status !== undefined) this.#status = status;
    if (error !== undefined) this.#exchange?.end(error);
    const outcome = error ?? this.refusal;
    this.options.onSettled(this, outcome);
    this.#log(outcome);
  }

  #elapsed(): number {
    return Math.round(this.options.clock.monotonic() - this.#startedMs);
  }

  #log(error: AditError | undefined): void {
    const { logger, snapshot, id, method, path, dialect, remoteAddress } = this.options;
    const level = error === undefined ? "info" : errorRow(error.kind).level;
    if (!snapshot.log.requests && level === "info") return;
    const upstream = error?.details.upstream;
    logger.log(level, "request", {
      request_id: id,
      caller: this.#caller?.name,
      remote_address: remoteAddress,
      method,
      path: path.slice(0, 256),
      dialect,
      model: this.#plan?.name.slice(0, 256),
      provider: this.#target?.provider.name,
      status: this.#status,
      duration_ms: this.#elapsed(),
      first_byte_ms: this.#firstByteMs,
      input_tokens: this.usage?.inputTokens,
      output_tokens: this.usage?.outputTokens,
      cache_read_tokens: this.usage?.cacheReadTokens,
      cache_write_tokens: this.usage?.cacheWriteTokens,
      stop_reason: this.stopReason,
      upstream_request_id: this.upstreamRequestId ?? upstream?.requestId,
      ignored: this.ignored.length === 0 ? undefined : this.ignored,
      anomalies: this.anomalies.length === 0 ? undefined : this.anomalies,
      error: error?.kind,
      upstream_status: upstream?.status,
      upstream_error: upstream?.type,
      upstream_message: upstream?.message,
      cause: error === undefined ? undefined : causeOf(error),
    });
  }
}

/** How far the causes of causes are followed. */
const MAX_CAUSES = 4;

/** What lies behind one of our errors, for the operator: names and codes of system errors and bugs. */
function causeOf(error: AditError): string | undefined {
  const { cause } = error.details;
  if (error.kind === "internal" && cause instanceof Error) return cause.stack;
  const texts: string[] = [];
  // Deno 2.9.6 says "fetch failed", and only in the cause of that whether it was the name, the connection or TLS.
  for (let each = cause; each !== undefined && texts.length < MAX_CAUSES;) {
    texts.push(each instanceof Error ? `${each.name}: ${each.message}` : String(each));
    each = each instanceof Error ? each.cause : undefined;
  }
  return texts.length === 0 ? undefined : texts.join(": ");
}
