/** Tries the targets of a plan; the only place that decides whether, where and when a request is retried. */

import type { Clock, TimerWheel } from "../base/clock.ts";
import { AditError, codeOf, toAditError } from "../base/errors.ts";
import type { Hold } from "../providers/bedrock/hold.ts";
import type { Plan, Target } from "../snapshot/plan.ts";
import type { Spent } from "../base/usage.ts";
import type { HealthPolicy } from "../snapshot/snapshot.ts";
import type { Call, SettleListener } from "./call.ts";
import type { Attempt, ModelRequest, Refusal } from "./endpoint.ts";
import { secondsText } from "./limits/limit_refusal.ts";
import type { QuotaHold, Quotas } from "./limits/quotas.ts";
import { type Asking, type Lessons, RequestLessons } from "./lessons.ts";
import { order, type Ordered } from "./order.ts";
import type { RetryBudget } from "./health/retry_budget.ts";
import { retryAfterMs, retryRule } from "./retry_rules.ts";
import type { TargetHealth } from "./health/target_health.ts";

export interface AttemptTools {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly health: TargetHealth;
  readonly budget: RetryBudget;
  readonly lessons: Lessons;
  readonly quotas: Quotas;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** Called for a target that is misconfigured or lacks access. */
  readonly onMisfit: (target: Target, error: AditError) => void;
}

/** Maximum number of frames and bytes that are held back before the first content of a stream. */
const MAX_HELD = { maxFrames: 64, maxBytes: 256 * 1024 } as const;

/** If all targets are resting, the gateway waits for one that is back within this time. */
const WORTH_WAITING_MS = 1_000;

/** The first successful attempt, or the refusal for the caller. */
export function attemptInOrder(request: ModelRequest, call: Call, tools: AttemptTools): Promise<Attempt> {
  return new Attempts({ request, call }, tools).run();
}

/** One attempt at one target, for its health and its quota, until the response has ended. */
class Ask implements SettleListener {
  readonly target: Target;
  readonly startMs: number;
  readonly #tools: AttemptTools;
  readonly #policy: HealthPolicy;
  readonly #end: () => void;
  readonly #quota: QuotaHold | undefined;

  constructor(target: Target, { request, call }: Asking, tools: AttemptTools) {
    this.target = target;
    this.startMs = tools.clock.monotonic();
    this.#tools = tools;
    this.#policy = request.plan.routing.health;
    this.#end = tools.health.begin(target);
    this.#quota = tools.quotas.take(target, call.hold?.asked);
  }

  /** Records a refusal, which ends the attempt. */
  refused(error: AditError): void {
    this.#end();
    this.#quota?.refused(error);
    this.#noteRefusal(error, false);
  }

  /** Records that the answer has begun. */
  answered(nowMs: number): void {
    this.#tools.health.succeeded(this.target, { nowMs, latencyMs: nowMs - this.startMs });
  }

  settled(error: AditError | undefined, spent: Spent | undefined): void {
    this.#end();
    this.#quota?.settle(spent?.usage);
    // A failure after the first content is not retried, but counts for the target's health.
    if (error === undefined) this.#tools.health.completed(this.target);
    else this.#noteRefusal(error, true);
  }

  #noteRefusal(error: AditError, afterContent: boolean): void {
    const { clock, health, onMisfit } = this.#tools;
    const options = { nowMs: clock.monotonic(), policy: this.#policy, afterContent };
    const rests = health.refused(this.target, error, options);
    if (rests && retryRule(error).health === "misfit") onMisfit(this.target, error);
  }
}

/** The attempts of one request. */
class Attempts {
  readonly #asking: Asking;
  readonly #request: ModelRequest;
  readonly #call: Call;
  readonly #tools: AttemptTools;
  readonly #lessons: RequestLessons;
  /** Targets still to be tried, in order. */
  readonly #queue: Target[];
  /** Resting targets; the one that is back soonest comes first. */
  readonly #resting: readonly Target[];
  #attempts = 0;
  #repeats = 0;
  #moves = 0;

  constructor(asking: Asking, tools: AttemptTools) {
    this.#asking = asking;
    this.#request = asking.request;
    this.#call = asking.call;
    this.#tools = tools;
    this.#lessons = new RequestLessons(asking, tools.lessons);
    const { targets } = asking.request.plan;
    if (targets.length === 1) {
      this.#queue = [targets[0]];
      this.#resting = NONE;
      return;
    }
    const ordered = this.#ordered();
    this.#queue = ordered.filter(({ because }) => because !== "resting").map(({ target }) => target);
    this.#resting = ordered.filter(({ because }) => because === "resting").map(({ target }) => target);
  }

