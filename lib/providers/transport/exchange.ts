/** One signed HTTP exchange with a provider: its deadlines, its bytes, and how it is ended early. */

import { concat, EMPTY, MAX_ONE_PIECE_BYTES } from "../../base/bytes.ts";
import { AditError, toAditError } from "../../base/errors.ts";
import type { Deadline, TimerWheel } from "../../base/clock.ts";
import type { Timeouts } from "../../snapshot/snapshot.ts";
import type { BodyReader, Fetch, OpenBody } from "../../runtime/runtime.ts";
import type { Authenticator } from "../../aws/keys/authenticator.ts";
import type { SignableRequest } from "../../aws/sigv4/sign.ts";
import { discard, sendSigned } from "./send.ts";

/** Resolves whether a TCP connection to the URL's host succeeds within the time; never rejects. */
export type ProbeConnection = (url: string, withinMs: number) => Promise<boolean>;

export interface ExchangeOptions extends Authenticator {
  readonly fetch: Fetch;
  /** How response bodies are read. */
  readonly openBody?: OpenBody | undefined;
  readonly timers: TimerWheel;
  readonly timeouts: ExchangeTimeouts;
  readonly nowMs: number;
  /**
   * Undefined if the gateway makes no connection of its own: for the emulator.
   */
  readonly probe: ProbeConnection | undefined;
}

/** The time limits that an exchange enforces itself; for others, call `end`. */
export type ExchangeTimeouts =
  & Pick<Timeouts, "connectMs" | "firstByteMs" | "idleMs">
  & Partial<Pick<Timeouts, "totalMs">>
  & {
    /** From the start to the first content, reported by `contentBegan`; undefined for no limit. */
    readonly firstTokenMs?: number | undefined;
  };

/** A response whose status and headers have arrived. */
export interface Head {
  readonly status: number;
  readonly headers: Headers;
}

/** The state of an exchange: each phase holds only what it needs. */
type Phase = Sending | Answered | { readonly kind: "complete" } | Failed;

interface Sending {
  readonly kind: "sending";
  /** Settle the promise of the head. */
  readonly resolve: (head: Head) => void;
  readonly reject: (error: AditError) => void;
}

interface Answered {
  /** While nobody reads, the exchange waits for a slow client. */
  kind: "paused" | "reading";
  readonly response: Response;
  /** Reader of the body; undefined until the first chunk is requested. */
  reader: BodyReader | undefined;
}

/** An open stream waits with these instead of an async function for each chunk, which takes more objects. */
interface AfterRead {
  /** The chunk that was read; undefined at the end of the body. Throws what has ended the exchange. */
  take(result?: ReadableStreamReadResult<Uint8Array<ArrayBuffer>>): Uint8Array<ArrayBuffer> | undefined;
  /** Throws what a failed read means. */
  lose(cause: unknown): undefined;
}

interface Failed {
  readonly kind: "failed";
  readonly error: AditError;
}

/**
 * Sends one request and returns its response chunk by chunk. Whatever ends it early (a deadline, the client, a
 * shutdown) is thrown by the next step.
 */
export class Exchange {
  readonly #aborter = new AbortController();
  readonly #options: ExchangeOptions;
  readonly #head: Promise<Head>;
  #phase: Phase;
  #isAccepted = false;
  #headers: Headers | undefined;
  /** The first-byte deadline, then the deadline of the next chunk. */
  #progress: Deadline;
  readonly #total: Deadline | undefined;
  #firstToken: Deadline | undefined;
  /** The wait for the response's head. */
  #connect: Deadline | undefined;
  /** What follows a read of the body, made for the first one. */
  #afterRead: AfterRead | undefined;

