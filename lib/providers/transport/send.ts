/** Sends one request: signed, and once more if other credentials may be accepted. */

import type { Authenticator } from "../../aws/keys/authenticator.ts";
import type { SignableRequest } from "../../aws/sigv4/sign.ts";
import type { Deadline, TimerWheel } from "../../base/clock.ts";
import { AditError, toAditError } from "../../base/errors.ts";
import type { Fetch } from "../../runtime/runtime.ts";

/** Resolves whether a TCP connection to the URL's host succeeds within the time; never rejects. */
export type ProbeConnection = (url: string, withinMs: number) => Promise<boolean>;

export interface SendOptions extends Authenticator {
  readonly fetch: Fetch;
  readonly timers: TimerWheel;
  readonly timeouts: { readonly connectMs: number };
  /** Time of the signature. */
  readonly nowMs: number;
  /** Undefined for the emulator, which needs no connection. */
  readonly probe: ProbeConnection | undefined;
}

/** The receiver of the response. */
export interface Recipient {
  /** Aborts when the request is no longer wanted: nothing is sent after that. */
  readonly signal: AbortSignal;
  /** Takes the response, whatever its status. */
  arrive(response: Response): void;
  /** Ends the request with the error of the signer, `fetch` or the recovery. */
  end(error: AditError): void;
}

/** One request on its way. */
export class Sending {
  readonly #request: SignableRequest;
  readonly #options: SendOptions;
  readonly #recipient: Recipient;
  /** The wait for the response's head. */
  #connect: Deadline | undefined;

  constructor(request: SignableRequest, options: SendOptions, recipient: Recipient) {
    this.#request = request;
    this.#options = options;
    this.#recipient = recipient;
  }

  /** Sends the request; the recipient gets the response or the error. */
  async start(): Promise<void> {
    const { sign, recover, nowMs } = this.#options;
    const { signal } = this.#recipient;
    try {
      const signing = sign(this.#request, nowMs);
      const signed = signing instanceof Promise ? await signing : signing;
      signal.throwIfAborted();
      const response = await this.#fetch(signed);
      const { status } = response;
      const mayRecover = recover !== undefined && status >= 400 && status < 500;
      this.#recipient.arrive(mayRecover ? await this.#recovered(response, signed) : response);
    } catch (cause) {
      this.#recipient.end(toAditError(cause));
    }
  }

  /** Stops watching the connection. */
  cancel(): void {
    this.#connect?.cancel();
    this.#connect = undefined;
  }

  /** The response, or that of a second request with other credentials. */
  async #recovered(response: Response, sent: Headers): Promise<Response> {
    const { sign, recover, nowMs } = this.#options;
    const { signal } = this.#recipient;
    try {
      const isRecovered = await recover?.({ headers: response.headers, sent, nowMs });
      signal.throwIfAborted();
      if (isRecovered !== true) return response;
    } catch (error) {
      discard(response);
      throw error;
    }
    discard(response);
    const again = await sign(this.#request, nowMs);
    signal.throwIfAborted();
    return await this.#fetch(again);
  }

  async #fetch(headers: Headers): Promise<Response> {
    const { timers, timeouts: { connectMs } } = this.#options;
    this.#connect = timers.after(connectMs, () => this.#checkConnection());
    const startMs = timers.clock.monotonic();
    try {
      return await this.#fetchOnce(headers);
    } catch (cause) {
      const isFresh = timers.clock.monotonic() - startMs <= DEAD_CONNECTION_MS;
      if (!isFresh || this.#recipient.signal.aborted || !isReset(cause)) throw unreachable(cause);
      return await this.#fetchOnce(headers).catch((again) => Promise.reject(unreachable(again)));
    } finally {
      this.cancel();
    }
  }

  #fetchOnce(headers: Headers): Promise<Response> {
    const { url, method, body } = this.#request;
    const { signal } = this.#recipient;
    const init = body === undefined ? { method, signal, headers } : { method, body, signal, headers };
    return this.#options.fetch(url, init);
  }

  /**
   * `fetch` does not distinguish a connection that cannot be made from a model that is slow to respond, so after the
   * connect timeout a separate connection finds out: an unreachable host fails after at most twice that time.
   */
  async #checkConnection(): Promise<void> {
    const { probe, timeouts } = this.#options;
    const connect = this.#connect;
    if (probe === undefined || await probe(this.#request.url, timeouts.connectMs)) return;
    // The response may have arrived in the meantime, and a second request may even have followed.
    if (this.#connect === connect) this.#recipient.end(new AditError("upstream_unreachable"));
  }
}

/**
 * On a pooled connection that the peer has closed, a request fails at once, before it could have an effect; on one that
 * is lost later, it may have had one.
 */
const DEAD_CONNECTION_MS = 1_000;

function isReset(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === "ECONNRESET" || code === "EPIPE";
}

function unreachable(cause: unknown): AditError {
  return new AditError("upstream_unreachable", undefined, { cause });
}

/** Releases the connection of a response that is not wanted. */
export function discard({ body }: Response): void {
  body?.cancel().catch(() => {});
}
