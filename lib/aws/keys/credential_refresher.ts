/**
 * Refreshes a key pair that expires: in the background, one search at a time, and without delaying requests.
 */

import type { Clock } from "../../base/clock.ts";
import { type FindKeyPair, type KeyPair, reasonOf, sameKeyPair } from "./key_pair.ts";

/** Calls `fire` once after the delay, unless the returned function is called first. */
export type Schedule = (delayMs: number, fire: () => void) => () => void;

export interface CredentialRefresherOptions {
  readonly find: FindKeyPair;
  readonly clock: Clock;
  /** Default: the runtime's timers. */
  readonly schedule?: Schedule | undefined;
  /** Called after each search that found a different key pair. */
  readonly onFound?: (pair: KeyPair) => void;
  /** Called after each failed search, with the key pair that stays in use, if any. */
  readonly onFailed?: (reason: string, held: KeyPair | undefined) => void;
}

/** AWS provides new keys at least five minutes before the old ones expire. */
const RENEW_BEFORE_MS = 5 * 60_000;
/** Between a failed search and the next one. */
const RETRY_MS = 10_000;
/** A search that takes longer has failed, because its program or endpoint may hang. */
const SEARCH_LIMIT_MS = 30_000;
/**
 * How long no other search is started besides a hung one: hung programs must not pile up, but one must not end all
 * renewal.
 */
const HUNG_LIMIT_MS = 10 * 60_000;
/** Timers do not count time while the host is suspended, and are limited to 24 days. */
const MAX_DELAY_MS = 60_000;

const scheduleByTimeout: Schedule = (delayMs, fire) => {
  const timeout = setTimeout(fire, delayMs);
  return () => clearTimeout(timeout);
};

/** The newest key pair found; a failed search keeps the old one in use, and is repeated after 10 s. */
export class CredentialRefresher {
  readonly #options: CredentialRefresherOptions;
  readonly #schedule: Schedule;
  #held: KeyPair | undefined;
  #search: Promise<KeyPair> | undefined;
  /** When the abandoned search that is still running began. */
  #hungSinceMs: number | undefined;
  /** The error of the last search, if it failed. */
  #failure: { readonly reason: string; readonly error: Error; readonly atMs: number } | undefined;
  /** When a requested renewal returned the same key pair again. */
  #sameAgainMs = -Infinity;
  #cancelTimer = () => {};
  #closed = false;

  constructor(options: CredentialRefresherOptions) {
    this.#options = options;
    this.#schedule = options.schedule ?? scheduleByTimeout;
  }

  /** The current key pair, whatever its age; undefined until one was found. */
  get held(): KeyPair | undefined {
    return this.#held;
  }

  /** The current key pair if it has not expired. */
  get valid(): KeyPair | undefined {
    return this.#held !== undefined && isValid(this.#held, this.#now()) ? this.#held : undefined;
  }

  /** Why the last search failed; undefined if it succeeded. */
  get lastError(): string | undefined {
    return this.#failure?.reason;
  }

  /**
   * A valid key pair: immediately if there is one, otherwise after a search. Rejects if none can be found.
   */
  get(): Promise<KeyPair> {
    const { valid } = this;
    if (valid !== undefined) return Promise.resolve(valid);
    const failure = this.#recentFailure();
    return failure === undefined ? this.search() : Promise.reject(failure);
  }

  /** Like `get`, for a thread that keeps key pairs of its own; if it knows the current one, the result of a new search. */
  getBesides(knownId: string | undefined): Promise<KeyPair> {
    return this.#held !== undefined && this.#held.accessKeyId === knownId ? this.search() : this.get();
  }

  /** Starts a search unless one is in progress or has just failed; the current key pair stays in use meanwhile. */
  refresh(): void {
    if (this.#recentFailure() === undefined) void this.search();
  }

  /** The error of a search so recent that the next one must wait; undefined during a search. */
  #recentFailure(): Error | undefined {
    const failure = this.#failure;
    if (this.#search !== undefined || failure === undefined) return undefined;
    return this.#now() < failure.atMs + RETRY_MS ? failure.error : undefined;
  }

  /** Starts a search, or joins the one in progress; the current key pair stays in use meanwhile. */
  search(): Promise<KeyPair> {
    this.#search ??= this.#find().finally(() => this.#search = undefined);
    // Callers see the failure; a background search is reported by `onFailed`.
    this.#search.catch(() => {});
    return this.#search;
  }

  /** Like `search`, but does not join a search in progress, which may have read outdated settings. */
  searchAgain(): Promise<KeyPair> {
    const again = () => this.search();
    return this.#search === undefined ? again() : this.#search.then(again, again);
  }

  /** Whether there is a key pair other than the one that AWS has just rejected as expired. */
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

  /** Stops renewing in the background; in-flight requests can still ask for the key pair. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  async #find(): Promise<KeyPair> {
    const { onFound, onFailed } = this.#options;
    try {
      const found = await this.#findInTime();
      const now = this.#now();
      if (!isValid(found, now)) {
        throw new Error(`the credentials found expired at ${isoTime(found.expiresAtMs)}`);
      }
      const isNew = this.#held === undefined || !sameKeyPair(this.#held, found);
      this.#held = found;
      this.#failure = undefined;
      this.#renewAt(Math.max(renewalOf(found, now), now + RETRY_MS));
      if (isNew) onFound?.(found);
      return found;
    } catch (cause) {
      const now = this.#now();
      const reason = reasonOf(cause);
      // Without its cause, because the search's own message may contain credentials.
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
      throw new Error(`the search started at ${since} is still running; the next one waits for it`);
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

/**
 * When to search for the next key pair: five minutes before this one expires, or at half its lifetime if that is
 * short.
 */
function renewalOf({ expiresAtMs = Infinity }: KeyPair, nowMs: number): number {
  return expiresAtMs === Infinity
    ? Infinity
    : expiresAtMs - Math.min(RENEW_BEFORE_MS, (expiresAtMs - nowMs) / 2);
}

function isoTime(atMs = 0): string {
  return new Date(atMs).toISOString();
}
