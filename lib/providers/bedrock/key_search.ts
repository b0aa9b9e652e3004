/** Maps configured credentials to the search for their key pair. */

import { assumedRole, defaultChain, sharedProfile } from "../../aws/keys/find_key_pair.ts";
import type { FindKeyPair, KeyPair, SearchOptions } from "../../aws/keys/key_pair.ts";
import { isForEach, type Subject } from "../../snapshot/subject.ts";
import { roleFor } from "./role_sessions.ts";
import { unseal } from "../../base/secret.ts";
import type {
  ChainCredentials,
  KeySource,
  ProfileCredentials,
  RoleCredentials,
  StaticCredentials,
} from "../../snapshot/provider.ts";

/** Credentials that are not in the configuration but searched for, repeatedly. */
export type SearchedCredentials = ChainCredentials | ProfileCredentials | RoleCredentials;

export type SearchFor = (credentials: SearchedCredentials, options: SearchOptions) => FindKeyPair;

/** Takes the place of a caller when a role with a session for each caller is only checked. */
export const CHECK: Subject = { caller: "check", team: "check" };

/** The search, in the region's AWS partition. */
export function searchFor(credentials: KeySource | RoleCredentials, options: SearchOptions): FindKeyPair {
  switch (credentials.kind) {
    case "static":
      return () => Promise.resolve(keyPairOf(credentials));
    case "chain":
      return defaultChain(options);
    case "profile":
      return sharedProfile(credentials.profile, options);
    case "role":
      return assumedRole(
        isForEach(credentials) ? roleFor(credentials, CHECK) : credentials,
        searchFor(credentials.base, options),
        options,
      );
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
