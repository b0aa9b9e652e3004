/** Key pairs found by AWS's own code. It takes 20 ms to load, so `find_key_pair.ts` loads it when it is first needed. */

import { fromIni, fromNodeProviderChain, fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { Secret } from "../../base/secret.ts";
import type { KeyPair, RoleRequest } from "./key_pair.ts";

/** The shape in which AWS's code has key pairs. */
interface Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** AWS's code warns on the terminal unless it is given something to warn; what matters is in the errors that it throws. */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** For STS and IAM Identity Center, which AWS's code tries three times: without these, one lost answer is waited for forever. */
const CLIENT = {
  requestHandler: {
    connectionTimeout: 3000,
    requestTimeout: 8000,
    socketTimeout: 8000,
    throwOnRequestTimeout: true,
  },
} as const;

/** The files are read again each time: otherwise AWS's code never sees them change. */
const SEARCH = { ignoreCache: true, logger: SILENT, clientConfig: CLIENT } as const;

/** What AWS's default chain finds, from the environment to the instance's role. Rejects where it finds nothing. */
export async function searchDefaultChain(region: string): Promise<KeyPair> {
  return toKeyPair(await fromNodeProviderChain({ ...SEARCH, parentClientConfig: { region } })());
}

/** What a profile of AWS's shared files leads to: keys, a role, single sign-on. Rejects where it leads nowhere. */
export async function searchProfile(profile: string, region: string): Promise<KeyPair> {
  return toKeyPair(await fromIni({ ...SEARCH, profile, parentClientConfig: { region, profile } })());
}

/** A role's temporary keys, got from AWS STS with those of `base`. Rejects with what STS says against it. */
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

/** The characters that the configuration, too, takes for a key. */
const KEY_TEXT = /^[\x21-\x7e]+$/;

function toKeyPair({ accessKeyId, secretAccessKey, sessionToken, expiration }: Identity): KeyPair {
  // Deno 2.9.6 says of a header with a line break what is in it, and that would be the token.
  const texts = [accessKeyId, secretAccessKey, ...(sessionToken ? [sessionToken] : [])];
  if (!texts.every((text) => KEY_TEXT.test(text))) {
    throw new Error("what was found has a character that no key has");
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
