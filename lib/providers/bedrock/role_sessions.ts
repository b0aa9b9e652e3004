/** Sessions of one role, each for a caller or a team, which AWS's bill and logs then distinguish. */

import type { Authenticator, KeyAuthenticatorOptions } from "../../aws/keys/authenticator.ts";
import { CredentialRefresher, type Schedule } from "../../aws/keys/credential_refresher.ts";
import { assumedRole } from "../../aws/keys/find_key_pair.ts";
import type { FindKeyPair, KeyPair, RoleRequest, SearchOptions } from "../../aws/keys/key_pair.ts";
import { sessionName, tagValue } from "../../aws/keys/session_names.ts";
import type { Clock } from "../../base/clock.ts";
import { fillNames, type Subject } from "../../snapshot/subject.ts";
import type { RoleCredentials } from "../../snapshot/provider.ts";

/** Searches for the key pair of a session, assumed with the one from `base`. */
export type AssumeRole = (role: RoleRequest, base: FindKeyPair, options: SearchOptions) => FindKeyPair;

export interface RoleSessionsOptions {
  readonly credentials: RoleCredentials;
  /** The key pair with which the role is assumed. */
  readonly base: FindKeyPair;
  readonly search: SearchOptions;
  readonly clock: Clock;
  /** Default: AWS STS. */
  readonly assume?: AssumeRole | undefined;
  readonly schedule?: Schedule | undefined;
  /** How requests are signed with the keys of a session. */
  readonly signing: (keys: KeyAuthenticatorOptions["keys"]) => Authenticator;
  /** Throws the error of a request for which there is no session. */
  readonly toError: (cause: unknown) => never;
  /** Called after each failed search for a session. */
  readonly onFailed: (session: string, reason: string) => void;
}

/** Maximum number of sessions; beyond it, the least recently used one is dropped. */
const MAX_SESSIONS = 8192;
/** A session in use is renewed this long before it ends, or at half its lifetime if that is shorter. */
const RENEW_BEFORE_MS = 5 * 60_000;

interface Session {
  readonly authenticator: Authenticator;
  readonly refresher: CredentialRefresher;
}

/** A request is signed with the session of its subject, or not at all. */
export class RoleSessions {
  readonly #options: RoleSessionsOptions;
  /** The least recently used first. */
  readonly #sessions = new Map<string, Session>();
  #lastError: string | undefined;

  constructor(options: RoleSessionsOptions) {
    this.#options = options;
  }

  /** Why the last search failed; undefined if it succeeded. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Number of sessions that are kept. */
  get size(): number {
    return this.#sessions.size;
  }

  /** How requests for the subject are signed. */
  authenticatorOf(subject: Subject): Authenticator {
    return this.#sessionOf(roleFor(this.#options.credentials, subject)).authenticator;
  }

  /** The key pair of a session for another thread; if it knows the current one, the result of a new search. */
  keyPairFor(role: RoleRequest, knownId: string | undefined): Promise<KeyPair> {
    return this.#sessionOf(role).refresher.getBesides(knownId);
  }

  #sessionOf(role: RoleRequest): Session {
    const key = JSON.stringify([role.sessionName, role.tags]);
    const session = this.#sessions.get(key) ?? this.#start(role);
    // Moves it to the end, as the most recently used one.
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size > MAX_SESSIONS) this.#forgetFirst();
    return session;
  }

  #start(role: RoleRequest): Session {
    const { base, search, clock, schedule, signing, onFailed, toError } = this.#options;
    const assume = this.#options.assume ?? assumedRole;
    const refresher = new CredentialRefresher({
      find: assume(role, base, search),
      clock,
      schedule,
      onFound: () => this.#lastError = undefined,
      onFailed: (reason) => {
        this.#lastError = reason;
        onFailed(role.sessionName, reason);
      },
    });
    // A session that is not used is not renewed.
    refresher.close();
    const keys = {
      get: (): KeyPair | Promise<KeyPair> => {
        if (isEnding(refresher.held, clock.now(), role.durationMs)) refresher.refresh();
        return refresher.valid ?? refresher.get().catch(toError);
      },
      renew: refresher.renew.bind(refresher),
    };
    return { refresher, authenticator: signing(keys) };
  }

  #forgetFirst(): void {
    const [first] = this.#sessions.keys();
    if (first !== undefined) this.#sessions.delete(first);
  }
}

/** Whether the session ends so soon that the next one is searched for. */
function isEnding(held: KeyPair | undefined, nowMs: number, lifetimeMs: number): boolean {
  return held?.expiresAtMs !== undefined &&
    held.expiresAtMs - nowMs < Math.min(RENEW_BEFORE_MS, lifetimeMs / 2);
}

/** The role with the subject's names in its session and tags. */
export function roleFor(credentials: RoleCredentials, subject: Subject): RoleCredentials {
  return {
    ...credentials,
    sessionName: sessionName(fillNames(credentials.sessionName, subject)),
    tags: Object.fromEntries(
      Object.entries(credentials.tags).map(([tag, value]) => [tag, tagValue(fillNames(value, subject))]),
    ),
  };
}
