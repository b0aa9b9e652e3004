/** A traffic thread's report on its requests: records, log lines and changed budgets, sent in batches. */

import type { LogLevel } from "../../base/log/log.ts";
import type { BudgetIdentity } from "../../gateway/budgets/budget_states.ts";
import type { RequestRecord } from "../../snapshot/record.ts";
import type { Settled } from "./thread_messages.ts";

/** How long records and lines wait so that several share one message. */
const BATCH_MS = 10;
/** Records and characters of lines that may wait while the control plane is busy; more are dropped and counted. */
const MAX_RECORDS = 20_000;
const MAX_CHARS = 4 * 1024 * 1024;

/** Sends one batch at a time. */
export class Outbox {
  readonly #send: (batch: Settled) => Promise<void>;
  #records: RequestRecord[] = [];
  #levels: LogLevel[] = [];
  #lines = "";
  /** Each once, however many requests have changed it. */
  #budgets = new Set<BudgetIdentity>();
  #dropped = 0;
  #sending: Promise<void> | undefined;
  /** Called when the batch that is being collected has arrived. */
  #waiting: (() => void)[] = [];

  constructor(send: (batch: Settled) => Promise<void>) {
    this.#send = send;
  }

  readonly record = (record: RequestRecord): void => {
    if (this.#records.length >= MAX_RECORDS) this.#dropped++;
    else this.#records.push(record);
    this.#sending ??= this.#drain();
  };

  readonly line = (level: LogLevel, line: string): void => {
    if (this.#lines.length > MAX_CHARS) this.#dropped++;
    else {
      this.#levels.push(level);
      this.#lines += `${line}\n`;
    }
    this.#sending ??= this.#drain();
  };

  readonly budget = (changed: BudgetIdentity): void => {
    this.#budgets.add(changed);
    this.#sending ??= this.#drain();
  };

  /** Resolves when everything so far has arrived; it does not wait for what requests add meanwhile. */
  flush(): Promise<void> {
    if (this.#sending === undefined && this.#isEmpty()) return Promise.resolve();
    this.#sending ??= this.#drain();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #isEmpty(): boolean {
    const isQuiet = this.#records.length === 0 && this.#lines === "";
    return isQuiet && this.#budgets.size === 0 && this.#dropped === 0;
  }

  async #drain(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, BATCH_MS));
    try {
      while (!this.#isEmpty()) {
        const { batch, arrived } = this.#take();
        try {
          await this.#send(batch);
        } finally {
          for (const resolve of arrived) resolve();
        }
      }
    } finally {
      this.#sending = undefined;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  #take(): { readonly batch: Settled; readonly arrived: readonly (() => void)[] } {
    const batch = {
      records: JSON.stringify(this.#records),
      levels: this.#levels,
      lines: this.#lines,
      budgets: [...this.#budgets].map(({ name, definition, subject, window }) => ({
        name,
        definition,
        subject,
        window,
      })),
      dropped: this.#dropped,
    };
    this.#records = [];
    this.#levels = [];
    this.#lines = "";
    this.#budgets.clear();
    this.#dropped = 0;
    return { batch, arrived: this.#waiting.splice(0) };
  }
}
