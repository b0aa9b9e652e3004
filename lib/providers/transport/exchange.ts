/** One signed HTTP exchange with a provider: its deadlines, its bytes, and how it is ended early. */

import { concat, EMPTY, MAX_ONE_PIECE_BYTES } from "../../base/bytes.ts";
import { AditError, toAditError } from "../../base/errors.ts";
import type { Deadline, TimerWheel } from "../../base/clock.ts";
import type { Timeouts } from "../../snapshot/snapshot.ts";
import type { BodyReader, Fetch, OpenBody } from "../../runtime/runtime.ts";
import type { Authenticator } from "../../aws/keys/authenticator.ts";
import type { SignableRequest } from "../../aws/sigv4/sign.ts";

/** Resolves whether a TCP connection to the URL's host can be made within the time; never rejects. */
export type ProbeConnection = (url: string, withinMs: number) => Promise<boolean>;

export interface ExchangeOptions extends Authenticator {
  readonly fetch: Fetch;
  /** How the bodies of its answers are read; left out where there is nothing to know about it. */
  readonly openBody?: OpenBody | undefined;
  readonly timers: TimerWheel;
  readonly timeouts: Timeouts;
  readonly nowMs: number;
  /** Undefined where no connection of our own is made: in the emulator, and behind a forward proxy. */
  readonly probe: ProbeConnection | undefined;
}

/** An answer whose status and headers have arrived. */
export interface Head {
  readonly status: number;
  readonly headers: Headers;
}

/**
 * Sends one request and gives its answer chunk by chunk. Whatever ends it early (a deadline, the client, a shutdown)
 * is what its next step throws.
 */
export class Exchange {
  readonly #aborter = new AbortController();
  readonly #options: ExchangeOptions;
  readonly #head: Promise<Head>;
  #response: Response | undefined;
  #reader: BodyReader | undefined;
  #failure: AditError | undefined;
  #answered = false;
  #reading = false;
  #finished = false;
  #progress: Deadline;
  readonly #total: Deadline;
  #connect: Deadline | undefined;
  /** Rejects what is waited for before there is an answer. */
  #giveUp: ((error: AditError) => void) | undefined;

