/** What providers' accounts may still use of each model, by the configured quotas and Bedrock's refusals. */

import type { Clock } from "../../base/clock.ts";
import type { AditError } from "../../base/errors.ts";
import type { Usage } from "../../base/usage.ts";
import { matchesGlob } from "../../base/glob.ts";
import type { Allowance, Quota } from "../../snapshot/limits.ts";
import type { Target } from "../../snapshot/plan.ts";
import { microseconds } from "../../store/gcra.ts";
import { type Cell, type Section, type Store, type Tally, within } from "../../store/store.ts";
import type { Asked } from "../admission/asked.ts";
import { MAX_THROTTLE_MS, retryAfterMs } from "../retry_rules.ts";
import { Bucket } from "./bucket.ts";

export interface QuotasOptions {
  readonly clock: Clock;
  readonly store: Store;
}

/** What one attempt has taken. Exactly one of the functions is called, once. */
export interface QuotaHold {
  /** The attempt was refused, and so used no tokens. */
  refused(error: AditError): void;
  /** The attempt was answered; `usage` is undefined if it is unknown. */
  settle(usage: Usage | undefined): void;
}

/** Time for which a quota counts as used up after Bedrock has throttled a request without `retry-after`. */
const THROTTLED_MS = 5_000;
const DAY_MS = 86_400_000;
/** Number of pools above which unused ones are forgotten: clients choose the ids of native requests. */
const MAX_POOLS = 1_000;

/** The state of one quota, for a provider and a model id. */
class Pool {
  readonly requests: Bucket | undefined;
  readonly tokens: Bucket | undefined;
  /** Tokens used on the current day; days are counted from the Unix epoch. */
  readonly usedToday: DayCount;

  constructor(key: string, quota: Quota, { store, section, nowUs }: PoolOptions) {
    const bucket = (what: string, allowance: Allowance | undefined) =>
      allowance && new Bucket(section, { name: `${what} ${key}`, allowance, nowUs });
    this.requests = bucket("requests", quota.requests);
    this.tokens = bucket("tokens", quota.tokens);
    this.usedToday = new DayCount(store.cell(`day ${key}`));
  }

  /** Whether the state equals that of a new pool on this day, so that it can be forgotten. */
  isIdle(nowUs: number, day: number): boolean {
    return [this.requests, this.tokens].every((bucket) => bucket?.isIdle(nowUs) ?? true) &&
      this.usedToday.on(day) === 0;
  }
}

interface PoolOptions {
  readonly store: Store;
  readonly section: Section;
  readonly nowUs: number;
}

/** More tokens than any quota allows in a day; a counter has room for 2^16 days of that many. */
const MAX_DAY_TOKENS = 2 ** 36;

/** A count that begins with 0 every day. The day is part of the counter, so that only one thread resets it. */
class DayCount {
  readonly #cell: Cell;

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  on(day: number): number {
    const known = this.#cell.load();
    return Math.floor(known / MAX_DAY_TOKENS) === day ? known % MAX_DAY_TOKENS : 0;
  }

  add(day: number, amount: number): void {
    for (;;) {
      const known = this.#cell.load();
      const count = Math.min(MAX_DAY_TOKENS - 1, Math.max(0, this.on(day) + amount));
      if (this.#cell.swap(known, day * MAX_DAY_TOKENS + count)) return;
    }
  }
}

/** One per thread, with the state of the process, which outlives configurations. */
export class Quotas {
  readonly #options: QuotasOptions;
  readonly #pools = new Map<string, Pool>();
  /** The section of the buckets. */
  readonly #section: Section;
  readonly #allHeld: Tally;

  constructor(options: QuotasOptions) {
    this.#options = options;
    this.#section = options.store.section("quotas");
    this.#allHeld = this.#section.tally("quotas held");
  }

