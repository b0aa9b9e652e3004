/** What a traffic thread sends about its requests: records, log lines and changed budgets, in batches. */

import type { LogLevel } from "../../base/log/log.ts";
import type { BudgetIdentity } from "../../gateway/budgets/budget_states.ts";
import type { RequestRecord } from "../../snapshot/record.ts";
import type { Settled } from "./thread_messages.ts";

/** How long records and lines wait so that several share one message. */
const BATCH_MS = 10;
/** Waiting records, and characters of waiting lines, while the control plane is busy; further ones are dropped and counted. */
const MAX_RECORDS = 20_000;
const MAX_CHARS = 4 * 1024 * 1024;

/** One batch at a time is on its way. */
export class Outbox {
  readonly #send: (batch: Settled) => Promise<void>;
  #records: RequestRecord[] = [];
  #levels: LogLevel[] = [];
  #lines = "";
  /** Each once, however many requests have changed it. */
  #budgets = new Set<BudgetIdentity>();
  #dropped = 0;
  #sending: Promise<void> | undefined;

  constructor(send: (batch: Settled) => Promise<void>) {
    this.#send = send;
  }

  readonly record = (record: RequestRecord): void => {
    if (this.#records.length >= MAX_RECORDS) this.#dropped++;
    else this.#records.push(record);
    this.#sending ??= this.#drain(BATCH_MS);
  };

  readonly line = (level: LogLevel, line: string): void => {
    if (this.#lines.length > MAX_CHARS) this.#dropped++;
    else {
      this.#levels.push(level);
      this.#lines += `${line}\n`;
    }
    this.#sending ??= this.#drain(BATCH_MS);
  };

  readonly budget = (changed: BudgetIdentity): void => {
    this.#budgets.add(changed);
    this.#sending ??= this.#drain(BATCH_MS);
  };

  /** Resolves when everything so far has arrived. */
  async flush(): Promise<void> {
    while (this.#sending !== undefined || !this.#isEmpty()) {
      await (this.#sending ??= this.#drain(0));
    }
  }

  #isEmpty(): boolean {
    const isQuiet = this.#records.length === 0 && this.#lines === "";
    return isQuiet && this.#budgets.size === 0 && this.#dropped === 0;
  }

  async #drain(afterMs: number): Promise<void> {
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
    try {
      while (!this.#isEmpty()) {
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
        await this.#send(batch);
      }
    } finally {
      this.#sending = undefined;
    }
  }
}
