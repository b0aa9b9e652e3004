/**
 * Admission: before a request is sent, what it may use is taken in one step; when it has ended, it is settled once.
 */

import type { Clock, TimerWheel } from "../../base/clock.ts";
import type { AditError, RefusingLimit } from "../../base/errors.ts";
import type { Spent } from "../../base/usage.ts";
import type { Caller } from "../../snapshot/snapshot.ts";
import type { Dialect } from "../dialect.ts";
import type { Line } from "../limits/line.ts";
import type { Asked, Counted } from "./asked.ts";
import type { Ending, Price, Running } from "./ending.ts";
import type { Sizes } from "./sizes.ts";

/** What a request has taken from one meter. Either `cancel` or `settle` is called, once. */
export interface Held {
  /** Rules that would have refused the request if they were enforced. */
  readonly shadowed?: readonly RefusingLimit[];
  /** Gives everything back, as if the request had never been made. */
  cancel(): void;
  /** Replaces what was taken by what the request has used and by its cost, which is undefined if unknown. */
  settle(spent: Spent, costNano: number | undefined): void;
  /** Gives back what is only held while a client waits; the rest is settled later. */
  release?(): void;
  /**
   * Takes what a running stream has used beyond what it holds. If not enough is left, returns the refusal that ends the
   * stream. Present only if this meter ends streams.
   */
  readonly outgrow?: ((spent: Spent, costNano: number | undefined) => AditError | undefined) | undefined;
  /** Adds headers that report what is left at this time of the monotonic clock. */
  addHeaders?(headers: Headers, nowMs: number): void;
}

/** What is known about a request before its body is read. */
export interface Asker {
  readonly caller: Caller;
  readonly counts: Counted;
  readonly dialect: Dialect;
  /** When it arrived, by the monotonic clock. */
  readonly arrivedMs: number;
}

/** One kind of limit, such as rates or budgets. Takes all that a request needs or nothing, without waiting. */
export interface Meter {
  /** The refusal that no body could avoid, known before it is read; takes nothing. */
  peek?(asker: Asker): AditError | undefined;
  /** Undefined if nothing of this meter applies to the request. */
  take(asked: Asked): Taken | undefined;
}

export type Taken =
  | { readonly held: Held; readonly refused?: undefined }
  | Refused;

interface Refused {
  readonly held?: undefined;
  readonly refused: AditError;
  /** Present if the request may wait. */
  readonly wait?: Wait;
  /** The model to which the request may be sent instead. */
  readonly use?: Substitute | undefined;
}

/** The model to which a spent budget sends requests for others. */
export interface Substitute {
  readonly model: string;
  readonly budget: string;
}

/** A refusal of a request that another model may serve. */
export interface Elsewhere {
  readonly refused: AditError;
  readonly use: Substitute;
}

/** A place in a line, for a request that may wait. */
export interface Wait {
  readonly line: Line;
  /** The longest time to wait. */
  readonly withinMs: number;
  /** When to try again. */
  readonly retryMs: number;
  /** Called when the request is refused in the end. */
  readonly onGivenUp: () => void;
}

/** Everything that one request has taken. */
export class Hold {
  readonly #asked: Asked;
  readonly #held: readonly Held[];
  readonly #sizes: Sizes;
  #spent: Spent | undefined;

  constructor(asked: Asked, held: readonly Held[], sizes: Sizes) {
    this.#asked = asked;
    this.#held = held;
    this.#sizes = sizes;
  }

  /** What is known about the request's size. */
  get asked(): Asked {
    return this.#asked;
  }

  /** Rules in the mode `shadow` that would have refused the request. */
  get shadowed(): readonly RefusingLimit[] {
    return this.#held.length === 0 ? NONE : this.#held.flatMap(({ shadowed = [] }) => shadowed);
  }

