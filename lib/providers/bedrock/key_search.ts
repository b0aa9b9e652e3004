/** From the credentials of the configuration to the search for their key pair. */

import { assumedRole, defaultChain, sharedProfile } from "../../aws/keys/find_key_pair.ts";
import type { FindKeyPair } from "../../aws/keys/key_pair.ts";
import { sha256Hex } from "../../base/hash.ts";
import type {
  ChainCredentials,
  KeySource,
  ProfileCredentials,
  RoleCredentials,
} from "../../snapshot/snapshot.ts";

/** Credentials that are not written down in the configuration, but found and found again. */
export type SearchedCredentials = ChainCredentials | ProfileCredentials | RoleCredentials;

export type SearchFor = (credentials: SearchedCredentials, region: string) => FindKeyPair;

/** The search in the region's own AWS partition. */
export const searchFor: SearchFor = (credentials, region) => searchIn(credentials, region);

function searchIn(credentials: KeySource | RoleCredentials, region: string): FindKeyPair {
  switch (credentials.kind) {
    case "static":
      return () => Promise.resolve({ ...credentials, expiresAtMs: undefined });
    case "chain":
      return defaultChain(region);
    case "profile":
      return sharedProfile(credentials.profile, region);
    case "role":
      return assumedRole({ ...credentials, region }, searchIn(credentials.base, region));
  }
}

/** The same text for the same search, without the secrets in it. */
export function fingerprintOf(credentials: SearchedCredentials, region: string): string {
  const secrets = credentials.kind === "role" && credentials.base.kind === "static"
    ? [credentials.base.secretAccessKey.reveal(), credentials.base.sessionToken?.reveal()]
    : [];
  return sha256Hex(JSON.stringify([region, credentials, secrets]));
}
