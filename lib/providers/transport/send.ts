/** Sends one request: signed, and signed and sent again if other credentials may be accepted. */

import type { Authenticator } from "../../aws/keys/authenticator.ts";
import type { SignableRequest } from "../../aws/sigv4/sign.ts";

export interface SendOptions extends Authenticator {
  /** Time of the signature. */
  readonly nowMs: number;
  /** Sends the request with the headers that were signed. */
  readonly fetch: (signed: Headers) => Promise<Response>;
  /** Aborts when the request is no longer wanted: nothing is sent after that. */
  readonly signal: AbortSignal;
}

/**
 * The response, whatever its status. Rejects with the error of the signer, `fetch`, the recovery or the abort.
 */
export async function sendSigned(request: SignableRequest, options: SendOptions): Promise<Response> {
  const { recover, nowMs, signal } = options;
  const signed = options.sign(request, nowMs);
  const sent = signed instanceof Promise ? await signed : signed;
  signal.throwIfAborted();
  const response = await options.fetch(sent);
  const { status, headers } = response;
  if (recover === undefined || status < 400 || status >= 500) return response;
  try {
    const recovered = await recover({ headers, sent, nowMs });
    signal.throwIfAborted();
    if (!recovered) return response;
  } catch (error) {
    discard(response);
    throw error;
  }
  discard(response);
  const again = await options.sign(request, nowMs);
  signal.throwIfAborted();
  return await options.fetch(again);
}

/** Releases the connection of a response that is not wanted. */
export function discard({ body }: Response): void {
  body?.cancel().catch(() => {});
}
