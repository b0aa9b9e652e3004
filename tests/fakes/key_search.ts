/** A search for key pairs that the test ends. */

import type { FindKeyPair, KeyPair } from "../../lib/aws/keys/key_pair.ts";
import { Secret } from "../../lib/base/secret.ts";

/** One search that has not ended. */
export interface ScriptedSearch {
  find(pair: KeyPair): void;
  fail(error: Error): void;
}

export interface KeySearch {
  readonly find: FindKeyPair;
  /** Number of searches so far. */
  readonly count: number;
  /** The searches that have not ended, oldest first. */
  readonly open: readonly ScriptedSearch[];
  /** Ends the oldest one. */
  end(result: KeyPair | Error): void;
}

export function keyPair(accessKeyId: string, expiresAtMs?: number): KeyPair {
  return {
    accessKeyId,
    secretAccessKey: new Secret(`secret of ${accessKeyId}`),
    sessionToken: expiresAtMs === undefined ? undefined : new Secret(`token of ${accessKeyId}`),
    expiresAtMs,
  };
}

export function keySearch(): KeySearch {
  const open: ScriptedSearch[] = [];
  let count = 0;
  return {
    find() {
      count++;
      return new Promise((resolve, reject) => open.push({ find: resolve, fail: reject }));
    },
    get count() {
      return count;
    },
    open,
    end(result) {
      const search = open.shift();
      if (search === undefined) throw new Error("Cannot end a search: there is none");
      if (result instanceof Error) search.fail(result);
      else search.find(result);
    },
  };
}