  /** Starts sending; `head` waits for the response. */
  constructor(request: SignableRequest, options: ExchangeOptions) {
    const { timers, timeouts: { firstByteMs, firstTokenMs, totalMs } } = options;
    this.#options = options;
    const { promise, resolve, reject } = Promise.withResolvers<Head>();
    this.#head = promise;
    // The caller of `head` sees the failure; without one, the rejection must not crash the process.
    promise.catch(() => {});
    this.#phase = { kind: "sending", resolve, reject };
    this.#progress = timers.after(firstByteMs, () => this.end(timedOut("start", firstByteMs)));
    this.#total = totalMs === undefined
      ? undefined
      : timers.after(totalMs, () => this.end(timedOut("finish", totalMs)));
    this.#firstToken = firstTokenMs === undefined
      ? undefined
      : timers.after(firstTokenMs, () => this.end(timedOut("start", firstTokenMs)));
    const { sign, recover, nowMs } = options;
    sendSigned(request, {
      sign,
      recover,
      nowMs,
      fetch: (headers) => this.#fetch(request, headers),
      signal: this.#aborter.signal,
    }).then(
      (response) => this.#arrive(response),
      (cause) => this.end(toAditError(cause)),
    );
  }

  /** Whether the provider has answered with status 200. */
  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  /** The headers of the response; undefined before they have arrived. */
  get responseHeaders(): Headers | undefined {
    return this.#headers;
  }

  /** Records that the response has content. */
  contentBegan(): void {
    this.#firstToken?.cancel();
    // Its callback leads to the request.
    this.#firstToken = undefined;
  }

  /** Status and headers of the response. Throws an AditError if there is none. */
  head(): Promise<Head> {
    return this.#head;
  }

