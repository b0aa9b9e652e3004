/** Key pairs found by AWS's own code. It takes 20 ms to load, so `find_key_pair.ts` loads it on first use. */

import { fromIni, fromNodeProviderChain, fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { Secret } from "../../base/secret.ts";
import type { KeyPair, RoleRequest } from "./key_pair.ts";

/** A key pair in the form of AWS's code. */
interface Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/**
 * AWS's code prints warnings to the terminal unless it has a logger; what matters is in the errors that it throws.
 */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/**
 * Timeouts for STS and IAM Identity Center, with three attempts each: without them, a lost response is waited for
 * forever.
 */
const CLIENT = {
  requestHandler: {
    connectionTimeout: 3000,
    requestTimeout: 8000,
    socketTimeout: 8000,
    throwOnRequestTimeout: true,
  },
} as const;

/** Reads the files again each time; otherwise AWS's code does not see changes. */
const SEARCH = { ignoreCache: true, logger: SILENT, clientConfig: CLIENT } as const;

/**
 * The result of AWS's default credential chain, from the environment to the instance's role. Rejects if there is
 * none.
 */
export async function searchDefaultChain(region: string): Promise<KeyPair> {
  return toKeyPair(await fromNodeProviderChain({ ...SEARCH, parentClientConfig: { region } })());
}

/**
 * The credentials of a profile in AWS's shared files: keys, a role, single sign-on. Rejects if there are none.
 */
export async function searchProfile(profile: string, region: string): Promise<KeyPair> {
  return toKeyPair(await fromIni({ ...SEARCH, profile, parentClientConfig: { region, profile } })());
}

/** A role's temporary keys from AWS STS, using the keys of `base`. Rejects with STS's error. */
export async function assumeRole(role: RoleRequest, base: KeyPair): Promise<KeyPair> {
  const assume = fromTemporaryCredentials({
    logger: SILENT,
    masterCredentials: toIdentity(base),
    clientConfig: { ...CLIENT, region: role.region },
    params: {
      RoleArn: role.arn,
      RoleSessionName: role.sessionName,
      DurationSeconds: Math.round(role.durationMs / 1000),
      ...(role.externalId === undefined ? {} : { ExternalId: role.externalId }),
      Tags: Object.entries(role.tags).map(([Key, Value]) => ({ Key, Value })),
    },
  });
  return toKeyPair(await assume());
}

/** The characters that the configuration also allows in a key. */
const KEY_TEXT = /^[\x21-\x7e]+$/;

function toKeyPair({ accessKeyId, secretAccessKey, sessionToken, expiration }: Identity): KeyPair {
  // Deno 2.9.6 quotes a header with a line break in its error, and that would be the token.
  const texts = [accessKeyId, secretAccessKey, ...(sessionToken ? [sessionToken] : [])];
  if (!texts.every((text) => KEY_TEXT.test(text))) {
    throw new Error("the credentials found contain an invalid character");
  }
  return {
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey),
    sessionToken: sessionToken === undefined || sessionToken === "" ? undefined : new Secret(sessionToken),
    expiresAtMs: expiration?.getTime(),
  };
}

function toIdentity({ accessKeyId, secretAccessKey, sessionToken }: KeyPair): Identity {
  return {
    accessKeyId,
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }),
  };
}
