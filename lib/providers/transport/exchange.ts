/** One signed HTTP exchange with a provider: its deadlines, its bytes, and how it is ended early. */

import { concat, EMPTY, MAX_ONE_PIECE_BYTES } from "../../base/bytes.ts";
import { AditError } from "../../base/errors.ts";
import type { Deadline } from "../../base/clock.ts";
import type { Timeouts } from "../../snapshot/snapshot.ts";
import type { BodyReader, OpenBody } from "../../runtime/runtime.ts";
import type { SignableRequest } from "../../aws/sigv4/sign.ts";
import { discard, type Recipient, Sending, type SendOptions } from "./send.ts";

export interface ExchangeOptions extends SendOptions {
  /** How response bodies are read. */
  readonly openBody?: OpenBody | undefined;
  readonly timeouts: ExchangeTimeouts;
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

/** The state of an exchange: each phase has only the members that it needs. */
type Phase = Unanswered | Answered | { readonly kind: "complete" } | Failed;

interface Unanswered {
  readonly kind: "sending";
  /** The promise of the head; undefined while nobody waits for it. */
  waiting: PromiseWithResolvers<Head> | undefined;
}

interface Answered {
  /** While nobody reads, the exchange waits for a slow client. */
  kind: "paused" | "reading";
  readonly response: Response;
  /** Reader of the body; undefined until the first chunk is requested. */
  reader: BodyReader | undefined;
}

/** The callbacks of each read of an open stream; an async function for each chunk would allocate more objects. */
interface AfterRead {
  /** The chunk that was read; undefined at the end of the body. Throws the error that ended the exchange. */
  take(result?: ReadableStreamReadResult<Uint8Array<ArrayBuffer>>): Uint8Array<ArrayBuffer> | undefined;
  /** Throws the error for a failed read. */
  lose(cause: unknown): undefined;
}

interface Failed {
  readonly kind: "failed";
  readonly error: AditError;
}

/**
 * Sends one request and returns its response chunk by chunk. If it is ended early (by a deadline, the client or a
 * shutdown), the next step throws the reason.
 */
export class Exchange implements Recipient {
  readonly #aborter = new AbortController();
  readonly #options: ExchangeOptions;
  /** Until the response has arrived: it references the body of the request, which an open stream must not retain. */
  #sending: Sending | undefined;
  #phase: Phase = { kind: "sending", waiting: undefined };
  #head: Head | undefined;
  /** The first-byte deadline, then the deadline of the next chunk. */
  readonly #progress: Deadline;
  readonly #total: Deadline | undefined;
  #firstToken: Deadline | undefined;
  /** Made by the first read. */
  #afterRead: AfterRead | undefined;

  /** Starts sending; `head` waits for the response. */
  constructor(request: SignableRequest, options: ExchangeOptions) {
    const { timers, timeouts: { firstByteMs, firstTokenMs, totalMs } } = options;
    this.#options = options;
    this.#progress = timers.after(firstByteMs, () => this.#noProgress());
    this.#total = totalMs === undefined
      ? undefined
      : timers.after(totalMs, () => this.end(timedOut("finish", totalMs)));
    this.#firstToken = firstTokenMs === undefined
      ? undefined
      : timers.after(firstTokenMs, () => this.end(timedOut("start", firstTokenMs)));
    this.#sending = new Sending(request, options, this);
    void this.#sending.start();
  }

  /** Aborts when the exchange has ended early. */
  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /** Whether the provider has answered with status 200. */
  get isAccepted(): boolean {
    return this.#head?.status === 200;
  }

  /** The headers of the response; undefined before they have arrived. */
  get responseHeaders(): Headers | undefined {
    return this.#head?.headers;
  }

  /** Records that the response has content. */
  contentBegan(): void {
    this.#firstToken?.cancel();
    // Its callback references the request.
    this.#firstToken = undefined;
  }

  /** Status and headers of the response. Throws an AditError if there is none. */
  head(): Promise<Head> {
    const phase = this.#phase;
    if (phase.kind === "sending") return (phase.waiting ??= Promise.withResolvers<Head>()).promise;
    if (this.#head !== undefined) return Promise.resolve(this.#head);
    return Promise.reject(phase.kind === "failed" ? phase.error : new AditError("internal"));
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
    if (!(declared <= Math.min(maxBytes, MAX_ONE_PIECE_BYTES))) return await this.#readPieces(maxBytes);
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

  async #readPieces(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
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
        phase.waiting?.reject(error);
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
    this.#sending?.cancel();
    this.#sending = undefined;
  }

  /** Accepts the response, unless the exchange has been ended in the meantime. */
  arrive(response: Response): void {
    if (this.#phase.kind !== "sending") {
      discard(response);
      return;
    }
    const { waiting } = this.#phase;
    this.#phase = { kind: "paused", response, reader: undefined };
    this.#sending = undefined;
    this.#head = { status: response.status, headers: response.headers };
    this.#progress.restart(this.#options.timeouts.idleMs);
    waiting?.resolve(this.#head);
  }

  /** The response; undefined after the end of its body. Throws the error that ended the exchange. */
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

  /**
   * Begins to wait, within the upstream's idle timeout; undefined after the end. Throws the error that ended the
   * exchange.
   */
  #startReading(): Answered | undefined {
    const answer = this.#answer();
    if (answer === undefined) return undefined;
    this.#progress.extend(this.#options.timeouts.idleMs);
    answer.kind = "reading";
    return answer;
  }

  /** Ends the wait. Throws the error that ended the exchange. */
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

  #noProgress(): void {
    const { firstByteMs, idleMs } = this.#options.timeouts;
    if (this.#phase.kind === "sending") this.end(timedOut("start", firstByteMs));
    else if (this.#phase.kind === "reading") this.end(timedOut("continue", idleMs));
    // While nobody reads, silence is not the upstream's fault.
    else this.#progress.restart(idleMs);
  }
}

function timedOut(step: "start" | "continue" | "finish", limitMs: number): AditError {
  return new AditError("timeout", `the model's response did not ${step} within ${limitMs / 1000} s`);
}
