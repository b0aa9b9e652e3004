/** The signals that `adit serve` handles, from the start. */

import process from "node:process";

import type { Clock } from "../../base/clock.ts";

export type StopSignal = "SIGTERM" | "SIGINT";

/** Handlers of the signals once the gateway runs. */
export interface SignalHandlers {
  reload(): void;
  /** The first signal to stop, which may have arrived during the start. */
  stop(signal: StopSignal): void;
  /** A later signal: the operator does not want to wait. */
  stopNow(signal: StopSignal): void;
  /** A signal so soon after the first that it is the same one, sent twice. */
  ignored(signal: StopSignal): void;
}

/** Source of signals: `process`, except in tests. */
export interface SignalSource {
  on(signal: StopSignal | "SIGHUP", listener: () => void): unknown;
}

/** A terminal, `make` and a supervisor may each forward a signal to all their child processes. */
const SAME_SIGNAL_MS = 1_000;

/** Keeps signals that arrive before they can be handled, which would otherwise end the process. */
export class Signals {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #stopped = Promise.withResolvers<StopSignal>();
  #handlers: SignalHandlers | undefined;
  #stopSignal: StopSignal | undefined;
  #stopAtMs = 0;
  #mustReload = false;

  constructor(clock: Pick<Clock, "monotonic">, source: SignalSource = process) {
    this.#clock = clock;
    source.on("SIGHUP", () => this.#reload());
    for (const signal of ["SIGTERM", "SIGINT"] as const) source.on(signal, () => this.#stop(signal));
  }

  /** Resolves at the first signal to stop. */
  get stopped(): Promise<StopSignal> {
    return this.#stopped.promise;
  }

  /** Sets the handlers, and calls them for signals that have already arrived. */
  handle(handlers: SignalHandlers): void {
    this.#handlers = handlers;
    if (this.#stopSignal !== undefined) handlers.stop(this.#stopSignal);
    else if (this.#mustReload) handlers.reload();
  }

  #reload(): void {
    this.#mustReload = true;
    this.#handlers?.reload();
  }

  #stop(signal: StopSignal): void {
    const now = this.#clock.monotonic();
    if (this.#stopSignal === undefined) {
      this.#stopSignal = signal;
      this.#stopAtMs = now;
      this.#handlers?.stop(signal);
      this.#stopped.resolve(signal);
    } else if (now - this.#stopAtMs < SAME_SIGNAL_MS) {
      this.#handlers?.ignored(signal);
    } else {
      this.#handlers?.stopNow(signal);
    }
  }
}