  /**
   * The next chunk of the body, or undefined at its end; call after `head` has resolved. Rejects with the AditError
   * that ended the exchange early.
   */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const answer = this.#startReading();
      if (answer === undefined) return Promise.resolve(undefined);
      const { take, lose } = this.#afterRead ??= this.#followReads(answer);
      const reader = answer.reader ??= this.#openBody(answer.response);
      return reader === undefined ? Promise.resolve(take()) : reader.read().then(take, lose);
    } catch (cause) {
      return Promise.reject(cause);
    }
  }

  #followReads(answer: Answered): AfterRead {
    return {
      take: (result) => {
        this.#stopReading(answer);
        if (result !== undefined && !result.done) return result.value;
        this.#leave({ kind: "complete" });
        return undefined;
      },
      lose: (cause) => {
        this.#breakOff(cause);
        this.#stopReading(answer);
        return undefined;
      },
    };
  }

  /** The whole body. Ends the exchange with `upstream_protocol` if it exceeds `maxBytes`. */
  async readAll(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const declared = Number(this.#answer()?.response.headers.get("content-length") ?? NaN);
    if (declared <= Math.min(maxBytes, MAX_ONE_PIECE_BYTES)) return await this.#readWhole();
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

  /** The whole body in one piece. */
  async #readWhole(): Promise<Uint8Array<ArrayBuffer>> {
    const answer = this.#startReading();
    if (answer === undefined) return EMPTY;
    let whole: Uint8Array<ArrayBuffer> | undefined;
    try {
      whole = await answer.response.bytes();
    } catch (cause) {
      this.#breakOff(cause);
    }
    this.#stopReading(answer);
    this.#leave({ kind: "complete" });
    return whole ?? EMPTY;
  }

  /**
   * Ends the exchange unless it has ended: the next read throws `error`, and the provider's work is cancelled.
   */
  end(error: AditError): void {
    const phase = this.#phase;
    switch (phase.kind) {
      case "complete":
      case "failed":
        return;
      case "sending":
        phase.reject(error);
        break;
      case "paused":
      case "reading":
        // Bun 1.4 frees an aborted stream's memory only if its reader was cancelled first.
        (phase.reader ?? phase.response.body)?.cancel().catch(() => {});
    }
    this.#leave({ kind: "failed", error });
    this.#aborter.abort(error);
  }

  /** Enters a final phase, which has no deadline. */
  #leave(last: Phase): void {
    this.#phase = last;
    this.#progress.cancel();
    this.#total?.cancel();
    this.#firstToken?.cancel();
    this.#connect?.cancel();
  }

  /** Accepts the response, unless the exchange has been ended in the meantime. */
  #arrive(response: Response): void {
    if (this.#phase.kind !== "sending") {
      discard(response);
      return;
    }
    const { resolve } = this.#phase;
    this.#phase = { kind: "paused", response, reader: undefined };
    this.#isAccepted = response.status === 200;
    this.#headers = response.headers;
    this.#progress.cancel();
    this.#progress = this.#watchSilence();
    resolve({ status: response.status, headers: response.headers });
  }

  /** The body's reader; undefined after its end. Throws what ended the exchange. */
  #answer(): Answered | undefined {
    const phase = this.#phase;
    switch (phase.kind) {
      case "sending":
        throw new AditError("internal", undefined, {
          cause: new Error("Cannot read an answer before its head"),
        });
      case "paused":
      case "reading":
        return phase;
      case "complete":
        return undefined;
      case "failed":
        throw phase.error;
    }
  }

  /** Begins to wait within the upstream's idle timeout; undefined after the end. Throws what ended the exchange. */
  #startReading(): Answered | undefined {
    const answer = this.#answer();
    if (answer === undefined) return undefined;
    this.#progress.extend(this.#options.timeouts.idleMs);
    answer.kind = "reading";
    return answer;
  }

  /** Ends the wait. Throws what has ended the exchange. */
  #stopReading(answer: Answered): void {
    answer.kind = "paused";
    if (this.#phase.kind === "failed") throw this.#phase.error;
  }

  #breakOff(cause: unknown): void {
    this.end(new AditError("stream_truncated", undefined, { cause }));
  }

  #openBody({ body }: Response): BodyReader | undefined {
    if (body === null) return undefined;
    return this.#options.openBody?.(body) ?? body.getReader();
  }

  async #fetch({ url, method, body }: SignableRequest, headers: Headers): Promise<Response> {
    const { fetch, timers, timeouts } = this.#options;
    this.#connect = timers.after(timeouts.connectMs, () => this.#checkConnection(url));
    const { signal } = this.#aborter;
    const startMs = timers.clock.monotonic();
    const send = () => fetch(url, { method, ...(body !== undefined && { body }), signal, headers });
    try {
      try {
        return await send();
      } catch (cause) {
        const isFresh = timers.clock.monotonic() - startMs <= DEAD_CONNECTION_MS;
        if (!isFresh || signal.aborted || !isReset(cause)) throw cause;
        return await send();
      }
    } catch (cause) {
      throw new AditError("upstream_unreachable", undefined, { cause });
    } finally {
      this.#connect.cancel();
      this.#connect = undefined;
    }
  }

  /** While nobody reads, silence is not the upstream's fault. */
  #watchSilence(): Deadline {
    const { timers, timeouts: { idleMs } } = this.#options;
    return timers.after(idleMs, () => {
      if (this.#phase.kind === "reading") this.end(timedOut("continue", idleMs));
      else this.#progress = this.#watchSilence();
    });
  }

  /**
   * `fetch` does not distinguish a connection that cannot be made from a model that is slow to respond, so after the
   * connect timeout a separate connection finds out: an unreachable host fails after at most twice that time.
   */
  async #checkConnection(url: string): Promise<void> {
    const { probe, timeouts } = this.#options;
    const connect = this.#connect;
    if (probe === undefined || await probe(url, timeouts.connectMs)) return;
    // The response may have arrived in the meantime, and a second request may even have followed.
    if (this.#connect === connect) this.end(new AditError("upstream_unreachable"));
  }
}

/**
 * A pooled connection that the peer has closed fails at once, before anything could come of the request; one that is lost
 * later may have carried it.
 */
const DEAD_CONNECTION_MS = 1_000;

function isReset(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === "ECONNRESET" || code === "EPIPE";
}

function timedOut(step: "start" | "continue" | "finish", limitMs: number): AditError {
  return new AditError("timeout", `the model's response did not ${step} within ${limitMs / 1000} s`);
}
