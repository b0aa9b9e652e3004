/** Maps configured credentials to the search for their key pair. */

import { assumedRole, defaultChain, sharedProfile } from "../../aws/keys/find_key_pair.ts";
import type { FindKeyPair, KeyPair } from "../../aws/keys/key_pair.ts";
import { unseal } from "../../base/secret.ts";
import type {
  ChainCredentials,
  KeySource,
  ProfileCredentials,
  RoleCredentials,
  StaticCredentials,
} from "../../snapshot/snapshot.ts";

/** Credentials that are not in the configuration but searched for, repeatedly. */
export type SearchedCredentials = ChainCredentials | ProfileCredentials | RoleCredentials;

export type SearchFor = (credentials: SearchedCredentials, region: string) => FindKeyPair;

/** The search, in the region's AWS partition. */
export const searchFor: SearchFor = (credentials, region) => searchIn(credentials, region);

function searchIn(credentials: KeySource | RoleCredentials, region: string): FindKeyPair {
  switch (credentials.kind) {
    case "static":
      return () => Promise.resolve(keyPairOf(credentials));
    case "chain":
      return defaultChain(region);
    case "profile":
      return sharedProfile(credentials.profile, region);
    case "role":
      return assumedRole({ ...credentials, region }, searchIn(credentials.base, region));
  }
}

/** The key pair in the configuration. */
export function keyPairOf({ accessKeyId, secretAccessKey, sessionToken }: StaticCredentials): KeyPair {
  return {
    accessKeyId,
    secretAccessKey: unseal(secretAccessKey),
    sessionToken: sessionToken && unseal(sessionToken),
    expiresAtMs: undefined,
  };
}
