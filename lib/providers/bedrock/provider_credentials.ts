/** The credentials of all providers: searched for once, kept across reloads, renewed, and reported to the operator. */

import { isDeepStrictEqual } from "node:util";
import {
  type Authenticator,
  keyAuthenticator,
  type KeyAuthenticatorOptions,
} from "../../aws/keys/authenticator.ts";
import { CredentialRefresher, type Schedule } from "../../aws/keys/credential_refresher.ts";
import type { FindKeyPair, KeyPair, RoleRequest } from "../../aws/keys/key_pair.ts";
import { bearerSigner } from "../../aws/sigv4/sign.ts";
import type { Clock } from "../../base/clock.ts";
import { AditError } from "../../base/errors.ts";
import type { Logger } from "../../base/log/log.ts";
import { unseal } from "../../base/secret.ts";
import type { BedrockProvider, Provider, RoleCredentials } from "../../snapshot/provider.ts";
import { isForEach, type Subject } from "../../snapshot/subject.ts";
import type { ProviderNetworks } from "../transport/networks.ts";
import { type AssumeRole, RoleSessions } from "./role_sessions.ts";
import { keyPairOf, type SearchedCredentials, type SearchFor, searchFor } from "./key_search.ts";

export interface ProviderCredentialsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For providers with their own network settings; undefined if there are none. */
  readonly networks?: ProviderNetworks | undefined;
  /** Default: files, environment and network. */
  readonly searchFor?: SearchFor;
  /** Default: AWS STS. */
  readonly assume?: AssumeRole | undefined;
  /** In a thread that does not search itself: asks the thread that searches and reports. */
  readonly ask?: AskKeyPair | undefined;
  /** Default: the runtime's timers. */
  readonly schedule?: Schedule | undefined;
}

/** Asks for a key pair, as plain data. */
export interface KeyPairQuestion {
  readonly provider: BedrockProvider;
  /** The session of a role; undefined for the provider's own key pair. */
  readonly role: RoleRequest | undefined;
  /** Id of the pair that the asking thread has; a new search is made if it is the current one. */
  readonly knownId: string | undefined;
}

export type AskKeyPair = (question: KeyPairQuestion) => Promise<KeyPair>;

/** The credentials of a provider as shown to the operator, without secrets. */
export interface CredentialStatus {
  /** The `kind` of the credentials in the snapshot, or `emulator`. */
  readonly source: string;
  /** Sessions of a role that has one for each caller or team. */
  readonly sessions?: number;
  /** ISO 8601; only for credentials that expire. */
  readonly expires_at?: string;
  /** Why the last search failed. */
  readonly last_error?: string;
}

/** What is derived from a provider's settings. */
interface Kept {
  readonly settings: Settings;
  readonly authenticator: Authenticator;
  /** Undefined if the credentials are in the configuration. */
  readonly refresher: CredentialRefresher | undefined;
  /** For a role whose sessions have the names of callers or teams. */
  readonly sessions?: RoleSessions;
}

/** The settings that determine how requests to a provider are authenticated. */
type Settings = Pick<BedrockProvider, "name" | "region" | "credentials" | "network">;

/** How to authenticate to each provider; a reload that does not change its settings keeps its credentials. */
export class ProviderCredentials {
  readonly #options: ProviderCredentialsOptions;
  /** By provider name. */
  #kept: ReadonlyMap<string, Kept> = new Map();

  constructor(options: ProviderCredentialsOptions) {
    this.#options = options;
  }

  /**
   * Searches for the credentials of the new configuration's providers. Credentials of unchanged providers stay in use
   * until newer ones are found. Resolves when all searches have ended, whatever the result.
   */
  async use(providers: ReadonlyMap<string, Provider>): Promise<void> {
    this.#options.networks?.use(providers.values());
    const before = this.#kept;
    this.#kept = new Map(
      [...providers.values()].filter((provider) => provider.kind === "bedrock").map((provider) => {
        const kept = this.#known(provider) ?? this.#make(provider);
        return [provider.name, { ...kept, settings: provider }];
      }),
    );
    const refreshers = refreshersOf(this.#kept);
    for (const refresher of refreshersOf(before)) if (!refreshers.includes(refresher)) refresher.close();
    await Promise.allSettled(refreshers.map((refresher) => refresher.searchAgain()));
  }

