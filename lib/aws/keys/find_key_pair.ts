/** Sources of key pairs outside the configuration: AWS's default credential chain, a profile, a role. */

import type { FindKeyPair, RoleRequest, SearchOptions } from "./key_pair.ts";

/**
 * The first source with a key pair, in AWS's order: environment, shared files, web identity, container, EC2 instance.
 */
export function defaultChain(options: SearchOptions): FindKeyPair {
  return async () => (await loadSearch()).searchDefaultChain(options);
}

/** A profile of `~/.aws/config` and `~/.aws/credentials`, or of the files named by the environment. */
export function sharedProfile(name: string, options: SearchOptions): FindKeyPair {
  return async () => (await loadSearch()).searchProfile(name, options);
}

/** The role, assumed with the key pair from `base`. */
export function assumedRole(role: RoleRequest, base: FindKeyPair, options: SearchOptions): FindKeyPair {
  return async () => (await loadSearch()).assumeRole(role, await base(), options);
}

function loadSearch(): Promise<typeof import("./sdk_search.ts")> {
  return import("./sdk_search.ts");
}
