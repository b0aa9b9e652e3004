/** The traffic threads that have been started and have not ended, each with a number and its part of the shared store. */

import { MAX_THREADS } from "../../store/name_index.ts";
import type { SharedStore, StoreAccess } from "../../store/shared.ts";
import type { Lesson, ThreadData } from "./thread_messages.ts";
import { TrafficThread, type TrafficThreadOptions } from "./traffic_thread.ts";

export interface LiveThreadsOptions extends Omit<TrafficThreadOptions, "data" | "onLearned" | "onEnd"> {
  readonly store: SharedStore;
  /** What a thread is started with, apart from its access to the store. */
  readonly data: () => Omit<ThreadData, "access">;
  readonly onLearned: (lesson: Lesson, from: TrafficThread) => void;
  /** Called when a thread ends by itself. */
  readonly onEnd: (thread: TrafficThread, reason: string) => void;
}

/** Starts threads, and keeps track of them until they end. */
export class LiveThreads {
  readonly #options: LiveThreadsOptions;
  readonly #accesses = new Map<TrafficThread, StoreAccess>();

  constructor(options: LiveThreadsOptions) {
    this.#options = options;
  }

  /** All of them, whether they serve or not. */
  get all(): readonly TrafficThread[] {
    return [...this.#accesses.keys()];
  }

  has(thread: TrafficThread): boolean {
    return this.#accesses.has(thread);
  }

  /** Starts a thread. Throws if there is no number left for it. */
  start(): TrafficThread {
    const { store, data, onLearned, onEnd, ...options } = this.#options;
    const used = new Set([...this.#accesses.values()].map(({ thread }) => thread));
    const number = Array.from({ length: MAX_THREADS - 1 }, (_, index) => index + 1)
      .find((each) => !used.has(each));
    if (number === undefined) throw new Error("threads of earlier configurations still answer requests");
    const access = store.accessFor(number);
    const thread: TrafficThread = new TrafficThread({
      ...options,
      data: { ...data(), access },
      onLearned: (lesson) => onLearned(lesson, thread),
      onEnd: (reason) => {
        this.#giveBack(thread);
        onEnd(thread, reason);
      },
    });
    this.#accesses.set(thread, access);
    return thread;
  }

  /** Ends a thread, whatever it is doing. */
  async end(thread: TrafficThread): Promise<void> {
    await thread.end();
    this.#giveBack(thread);
  }

  #giveBack(thread: TrafficThread): void {
    const access = this.#accesses.get(thread);
    if (access === undefined) return;
    this.#accesses.delete(thread);
    this.#options.store.giveBack(access);
  }
}
