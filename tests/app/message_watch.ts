/** Watches what crosses threads, each message of which must be received quickly, however large the configuration is. */

import type { RunningWorker, StartWorker, WorkerName, WorkerOptions } from "../../lib/runtime/workers.ts";

/** Values in a message at most. */
const MAX_VALUES = 10_000;

/** What was seen of messages in either direction. */
export class MessageWatch {
  /** Messages that a receiver would be busy with for long, in words; empty if there is none. */
  readonly heavy: string[] = [];
  /** Pieces of configurations that traffic threads have been sent. */
  pieces = 0;
  /** Those that one thread had not yet read, at most. */
  maxUnread = 0;

  /** Starts a worker whose messages are watched. */
  watch(name: WorkerName, options: WorkerOptions, start: StartWorker): RunningWorker {
    const unread = new Set<number>();
    const worker = start(name, {
      ...options,
      onMessage: (message) => {
        this.#weigh(`from ${name}`, message, { maxViewBytes: Infinity });
        const { answered } = (message ?? {}) as { readonly answered?: number };
        if (answered !== undefined) unread.delete(answered);
        options.onMessage(message);
      },
    });
    return {
      end: () => worker.end(),
      send: (message) => {
        // On Deno, a worker visits each index of a view that it receives.
        this.#weigh(`to ${name}`, message, { maxViewBytes: 0 });
        const { ask, id } = (message ?? {}) as { readonly ask?: string; readonly id?: number };
        if (ask === "piece" && id !== undefined) {
          this.pieces++;
          this.maxUnread = Math.max(this.maxUnread, unread.add(id).size);
        }
        worker.send(message);
      },
    };
  }

  #weigh(way: string, message: unknown, { maxViewBytes }: { readonly maxViewBytes: number }): void {
    let values = 0;
    const visit = (value: unknown): void => {
      values++;
      if (ArrayBuffer.isView(value)) {
        if (value.byteLength > maxViewBytes) this.heavy.push(`${way}: a view of ${value.byteLength} bytes`);
      } else if (value instanceof Map) [...value].flat().forEach(visit);
      else if (value instanceof Set || Array.isArray(value)) [...value].forEach(visit);
      else if (typeof value === "object" && value !== null) Object.values(value).forEach(visit);
    };
    visit(message);
    if (values > MAX_VALUES) this.heavy.push(`${way}: ${values} values`);
  }
}
