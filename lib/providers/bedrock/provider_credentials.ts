/** The credentials of every provider: searched for once, kept across reloads, renewed, and shown to the operator. */

import { type Authenticator, keyAuthenticator } from "../../aws/keys/authenticator.ts";
import { KeyKeeper, type Schedule } from "../../aws/keys/key_keeper.ts";
import { bearerSigner } from "../../aws/sigv4/sign.ts";
import type { Clock } from "../../base/clock.ts";
import { AditError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { BedrockProvider, Provider } from "../../snapshot/snapshot.ts";
import { fingerprintOf, type SearchedCredentials, type SearchFor, searchFor } from "./key_search.ts";

export interface ProviderCredentialsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** In place of the searches through files, environment and network. */
  readonly searchFor?: SearchFor;
  /** In place of the runtime's own timers. */
  readonly schedule?: Schedule;
}

/** What the operator sees of a provider's credentials; nothing of it is secret. */
export interface CredentialStatus {
  /** The `kind` of the credentials in the snapshot, or `emulator`. */
  readonly source: string;
  /** ISO 8601; only of credentials that expire. */
  readonly expires_at?: string;
  /** Why the last search was in vain. */
  readonly last_error?: string;
}

interface Kept {
  /** Of the settings that are searched by. */
  readonly fingerprint: string;
  readonly keeper: KeyKeeper;
}

/** A keeper for each provider whose key pair is searched for; a reload that leaves the provider alone keeps it. */
export class ProviderCredentials {
  readonly #options: ProviderCredentialsOptions;
  /** By the names of the providers. */
  #kept: ReadonlyMap<string, Kept> = new Map();

  constructor(options: ProviderCredentialsOptions) {
    this.#options = options;
  }

  /**
   * Looks for the credentials of a configuration's providers, which is the one in use from now on; what is known of those
   * that stay as they were is used until something newer is found. Resolves when every search has ended, however it did.
   */
  async use(providers: ReadonlyMap<string, Provider>): Promise<void> {
    const before = this.#kept;
    const kept = new Map<string, Kept>();
    for (const provider of providers.values()) {
      const credentials = searchedBy(provider);
      if (credentials !== undefined) kept.set(provider.name, this.#keptFor(provider, credentials));
    }
    this.#kept = kept;
    const keepers = [...kept.values()].map(({ keeper }) => keeper);
    for (const { keeper } of before.values()) if (!keepers.includes(keeper)) keeper.close();
    await Promise.allSettled(keepers.map((keeper) => keeper.searchAnew()));
  }

  /** How requests to the provider are authenticated. */
  authenticatorOf(provider: BedrockProvider): Authenticator {
    const { credentials, region, name } = provider;
    const onClockSkew = (offsetMs: number) =>
      this.#options.logger.log(
        "warn",
        "this host's clock is not AWS's, by which requests are signed from now on",
        {
          provider: name,
          offset_s: Math.round(offsetMs / 1000),
        },
      );
    switch (credentials.kind) {
      case "api_key":
        return { sign: bearerSigner(credentials.key) };
      case "caller":
        return { sign: ({ headers }) => Promise.resolve(headers) };
      case "static": {
        const pair = { ...credentials, expiresAtMs: undefined };
        const keys = { get: () => Promise.resolve(pair), renew: () => Promise.resolve(false) };
        return keyAuthenticator({ region, keys, onClockSkew });
      }
      case "chain":
      case "profile":
      case "role": {
        const kept = this.#keptFor(provider, credentials);
        // A request that began with an earlier configuration searches for itself, and nothing goes on behind it.
        if (this.#kept.get(name) !== kept) kept.keeper.close();
        const { keeper } = kept;
        const keys = {
          get: () => keeper.get().catch(throwNotFound),
          renew: keeper.renew.bind(keeper),
        };
        return keyAuthenticator({ region, keys, onClockSkew });
      }
    }
  }

  /** By the names of the providers. */
  status(providers: ReadonlyMap<string, Provider>): Readonly<Record<string, CredentialStatus>> {
    return Object.fromEntries([...providers].map(([name, provider]) => [name, this.#statusOf(provider)]));
  }

  /** Ends the renewing in the background. */
  close(): void {
    for (const { keeper } of this.#kept.values()) keeper.close();
  }

  #statusOf(provider: Provider): CredentialStatus {
    if (provider.kind === "emulator") return { source: "emulator" };
    const keeper = this.#kept.get(provider.name)?.keeper;
    const expiresAt = isoTime(keeper?.held?.expiresAtMs);
    const lastError = keeper?.lastError;
    return {
      source: provider.credentials.kind,
      ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
      ...(lastError === undefined ? {} : { last_error: lastError }),
    };
  }

  /** The keeper in use if it searches by the same settings, otherwise a new one. */
  #keptFor({ name, region }: Provider, credentials: SearchedCredentials): Kept {
    const fingerprint = fingerprintOf(credentials, region);
    const known = this.#kept.get(name);
    if (known?.fingerprint === fingerprint) return known;
    const { clock, logger, schedule } = this.#options;
    const find = (this.#options.searchFor ?? searchFor)(credentials, region);
    const fields = { provider: name, source: credentials.kind };
    const keeper = new KeyKeeper({
      find,
      clock,
      ...(schedule === undefined ? {} : { schedule }),
      onFound: ({ expiresAtMs }) =>
        logger.log("info", "credentials found", { ...fields, expires_at: isoTime(expiresAtMs) }),
      onFailed(error, held) {
        if (held === undefined) logger.log("error", "no credentials found", { ...fields, error });
        else logger.log("warn", "no newer credentials found, the old ones stay in use", { ...fields, error });
      },
    });
    return { fingerprint, keeper };
  }
}

function searchedBy(provider: Provider): SearchedCredentials | undefined {
  if (provider.kind === "emulator") return undefined;
  const { credentials } = provider;
  switch (credentials.kind) {
    case "chain":
    case "profile":
    case "role":
      return credentials;
    case "static":
    case "api_key":
    case "caller":
      return undefined;
  }
}

function throwNotFound(cause: unknown): never {
  throw new AditError(
    "upstream_credentials",
    "the gateway has no credentials for the model provider; your key is fine",
    { cause },
  );
}

function isoTime(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}