  /** Begins to send; `head` waits for the answer. */
  constructor(request: SignableRequest, options: ExchangeOptions) {
    const { timers, timeouts } = options;
    this.#options = options;
    this.#progress = timers.after(
      timeouts.firstByteMs,
      () => this.end(timedOut("begun", timeouts.firstByteMs)),
    );
    this.#total = timers.after(timeouts.totalMs, () => this.end(timedOut("finished", timeouts.totalMs)));
    this.#head = this.#send(request);
    // Whoever waits for `head` sees the failure; an exchange that nobody waits for must not end the process.
    this.#head.catch(() => {});
  }

  /** Status and headers of the answer. Throws an AditError when there is none. */
  head(): Promise<Head> {
    return this.#head;
  }

  /**
   * The next chunk of the body, or undefined at its end; to be called after `head` has resolved. Throws the AditError
   * that ended the exchange early.
   */
  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#reader ??= this.#openBody();
    const result = await this.#untilSilence(() => this.#reader?.read());
    if (result === undefined || result.done) {
      this.#finish();
      return undefined;
    }
    return result.value;
  }

  /** The whole body. An `upstream_protocol` error ends the exchange when there are more than `maxBytes`. */
  async readAll(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const declared = Number(this.#response?.headers.get("content-length") ?? NaN);
    if (declared <= Math.min(maxBytes, MAX_ONE_PIECE_BYTES)) {
      const whole = await this.#untilSilence(() => this.#response?.bytes());
      this.#finish();
      return whole ?? EMPTY;
    }
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let total = 0;
    for (let chunk = await this.read(); chunk !== undefined; chunk = await this.read()) {
      total += chunk.length;
      if (total > maxBytes) {
        const error = new AditError("upstream_protocol");
        this.end(error);
        throw error;
      }
      chunks.push(chunk);
    }
    return concat(chunks, total);
  }

  /** What is read next, within the time that the upstream may be silent. Throws what ended the exchange. */
  async #untilSilence<Result>(read: () => Promise<Result> | undefined): Promise<Result | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#progress.extend(this.#options.timeouts.idleMs);
    this.#reading = true;
    let result;
    try {
      result = await read();
    } catch (cause) {
      this.end(new AditError("stream_truncated", undefined, { cause }));
    }
    this.#reading = false;
    if (this.#failure !== undefined) throw this.#failure;
    return result;
  }

  /** Ends the exchange, unless it has ended: what is read next throws `error`, and the provider's work is cancelled. */
  end(error: AditError): void {
    if (this.#finished) return;
    this.#failure = error;
    this.#finish();
    // Bun 1.4 frees an aborted stream's memory only if its reader was cancelled first.
    (this.#reader ?? this.#response?.body)?.cancel().catch(() => {});
    this.#aborter.abort();
    this.#giveUp?.(error);
  }

  #openBody(): BodyReader | undefined {
    const body = this.#response?.body ?? undefined;
    return body && (this.#options.openBody?.(body) ?? body.getReader());
  }

  #finish(): void {
    this.#finished = true;
    this.#progress.cancel();
    this.#total.cancel();
    this.#connect?.cancel();
  }

  async #send(request: SignableRequest): Promise<Head> {
    const { sign, nowMs } = this.#options;
    let headers = await this.#unlessEnded(sign(request, nowMs));
    let response = await this.#fetch(request, headers);
    if (await this.#mayRecover(response, headers)) {
      discard(response);
      headers = await this.#unlessEnded(sign(request, nowMs));
      response = await this.#fetch(request, headers);
    }
    this.#progress.cancel();
    this.#progress = this.#watchSilence();
    this.#response = response;
    return { status: response.status, headers: response.headers };
  }

  /** The step's result, or at once what ended the exchange before it came. */
  async #unlessEnded<Result>(step: Promise<Result>): Promise<Result> {
    let result: Result;
    try {
      result = await new Promise<Result>((resolve, reject) => {
        this.#giveUp = reject;
        step.then(resolve, reject);
      });
    } catch (cause) {
      throw this.#fail(toAditError(cause));
    }
    if (this.#failure !== undefined) throw this.#failure;
    return result;
  }

  /** Whether to sign and send once more: the answer is a refusal of the credentials, and there are others now. */
  async #mayRecover(response: Response, sent: Headers): Promise<boolean> {
    const { recover, nowMs } = this.#options;
    const { status, headers } = response;
    if (recover === undefined || status < 400 || status >= 500) return false;
    try {
      return await this.#unlessEnded(recover({ headers, sent, nowMs }));
    } catch (error) {
      discard(response);
      throw error;
    }
  }

  async #fetch({ url, method, body }: SignableRequest, headers: Headers): Promise<Response> {
    const { fetch, timers, timeouts } = this.#options;
    this.#connect = timers.after(timeouts.connectMs, () => this.#checkConnection(url));
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        signal: this.#aborter.signal,
      });
    } catch (cause) {
      throw this.#fail(new AditError("upstream_unreachable", undefined, { cause }));
    }
    this.#answered = true;
    this.#connect.cancel();
    if (this.#failure === undefined) return response;
    discard(response);
    throw this.#failure;
  }

  /** Ends the exchange, and gives what ended it first. */
  #fail(error: AditError): AditError {
    this.end(error);
    return this.#failure ?? error;
  }

  /** While nobody reads, a slow client is what is waited for, and nothing is said of the upstream. */
  #watchSilence(): Deadline {
    const { timers, timeouts: { idleMs } } = this.#options;
    return timers.after(idleMs, () => {
      if (this.#reading) this.end(timedOut("gone on", idleMs));
      else this.#progress = this.#watchSilence();
    });
  }

  /**
   * `fetch` does not tell a connection that cannot be made from a model that is slow to answer, so after the connect
   * deadline a connection of our own finds out: a host that cannot be reached fails after twice that time at most.
   */
  async #checkConnection(url: string): Promise<void> {
    const { probe, timeouts } = this.#options;
    if (probe === undefined || await probe(url, timeouts.connectMs)) return;
    if (!this.#answered) this.end(new AditError("upstream_unreachable"));
  }
}

/** Gives the connection of an answer that is not wanted back. */
function discard({ body }: Response): void {
  body?.cancel().catch(() => {});
}

function timedOut(step: "begun" | "gone on" | "finished", limitMs: number): AditError {
  return new AditError("timeout", `the model's answer has not ${step} within ${limitMs / 1000} s`);
}