  /** How requests to the provider are authenticated, on behalf of a caller if its role has sessions for each. */
  authenticatorOf(provider: BedrockProvider, subject?: Subject): Authenticator {
    const kept = this.#known(provider) ?? this.#makeOnce(provider);
    return subject !== undefined && kept.sessions !== undefined
      ? kept.sessions.authenticatorOf(subject)
      : kept.authenticator;
  }

  /** For a request of an earlier configuration, which searches for itself; nothing is renewed afterwards. */
  #makeOnce(provider: BedrockProvider): Kept {
    const kept = this.#make(provider);
    kept.refresher?.close();
    return kept;
  }

  /** Answers a thread that does not search itself. Rejects if no key pair can be found. */
  async keyPairFor({ provider, role, knownId }: KeyPairQuestion): Promise<KeyPair> {
    const { refresher, sessions } = this.#known(provider) ?? this.#makeOnce(provider);
    if (role !== undefined && sessions !== undefined) return await sessions.keyPairFor(role, knownId);
    if (refresher === undefined) throw new Error("the credentials are in the configuration");
    return await refresher.getBesides(knownId);
  }

  /** By provider name. */
  status(providers: ReadonlyMap<string, Provider>): Readonly<Record<string, CredentialStatus>> {
    return Object.fromEntries([...providers].map(([name, provider]) => [name, this.#statusOf(provider)]));
  }

  /** Stops renewing in the background. */
  close(): void {
    for (const refresher of refreshersOf(this.#kept)) refresher.close();
  }

  #statusOf(provider: Provider): CredentialStatus {
    if (provider.kind === "emulator") return { source: "emulator" };
    const { refresher, sessions } = this.#kept.get(provider.name) ?? {};
    const expiresAt = isoTime(refresher?.held?.expiresAtMs);
    const lastError = refresher?.lastError ?? sessions?.lastError;
    return {
      source: provider.credentials.kind,
      ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
      ...(sessions === undefined ? {} : { sessions: sessions.size }),
      ...(lastError === undefined ? {} : { last_error: lastError }),
    };
  }

  /** The state for equal settings, even in other objects. */
  #known(provider: BedrockProvider): Kept | undefined {
    const known = this.#kept.get(provider.name);
    return known !== undefined && isSame(known.settings, provider) ? known : undefined;
  }

  #make(settings: BedrockProvider): Kept {
    const { credentials } = settings;
    switch (credentials.kind) {
      case "api_key":
        return {
          settings,
          authenticator: { sign: bearerSigner(unseal(credentials.key)) },
          refresher: undefined,
        };
      case "caller":
        return {
          settings,
          authenticator: { sign: ({ headers }) => headers },
          refresher: undefined,
        };
      case "static": {
        const pair = keyPairOf(credentials);
        const keys = { get: () => pair, renew: () => Promise.resolve(false) };
        return { settings, authenticator: this.#signing(settings, keys), refresher: undefined };
      }
      case "role":
        return isForEach(credentials)
          ? this.#withSessions(settings, credentials)
          : this.#searched(settings, credentials);
      case "chain":
      case "profile":
        return this.#searched(settings, credentials);
    }
  }

  #searched(settings: BedrockProvider, credentials: SearchedCredentials): Kept {
    const refresher = this.#refresherFor(settings, credentials);
    return { settings, authenticator: this.#signing(settings, keysOf(refresher)), refresher };
  }

  /** The key pair that assumes the role is searched for once, and each session on its first use. */
  #withSessions(settings: BedrockProvider, credentials: RoleCredentials): Kept {
    const { clock, logger, schedule, networks, ask } = this.#options;
    const assume = ask === undefined ? this.#options.assume : askingRole(settings, ask);
    const { name, region } = settings;
    const { base } = credentials;
    const refresher = base.kind === "static" ? undefined : this.#refresherFor(settings, base);
    const pair = base.kind === "static" ? keyPairOf(base) : undefined;
    const sessions = new RoleSessions({
      credentials,
      base: async () => pair ?? await refresher?.get() ?? throwNotFound("no key pair"),
      search: { region, fetch: networks?.of(settings)?.fetch },
      clock,
      assume,
      schedule,
      signing: (keys) => this.#signing(settings, keys),
      toError: throwNotFound,
      onFailed: (session, error) =>
        ask === undefined &&
        logger.log("error", "cannot assume the role for a caller", { provider: name, session, error }),
    });
    // A request without a caller cannot be billed to anyone.
    const noKeys: KeyAuthenticatorOptions["keys"] = {
      get: async () => await throwNotFound("the request has no caller"),
      renew: () => Promise.resolve(false),
    };
    return { settings, authenticator: this.#signing(settings, noKeys), refresher, sessions };
  }

  #signing({ name, region }: Settings, keys: KeyAuthenticatorOptions["keys"]): Authenticator {
    const onClockSkew = (offsetMs: number) =>
      this.#options.logger.log(
        "warn",
        "the host's clock is wrong; requests are signed with AWS's time from now on",
        {
          provider: name,
          offset_s: Math.round(offsetMs / 1000),
        },
      );
    return keyAuthenticator({ region, keys, onClockSkew });
  }

  #refresherFor(provider: BedrockProvider, credentials: SearchedCredentials): CredentialRefresher {
    const { clock, logger, schedule, networks, ask } = this.#options;
    const { name, region } = provider;
    if (ask !== undefined) {
      return new CredentialRefresher({ find: asking(ask, provider, undefined), clock, schedule });
    }
    const find = (this.#options.searchFor ?? searchFor)(credentials, {
      region,
      fetch: networks?.of(provider)?.fetch,
    });
    const fields = { provider: name, source: credentials.kind };
    return new CredentialRefresher({
      find,
      clock,
      schedule,
      onFound: ({ expiresAtMs }) =>
        logger.log("info", "credentials found", { ...fields, expires_at: isoTime(expiresAtMs) }),
      onFailed(error, held) {
        if (held === undefined) logger.log("error", "no credentials found", { ...fields, error });
        else logger.log("warn", "no newer credentials found; the old ones stay in use", { ...fields, error });
      },
    });
  }
}

