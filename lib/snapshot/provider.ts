/** Providers of models: how they are reached, and the credentials for them. */

import type { SealedSecret } from "../base/secret.ts";
import type { Quota } from "./limits.ts";

export type Provider = BedrockProvider | EmulatorProvider;

/** A region of Amazon Bedrock and the credentials for it. */
export interface BedrockProvider {
  readonly kind: "bedrock";
  readonly name: string;
  readonly region: string;
  /** Origin with an optional path prefix, without a trailing slash; undefined for AWS's own host. */
  readonly endpoint: string | undefined;
  /** The same for the bedrock-mantle endpoint. */
  readonly mantleEndpoint: string | undefined;
  /** Never set together with `endpoint`. */
  readonly fips: boolean;
  /** Never set together with `endpoint`. */
  readonly dualstack: boolean;
  readonly credentials: Credentials;
  /** Undefined if its hosts are reached directly. */
  readonly network: ProviderNetwork | undefined;
  /** The first that matches a model id applies. */
  readonly quotas: readonly Quota[];
}

/** How to reach the hosts of a provider and those that issue its credentials. */
export interface ProviderNetwork {
  /** URL of a forward proxy, possibly with a user name and a password. */
  readonly proxy: SealedSecret | undefined;
  /** PEM of certificate authorities that are trusted in addition to the runtime's. */
  readonly authorities: string | undefined;
}

/** The built-in Bedrock emulator: no account, no network. */
export interface EmulatorProvider {
  readonly kind: "emulator";
  readonly name: string;
  readonly region: string;
  readonly quotas: readonly Quota[];
}

export type Credentials = KeySource | RoleCredentials | ApiKeyCredentials | CallerCredentials;

/** The source of an AWS key pair. */
export type KeySource = StaticCredentials | ChainCredentials | ProfileCredentials;

/** An AWS key pair, which signs with SigV4. */
export interface StaticCredentials {
  readonly kind: "static";
  readonly accessKeyId: string;
  readonly secretAccessKey: SealedSecret;
  readonly sessionToken: SealedSecret | undefined;
}

/** AWS's default credential chain: environment, shared files, web identity, container and EC2 instance. */
export interface ChainCredentials {
  readonly kind: "chain";
}

/** A profile of the shared AWS files. */
export interface ProfileCredentials {
  readonly kind: "profile";
  readonly profile: string;
}

/** An IAM role, assumed with the key pair of another source. */
export interface RoleCredentials {
  readonly kind: "role";
  readonly base: KeySource;
  readonly arn: string;
  readonly sessionName: string;
  readonly externalId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly durationMs: number;
}

/** A Bedrock API key, sent as a bearer token. */
export interface ApiKeyCredentials {
  readonly kind: "api_key";
  readonly key: SealedSecret;
}

/** No credentials: callers sign for AWS themselves, and their signatures are passed through unchanged. */
export interface CallerCredentials {
  readonly kind: "caller";
}
