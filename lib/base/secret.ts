/** A value that cannot be printed by accident. */

import { openText, sealText } from "./seal.ts";

export const REDACTED = "[redacted]";

/** A secret that only `reveal` returns, so that every use can be found by that name. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return REDACTED;
  }
}

/** A secret as plain data in the snapshot; `unseal` opens it in any thread of this process. */
export interface SealedSecret {
  readonly sealed: string;
}

/**
 * Seals a value as plain data that can neither be printed nor read outside this process; equal values have equal
 * seals.
 */
export function seal(value: string): SealedSecret {
  return { sealed: sealText(value) };
}

/** Opens a sealed secret. Throws an `Error` if another process sealed it. */
export function unseal({ sealed }: SealedSecret): Secret {
  return new Secret(openText(sealed));
}