  /** Milliseconds until the target's quota suffices for the request; 0 if it does now or there is none. */
  shortForMs(target: Target, asked: Asked | undefined): number {
    const found = this.#poolOf(target);
    if (found === undefined) return 0;
    const { quota: { tokensPerDay }, pool } = found;
    const nowUs = this.#nowUs();
    const tokens = tokensOf(asked);
    const waitUs = within(this.#section, () =>
      Math.max(
        pool.requests?.waitUs(1, nowUs) ?? 0,
        tokens === 0 ? 0 : pool.tokens?.waitUs(tokens, nowUs) ?? 0,
      ));
    const used = pool.usedToday.on(this.#day());
    const overDay = tokensPerDay !== undefined && tokens > 0 && used > 0 && used + tokens > tokensPerDay;
    return Math.max(Math.ceil(waitUs / 1000), overDay ? DAY_MS - this.#options.clock.now() % DAY_MS : 0);
  }

  /** Whether the configuration forbids asking the target while its quota is short. */
  refuses(target: Target): boolean {
    return quotaOf(target)?.whenShort === "refuse";
  }

  /** Takes what Bedrock counts on admission, even if the quota is short; returns undefined without a quota. */
  take(target: Target, asked: Asked | undefined): QuotaHold | undefined {
    const found = this.#poolOf(target);
    if (found === undefined) return undefined;
    const { quota, pool } = found;
    const tokens = tokensOf(asked);
    const held = (pool.requests === undefined ? 0 : 1) + (pool.tokens === undefined ? 0 : tokens);
    within(this.#section, () => {
      const nowUs = this.#nowUs();
      pool.requests?.take(1, nowUs);
      pool.tokens?.take(tokens, nowUs);
      this.#allHeld.take(held);
    });
    const settle = (used: number) => {
      within(this.#section, () => {
        const nowUs = this.#nowUs();
        pool.requests?.settle(1, 1, nowUs);
        pool.tokens?.settle(tokens, used, nowUs);
        this.#allHeld.give(held);
      });
      pool.usedToday.add(this.#day(), used);
    };
    return {
      settle: (usage) => settle(usage === undefined ? tokens : finalTokens(usage, quota.burndown)),
      refused: (error) => {
        settle(0);
        if (error.kind !== "rate_limited") return;
        const ms = Math.min(MAX_THROTTLE_MS, retryAfterMs(error.details.retryAfter) ?? THROTTLED_MS);
        within(this.#section, () => {
          pool.requests?.drain(ms, this.#nowUs());
          pool.tokens?.drain(ms, this.#nowUs());
        });
      },
    };
  }

  /** Units taken by attempts in flight in all threads; 0 when all have ended. */
  get held(): number {
    return within(this.#section, () => this.#allHeld.total);
  }

  #nowUs(): number {
    return microseconds(this.#options.clock.monotonic());
  }

  #day(): number {
    return Math.floor(this.#options.clock.now() / DAY_MS);
  }

  #poolOf(target: Target): { readonly quota: Quota; readonly pool: Pool } | undefined {
    const quota = quotaOf(target);
    if (quota === undefined) return undefined;
    const key = `${target.provider.name} ${target.modelId} ${quotaKinds(quota)}`;
    const nowUs = this.#nowUs();
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      if (this.#pools.size >= MAX_POOLS) this.#sweep();
      const { store } = this.#options;
      pool = new Pool(`quota ${key}`, quota, { store, section: this.#section, nowUs });
      this.#pools.set(key, pool);
    }
    if (quota.requests !== undefined) pool.requests?.change(quota.requests, nowUs);
    if (quota.tokens !== undefined) pool.tokens?.change(quota.tokens, nowUs);
    return { quota, pool };
  }

  #sweep(): void {
    const nowUs = this.#nowUs();
    for (const [key, pool] of this.#pools) {
      if (!pool.isIdle(nowUs, this.#day())) continue;
      this.#pools.delete(key);
      for (const what of ["requests", "tokens"]) this.#options.store.forget(`${what} quota ${key}`);
      this.#options.store.forget(`day quota ${key}`);
    }
  }
}

function quotaOf({ provider, modelId }: Target): Quota | undefined {
  for (const quota of provider.quotas) if (matchesGlob(quota.match, modelId)) return quota;
  return undefined;
}

/** The kinds of a quota, as part of a pool's key: a pool never gets other buckets than those it began with. */
function quotaKinds({ requests, tokens }: Quota): string {
  return `${requests === undefined ? "" : "r"}${tokens === undefined ? "" : "t"}`;
}

/** What Bedrock counts on admission: the input and the longest possible response. */
function tokensOf(asked: Asked | undefined): number {
  if (asked?.parts.counts !== "tokens") return 0;
  const { inputTokens, maxOutputTokens } = asked.estimate;
  return inputTokens + maxOutputTokens;
}

/** What Bedrock counts on completion; tokens read from the prompt cache are free. */
function finalTokens({ inputTokens, cacheWriteTokens, outputTokens }: Usage, burndown: number): number {
  return Math.ceil(inputTokens + cacheWriteTokens + outputTokens * burndown);
}