  async run(): Promise<Attempt> {
    const { plan } = this.#request;
    if (plan.routing.retry.attempts > 1) {
      const nowMs = this.#tools.clock.monotonic();
      this.#tools.budget.earn(plan.name, { share: plan.routing.retry.share, nowMs });
    }
    for (const passed of plan.passedOver) this.#call.passOver(passed);
    this.#refuseShort();
    if (this.#queue.length === 0 && this.#resting.length === 0) {
      return { refused: this.#quotaShort(), ignored: [] };
    }
    const refusal = plan.targets.length === 1 ? undefined : await this.#findFirst();
    if (refusal !== undefined) return refusal;
    for (;;) {
      const attempt = await this.#attempt();
      if (attempt.refused === undefined) return attempt;
      if (!await this.#mayGoOn(attempt)) return this.#final(attempt);
    }
  }

  #ordered(): readonly Ordered[] {
    const { plan, affinity } = this.#request;
    const { health, random, clock, quotas } = this.#tools;
    const nowMs = clock.monotonic();
    return order(plan.targets, {
      view: (target) => health.view(target, nowMs),
      isShort: (target) => quotas.shortForMs(target, this.#call.hold?.asked) > 0,
      random,
      pick: plan.routing.pick,
      affinityKey: affinityBy(plan).length === 0 ? undefined : affinity?.(affinityBy(plan)),
    });
  }

  /** Drops the targets whose quota is short and that must not be asked then. */
  #refuseShort(): void {
    const { quotas } = this.#tools;
    for (let index = 0; index < this.#queue.length; index++) {
      const target = this.#queue[index];
      if (target === undefined || !quotas.refuses(target)) continue;
      if (quotas.shortForMs(target, this.#call.hold?.asked) === 0) continue;
      this.#queue.splice(index--, 1);
      this.#call.passOver({ target: nameOf(target), because: "quota is short" });
    }
  }

  #quotaShort(): AditError {
    const waits = this.#request.plan.targets.map((target) =>
      this.#tools.quotas.shortForMs(target, this.#call.hold?.asked)
    );
    const retryAfterMs = Math.max(1, Math.min(...waits));
    return new AditError(
      "quota_short",
      `refused by this gateway: the quota of every provider of this model is used up; retry in ${
        secondsText(retryAfterMs)
      }`,
      { retryAfterMs },
    );
  }

  /** Moves the first suitable target to the head of the queue; returns a refusal if none will be available soon. */
  async #findFirst(): Promise<Refusal | undefined> {
    const ready = this.#queue.findIndex((target) => this.#fits(target));
    if (ready >= 0) {
      this.#queue.splice(0, ready);
      return undefined;
    }
    const soonest = this.#resting.find((target) => this.#fits(target));
    const restsMs = soonest === undefined
      ? 0
      : this.#tools.health.view(soonest, this.#tools.clock.monotonic()).restsMs;
    if (soonest === undefined || restsMs >= Math.min(WORTH_WAITING_MS, this.#call.remainingMs)) {
      const retryAfter = String(Math.max(1, Math.ceil(restsMs / 1000)));
      this.#passOverResting();
      return { refused: new AditError("no_target", undefined, { retryAfter }), ignored: [] };
    }
    this.#queue.splice(0, this.#queue.length, soonest);
    await this.#pause(restsMs);
    return undefined;
  }

  /** Records for a failing request why resting targets were skipped. */
  #passOverResting(): void {
    for (const target of this.#resting) {
      // The target that was waited for was not skipped.
      if (this.#queue.includes(target)) continue;
      const error = this.#tools.health.lastErrorOf(target);
      const because = error === undefined ? "resting" : `resting after ${codeOf(error)}`;
      this.#call.passOver({ target: nameOf(target), because });
    }
  }

  /** Asks the next target, and asks it again if its refusal shows which member of the request to leave out. */
  async #attempt(): Promise<Attempt> {
    const target = this.#queue[0];
    if (target === undefined) throw new AditError("internal");
    this.#attempts++;
    for (;;) {
      const ask = new Ask(target, this.#asking, this.#tools);
      let attempt: Attempt;
      try {
        attempt = await this.#request.attempt(this.#lessons.apply(target), this.#call, this.#hold());
      } catch (cause) {
        attempt = { refused: toAditError(cause), ignored: [] };
      }
      this.#note(ask, attempt);
      if (!this.#lessons.teaches(target, attempt)) return attempt;
    }
  }

  #note(ask: Ask, attempt: Attempt): void {
    const nowMs = this.#tools.clock.monotonic();
    if (attempt.refused === undefined) {
      ask.answered(nowMs);
      this.#call.onSettled(ask);
    } else ask.refused(attempt.refused);
    const { target, startMs } = ask;
    this.#call.noteAttempt({
      target: nameOf(target),
      provider: target.provider.name,
      region: target.provider.region,
      modelId: target.modelId,
      startMs: this.#call.sinceStart(startMs),
      error: attempt.refused?.kind,
      ms: Math.round(nowMs - startMs),
      upstreamRequestId: attempt.refused?.details.upstream?.requestId ??
        attempt.answered?.outcome().upstreamRequestId,
    }, nowMs - startMs);
  }

  /** How long a stream is held back; undefined unless another target could still answer. */
  #hold(): Hold | undefined {
    const { commitWithinMs, retry } = this.#request.plan.routing;
    const couldMove = this.#queue.length > 1 && this.#attempts < retry.attempts;
    return couldMove && commitWithinMs > 0
      ? { timers: this.#tools.timers, withinMs: commitWithinMs, ...MAX_HELD }
      : undefined;
  }

  /** Whether to retry. If so, has waited for the pause, and the queue begins with the target to try. */
  async #mayGoOn({ refused }: Refusal): Promise<boolean> {
    const { routing: { retry } } = this.#request.plan;
    const rule = retryRule(refused);
    if (this.#attempts >= retry.attempts || this.#call.remainingMs === 0 || this.#call.isLeft) return false;
    if (rule.elsewhere && this.#dropToNext()) {
      this.#repeats = 0;
      // The first switch is the purpose of failover; more of them would multiply an outage.
      return this.#moves++ === 0 || this.#spend();
    }
    if (this.#repeats >= rule.repeats) return false;
    const pauseMs = this.#pauseBefore(refused);
    if (pauseMs > retry.retryAfterMaxMs && retryAfterMs(refused.details.retryAfter) !== undefined) {
      return false;
    }
    if (pauseMs >= this.#call.remainingMs || !this.#spend()) return false;
    this.#repeats++;
    await this.#pause(pauseMs);
    return true;
  }

  /**
   * Advances to the next target that can handle the request without loss; if there is none, leaves the queue unchanged.
   */
  #dropToNext(): boolean {
    const [current, ...others] = this.#queue;
    const next = others.findIndex((target) => this.#fits(target));
    if (next === -1 || current === undefined) return false;
    this.#queue.splice(0, next + 1);
    return true;
  }

  #fits(target: Target): boolean {
    const { plan: { targets: [first] }, translated } = this.#request;
    if (translated === undefined || familyOf(target) === familyOf(first)) return true;
    let lost: readonly string[];
    try {
      const losses = (each: Target) => translated(this.#lessons.apply(each), this.#call).ignored;
      const known = new Set(losses(first));
      lost = losses(target).filter((each) => !known.has(each));
    } catch (cause) {
      lost = [toAditError(cause).details.param ?? "the request"];
    }
    if (lost.length > 0) {
      this.#call.passOver({ target: nameOf(target), because: `would lose ${lost.join(", ")}` });
    }
    return lost.length === 0;
  }

  #spend(): boolean {
    return this.#tools.budget.spend(this.#request.plan.name, this.#tools.clock.monotonic());
  }

  /** The upstream's retry-after; otherwise exponential backoff with full jitter. */
  #pauseBefore({ details }: AditError): number {
    const { backoffMs, backoffMaxMs } = this.#request.plan.routing.retry;
    return retryAfterMs(details.retryAfter) ??
      this.#tools.random() * Math.min(backoffMaxMs, backoffMs * 2 ** this.#repeats);
  }

  /** Waits; throws at once when the request is ended. */
  #pause(ms: number): Promise<void> {
    if (ms === 0) return Promise.resolve();
    const { ended } = this.#call;
    return new Promise((resolve, reject) => {
      const deadline = this.#tools.timers.after(ms, resolve);
      const end = () => {
        deadline.cancel();
        reject(ended.reason);
      };
      if (ended.aborted) end();
      else ended.addEventListener("abort", end, { once: true });
    });
  }

  /** After several failed attempts, asks the client not to retry: it would only repeat what was tried here. */
  #final(refusal: Refusal): Refusal {
    this.#passOverResting();
    const { kind, message, details } = refusal.refused;
    if (this.#attempts < 2 || retryRule(refusal.refused).health !== "failure") return refusal;
    return { ...refusal, refused: new AditError(kind, message, { ...details, shouldRetry: false }) };
  }
}

const NONE: readonly Target[] = [];

/** Affinity by the prefix of a prompt is useless unless the model caches prompts. */
function affinityBy({ routing: { affinity }, targets: [first] }: Plan): readonly string[] {
  const caches = (first.settings?.traits.promptCaching.size ?? 0) > 0;
  return caches ? affinity : affinity.filter((key) => key !== "prefix");
}

/** The target's name in the configuration; for a bare model id, the name of the provider. */
function nameOf({ settings, provider }: Target): string {
  return settings?.name ?? provider.name;
}

function familyOf({ settings }: Target): string | undefined {
  return settings?.traits.family;
}
