/** The ways to a key pair that is not written down: AWS's default chain, a profile of the shared files, a role. */

import type { FindKeyPair, RoleRequest } from "./key_pair.ts";

/** The first that has one, in AWS's order: environment, shared files, web identity, container, EC2 instance. */
export function defaultChain(region: string): FindKeyPair {
  return async () => (await loadSearch()).searchDefaultChain(region);
}

/** A profile of `~/.aws/config` and `~/.aws/credentials`, or of the files that the environment names instead. */
export function sharedProfile(name: string, region: string): FindKeyPair {
  return async () => (await loadSearch()).searchProfile(name, region);
}

/** The role, assumed with the key pair that `base` finds. */
export function assumedRole(role: RoleRequest, base: FindKeyPair): FindKeyPair {
  return async () => (await loadSearch()).assumeRole(role, await base());
}

function loadSearch(): Promise<typeof import("./sdk_search.ts")> {
  return import("./sdk_search.ts");
}
