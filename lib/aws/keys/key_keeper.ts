/** Keeps a key pair that expires: renewed in the background, by one search at a time, and never while a request waits. */

import type { Clock } from "../../base/clock.ts";
import { type FindKeyPair, type KeyPair, reasonOf, sameKeyPair } from "./key_pair.ts";

/** Calls `fire` once after the delay, unless the function that it gives is called before. */
export type Schedule = (delayMs: number, fire: () => void) => () => void;

export interface KeyKeeperOptions {
  readonly find: FindKeyPair;
  readonly clock: Clock;
  /** In place of the runtime's own timers. */
  readonly schedule?: Schedule;
  /** Called after each search that found a key pair other than the one held. */
  readonly onFound?: (pair: KeyPair) => void;
  /** Called after each search in vain, with the pair that stays in use, if one does. */
  readonly onFailed?: (reason: string, held: KeyPair | undefined) => void;
}

/** AWS gives new keys at least five minutes before the old ones expire. */
const RENEW_BEFORE_MS = 5 * 60_000;
/** Between a search in vain and the next one. */
const RETRY_MS = 10_000;
/** A search that takes longer has failed: a hung program or endpoint must not be waited for. */
const SEARCH_LIMIT_MS = 30_000;
/** For so long it has no company either: hung programs would pile up, but one must not be the end of all renewing. */
const HUNG_LIMIT_MS = 10 * 60_000;
/** Timers do not count the time for which the host was suspended, and cannot be set for more than 24 days. */
const MAX_DELAY_MS = 60_000;

const scheduleByTimeout: Schedule = (delayMs, fire) => {
  const timeout = setTimeout(fire, delayMs);
  return () => clearTimeout(timeout);
};

/** The newest key pair found; a search in vain leaves the old one in use, and the next one follows after 10 s. */
export class KeyKeeper {
  readonly #options: KeyKeeperOptions;
  readonly #schedule: Schedule;
  #held: KeyPair | undefined;
  #search: Promise<KeyPair> | undefined;
  /** When the search began that was given up and goes on all the same. */
  #hungSinceMs: number | undefined;
  /** The last search, if it was in vain. */
  #failure: { readonly reason: string; readonly error: Error; readonly atMs: number } | undefined;
  /** When a renewal that was asked for gave the same key pair again. */
  #sameAgainMs = -Infinity;
  #cancelTimer = () => {};
  #closed = false;

  constructor(options: KeyKeeperOptions) {
    this.#options = options;
    this.#schedule = options.schedule ?? scheduleByTimeout;
  }

  /** The key pair held, whatever its age; undefined until one was found. */
  get held(): KeyPair | undefined {
    return this.#held;
  }

  /** Why the last search was in vain; undefined where it was not. */
  get lastError(): string | undefined {
    return this.#failure?.reason;
  }

  /** A valid key pair: at once if one is held, otherwise after a search. Rejects if there is none to be had. */
  get(): Promise<KeyPair> {
    const now = this.#now();
    if (this.#held !== undefined && isValid(this.#held, now)) return Promise.resolve(this.#held);
    const failure = this.#failure;
    if (this.#search === undefined && failure !== undefined && now < failure.atMs + RETRY_MS) {
      return Promise.reject(failure.error);
    }
    return this.search();
  }

  /** Looks for the key pair anew, or joins the search under way; a pair that is held stays in use meanwhile. */
  search(): Promise<KeyPair> {
    this.#search ??= this.#find().finally(() => this.#search = undefined);
    // Whoever waits sees the failure; a search in the background is reported by `onFailed`.
    this.#search.catch(() => {});
    return this.#search;
  }

  /** As `search`, but no search that is under way counts: it may have read what was changed since. */
  searchAnew(): Promise<KeyPair> {
    const again = () => this.search();
    return this.#search === undefined ? again() : this.#search.then(again, again);
  }

  /** Whether there is another key pair than the one that AWS has just refused as expired. */
  async renew(refused: KeyPair): Promise<boolean> {
    if (this.#held !== undefined && !sameKeyPair(this.#held, refused)) return true;
    if (this.#now() < this.#sameAgainMs + RETRY_MS) return false;
    try {
      const found = await this.search();
      if (!sameKeyPair(found, refused)) return true;
      this.#sameAgainMs = this.#now();
    } catch {
      // Reported by the search itself.
    }
    return false;
  }

  /** Ends the renewing in the background; requests in hand can still ask for the key pair. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  async #find(): Promise<KeyPair> {
    const { onFound, onFailed } = this.#options;
    try {
      const found = await this.#findInTime();
      const now = this.#now();
      if (!isValid(found, now)) throw new Error(`what was found expired at ${isoTime(found.expiresAtMs)}`);
      const isNew = this.#held === undefined || !sameKeyPair(this.#held, found);
      this.#held = found;
      this.#failure = undefined;
      this.#renewAt(Math.max(renewalOf(found, now), now + RETRY_MS));
      if (isNew) onFound?.(found);
      return found;
    } catch (cause) {
      const now = this.#now();
      const reason = reasonOf(cause);
      // Without its cause: the search's own words may hold what was found.
      const error = new Error(reason);
      this.#failure = { reason, error, atMs: now };
      const usable = this.#held !== undefined && isValid(this.#held, now) ? this.#held : undefined;
      if (usable?.expiresAtMs !== undefined) this.#renewAt(now + RETRY_MS);
      onFailed?.(reason, usable);
      throw error;
    }
  }

  async #findInTime(): Promise<KeyPair> {
    const startMs = this.#now();
    if (this.#hungSinceMs !== undefined && startMs < this.#hungSinceMs + HUNG_LIMIT_MS) {
      const since = isoTime(this.#hungSinceMs);
      throw new Error(`the search of ${since} has not ended, and the next one waits for it`);
    }
    return await new Promise((resolve, reject) => {
      const cancel = this.#schedule(SEARCH_LIMIT_MS, () => {
        this.#hungSinceMs = startMs;
        reject(new Error(`the search took longer than ${SEARCH_LIMIT_MS / 1000} s`));
      });
      this.#options.find().then(resolve, reject).finally(() => {
        cancel();
        this.#hungSinceMs = undefined;
      });
    });
  }

  #renewAt(atMs: number): void {
    this.#cancelTimer();
    if (this.#closed || atMs === Infinity) return;
    const delayMs = Math.min(atMs - this.#now(), MAX_DELAY_MS);
    this.#cancelTimer = this.#schedule(Math.max(delayMs, 0), () => {
      if (this.#now() >= atMs) void this.search();
      else this.#renewAt(atMs);
    });
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

function isValid({ expiresAtMs = Infinity }: KeyPair, nowMs: number): boolean {
  return nowMs < expiresAtMs;
}

/** When to look for the next key pair: five minutes before this one expires, or at half its time if that is short. */
function renewalOf({ expiresAtMs = Infinity }: KeyPair, nowMs: number): number {
  return expiresAtMs === Infinity
    ? Infinity
    : expiresAtMs - Math.min(RENEW_BEFORE_MS, (expiresAtMs - nowMs) / 2);
}

function isoTime(atMs = 0): string {
  return new Date(atMs).toISOString();
}