  /** Settles everything at the first call; returns what the request has used. */
  close(ending: Ending): Spent {
    if (this.#spent !== undefined) return this.#spent;
    this.#spent = this.#sizes.settle(this.#asked, ending);
    if (this.#held.length === 0) return this.#spent;
    const costNano = ending.price?.costOf(this.#spent);
    for (const held of this.#held) held.settle(this.#spent, costNano);
    return this.#spent;
  }

  /** Gives back what is only held while a client waits. */
  release(): void {
    for (const held of this.#held) held.release?.();
  }

  /** Whether a meter may end the response while it is streamed. */
  get endsStreams(): boolean {
    for (const { outgrow } of this.#held) if (outgrow !== undefined) return true;
    return false;
  }

  /** Takes what a running stream has used beyond what it holds; returns the refusal if a meter has not enough left. */
  outgrow(running: Running, price: Price): AditError | undefined {
    const spent = this.#sizes.running(this.#asked, running);
    const costNano = price.costOf(spent);
    for (const held of this.#held) {
      const refused = held.outgrow?.(spent, costNano);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  /** What the request counts as. */
  get counts(): Counted {
    return this.#asked.parts.counts;
  }

  /** Adds headers that report what is left at this time of the monotonic clock. */
  addHeaders(headers: Headers, nowMs: number): void {
    for (const held of this.#held) held.addHeaders?.(headers, nowMs);
  }
}

const NONE: readonly RefusingLimit[] = [];

/** How long a request can wait, and what ends its wait early; only read if it has to wait. */
export interface Patience {
  readonly remainingMs: number;
  /** Aborted with the error that ends the request. */
  readonly ended: AbortSignal;
}

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  /** The meters, in the order in which they are asked. */
  readonly meters: readonly Meter[];
  readonly sizes: Sizes;
}

/** Takes from every meter, or from none. */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Throws the refusal that no body could avoid, before the body is read. */
  peek(asker: Asker): void {
    for (const meter of this.#options.meters) {
      const refused = meter.peek?.(asker);
      if (refused !== undefined) throw refused;
    }
  }

  /**
   * Takes everything for the request, or nothing if another model may serve it; waits only if it has to. Throws or
   * rejects with the refusal, with nothing taken.
   */
  admit(asked: Asked, patience: Patience): Hold | Elsewhere | Promise<Hold | Elsewhere> {
    const taken = this.#take(asked);
    if (taken instanceof Hold) return taken;
    if (taken.wait === undefined) return elsewhere(taken);
    return this.#wait(asked, taken, patience);
  }

  #take(asked: Asked): Hold | Refused {
    const all: Held[] = [];
    for (const meter of this.#options.meters) {
      const taken = meter.take(asked);
      if (taken === undefined) continue;
      if (taken.refused !== undefined) {
        for (const held of all) held.cancel();
        return taken;
      }
      all.push(taken.held);
    }
    return new Hold(asked, all, this.#options.sizes);
  }

  /** Waits in the line of the limit that refuses, until all limits admit the request or the time is over. */
  async #wait(asked: Asked, refused: Refused, { remainingMs, ended }: Patience): Promise<Hold | Elsewhere> {
    const { clock } = this.#options;
    const startMs = clock.monotonic();
    let result: Hold | Refused = refused;
    while (!(result instanceof Hold)) {
      const { wait, use } = result;
      if (use !== undefined) return { refused: result.refused, use };
      const untilMs = startMs + Math.min(wait?.withinMs ?? 0, remainingMs);
      if (wait === undefined || clock.monotonic() >= untilMs || !wait.line.enter(asked.parts.id)) {
        throw givenUp(result);
      }
      result = await this.#stand(asked, { refused: result, wait, untilMs, ended });
    }
    return result;
  }

  /** Waits in one line, until the request is admitted or another limit refuses it. Throws when the time is over. */
  async #stand(asked: Asked, { refused, wait: { line }, untilMs, ended }: Stay): Promise<Hold | Refused> {
    const { clock, timers } = this.#options;
    const { id } = asked.parts;
    let last: Hold | Refused = refused;
    try {
      while (!(last instanceof Hold) && last.wait?.line === line) {
        const leftMs = untilMs - clock.monotonic();
        if (leftMs <= 0) throw givenUp(last);
        // Only the first in the line retries on its own; the others are woken when they become the first.
        const ms = line.blocks(id) ? leftMs : Math.min(leftMs, last.wait.retryMs);
        await line.pause(id, { ms, ended, timers });
        last = this.#take(asked);
      }
    } finally {
      line.leave(id);
    }
    return last;
  }
}

/** The refusal with the other model; throws it if there is none. */
function elsewhere({ refused, use }: Refused): Elsewhere {
  if (use === undefined) throw refused;
  return { refused, use };
}

function givenUp({ refused, wait }: Refused): AditError {
  wait?.onGivenUp();
  return refused;
}

interface Stay {
  readonly refused: Refused;
  readonly wait: Wait;
  readonly untilMs: number;
  readonly ended: AbortSignal;
}