function askingRole(provider: BedrockProvider, ask: AskKeyPair): AssumeRole {
  return (role) => asking(ask, provider, role);
}

function asking(ask: AskKeyPair, provider: BedrockProvider, role: RoleRequest | undefined): FindKeyPair {
  let knownId: string | undefined;
  return async () => {
    const pair = await ask({ provider, role, knownId });
    knownId = pair.accessKeyId;
    return pair;
  };
}

function refreshersOf(kept: ReadonlyMap<string, Kept>): readonly CredentialRefresher[] {
  return [...kept.values()].flatMap(({ refresher }) => refresher ?? []);
}

/**
 * Whether both are authenticated in the same way. Usually the objects are identical, and comparing them costs nothing.
 */
function isSame(one: Settings, other: Settings): boolean {
  return one.region === other.region &&
    (one.credentials === other.credentials || isDeepStrictEqual(one.credentials, other.credentials)) &&
    (one.network === other.network || isDeepStrictEqual(one.network, other.network));
}

function keysOf(refresher: CredentialRefresher): KeyAuthenticatorOptions["keys"] {
  return {
    get: () => refresher.valid ?? refresher.get().catch(throwNotFound),
    renew: refresher.renew.bind(refresher),
  };
}

function throwNotFound(cause: unknown): never {
  throw new AditError(
    "upstream_credentials",
    "the gateway has no credentials for the model provider; your API key is valid",
    { cause },
  );
}

function isoTime(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}
