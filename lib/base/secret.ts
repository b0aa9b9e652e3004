/** A value that cannot be printed by accident. */

import { openText, sealText } from "./seal.ts";

export const REDACTED = "[redacted]";

/** Holds a secret; only `reveal` returns it, so that every use can be found by that name. */
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

/** A secret as plain data, as the snapshot holds it: `unseal` gives the secret in any thread of this process. */
export interface SealedSecret {
  readonly sealed: string;
}

/** The value as plain data that can neither be printed nor read outside this process; equal values are sealed alike. */
export function seal(value: string): SealedSecret {
  return { sealed: sealText(value) };
}

/** The secret behind its plain data. Throws an `Error` where another process has sealed it. */
export function unseal({ sealed }: SealedSecret): Secret {
  return new Secret(openText(sealed));
}
