/** The main thread's side of the ledger: a queue of settled requests, which are written in batches, and queries. */

import type { Clock, Deadline, TimerWheel } from "../base/clock.ts";
import type { Logger } from "../base/log/log.ts";
import type { RequestRecord } from "../snapshot/record.ts";
import type { StateSettings } from "../snapshot/snapshot.ts";
import { LedgerError } from "./file.ts";
import type { FromLedger, KeptBudgets, LedgerPort } from "./messages.ts";
import type { RequestsQuery, StoredRequest, UsageQuery, UsageResult } from "./queries.ts";
import { RowQueue } from "./packed_rows.ts";
import { toRow } from "./row.ts";
import type { BudgetRow, UsedBefore } from "../snapshot/budget.ts";
import type { UsedQuery } from "./used.ts";
import type { Batch, LedgerEvent } from "./writer.ts";

export interface LedgerOptions {
  readonly startThread: () => LedgerPort;
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly settings: StateSettings;
}

/** Rows are written after this time, or at once when there are this many. */
const BATCH_MS = 250;
const BATCH_ROWS = 2_000;
/** Maximum number of rows that wait while the file cannot be written; further ones are dropped and counted. */
const MAX_QUEUED = 20_000;
const RETRY_MS = 1_000;
const LOG_EVERY_MS = 60_000;
/** How long a shutdown waits for the last batch. */
const CLOSE_MS = 5_000;

interface Question {
  readonly resolve: (message: FromLedger) => void;
  readonly reject: (error: Error) => void;
}

/** The state of the ledger, for the status page. */
export interface LedgerStatus {
  readonly path: string;
  readonly written: number;
  readonly queued: number;
  readonly dropped: number;
  /** Why rows cannot be written at present. */
  readonly error: string | undefined;
}

/** The ledger of a process. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #port: LedgerPort;
  #settings: StateSettings;
  readonly #queue = new RowQueue(BATCH_ROWS);
  #events: LedgerEvent[] = [];
  /** Budgets that changed since the last batch. */
  #changedBudgets: () => readonly BudgetRow[] = () => [];
  /** The batch that is being written. */
  #writing: Batch | undefined;
  #timer: Deadline | undefined;
  #written = 0;
  #dropped = 0;
  #error: string | undefined;
  #isOpen = false;
  #isClosed = false;
  #loggedMs = -Infinity;
  #lastId = 0;
  readonly #questions = new Map<number, Question>();
  #opening: PromiseWithResolvers<KeptBudgets> | undefined;
  #closing: PromiseWithResolvers<void> | undefined;
  #idle: PromiseWithResolvers<void>[] = [];

  private constructor(options: LedgerOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#port = options.startThread();
    this.#port.onMessage((message) => this.#receive(message));
    this.#port.onEnd((reason) => this.#fail(`the ledger's thread ended: ${reason}`));
  }

  /**
   * Opens the file and reads the state of budgets. Throws a `LedgerError` if the file belongs to another process or a
   * later version, or if it is required and cannot be used; otherwise the gateway runs without it.
   */
  static async open(options: LedgerOptions): Promise<{ ledger: Ledger; budgets: KeptBudgets }> {
    const ledger = new Ledger(options);
    try {
      return { ledger, budgets: await ledger.#open() };
    } catch (error) {
      const isFatal = !(error instanceof LedgerError) || error.reason !== "unusable" ||
        options.settings.required;
      if (isFatal) {
        ledger.#isClosed = true;
        ledger.#port.terminate();
        throw error;
      }
      ledger.#fail(error.message);
      return { ledger, budgets: { rows: [], definitions: undefined } };
    }
  }

  #open(): Promise<KeptBudgets> {
    this.#opening = Promise.withResolvers();
    this.#port.send({ kind: "open", folder: this.#settings.path, retention: this.#settings });
    return this.#opening.promise;
  }

  /** Applies reloaded settings; a new path only takes effect after a restart. */
  use(settings: StateSettings): void {
    if (settings.path !== this.#settings.path) {
      this.#options.logger.log("warn", "state.path takes effect after a restart", {
        path: this.#settings.path,
      });
    }
    this.#settings = { ...settings, path: this.#settings.path };
    this.#port.send({ kind: "retention", retention: this.#settings });
  }

  /** Sets the source of changed budgets, which are written together with the rows that changed them. */
  persist(changedBudgets: () => readonly BudgetRow[]): void {
    this.#changedBudgets = changedBudgets;
  }

  /** Queues a settled request; never waits and never throws. */
  readonly add = (record: RequestRecord): void => {
    if (this.#queue.length >= MAX_QUEUED) {
      this.#dropped++;
      this.#report();
      return;
    }
    this.#queue.add(toRow(record, this.#options.clock.now()));
    this.#schedule();
  };

  /** Queues an event. */
  note(event: Omit<LedgerEvent, "atMs">): void {
    this.#events.push({ ...event, atMs: this.#options.clock.now() });
    this.#schedule();
  }

  /** Schedules a write, because budgets have changed. */
  touch(): void {
    this.#schedule();
  }

  get status(): LedgerStatus {
    return {
      path: this.#settings.path,
      written: this.#written,
      queued: this.#queue.length + (this.#writing?.rows.count ?? 0),
      dropped: this.#dropped,
      error: this.#error,
    };
  }

  /** Whether the ledger does what its configuration requires. */
  get isReady(): boolean {
    return !this.#settings.required || this.#error === undefined;
  }

  /** Sums of usage, including every request settled so far. */
  async usage(query: UsageQuery): Promise<UsageResult> {
    const answer = await this.#ask((id) => ({ kind: "usage", id, query }));
    if (answer.kind !== "usage") throw unexpected(answer);
    return answer.result;
  }

  /** One page of requests, including every request settled so far. */
  async requests(query: RequestsQuery): Promise<readonly StoredRequest[]> {
    const answer = await this.#ask((id) => ({ kind: "requests", id, query }));
    if (answer.kind !== "requests") throw unexpected(answer);
    return answer.result;
  }

  /** What was used in a period, including every request settled so far. */
  async used(query: UsedQuery): Promise<readonly UsedBefore[]> {
    const answer = await this.#ask((id) => ({ kind: "used", id, query }));
    if (answer.kind !== "used") throw unexpected(answer);
    return answer.result;
  }

  /** Resolves when everything queued so far has been written, or writing has failed. */
  flush(): Promise<void> {
    // Changed budgets are not in the queue; the timer shows that some may wait for the next write.
    const isIdle = this.#isIdle() && this.#timer === undefined;
    if (!this.#isOpen || this.#error !== undefined || isIdle) return Promise.resolve();
    const idle = Promise.withResolvers<void>();
    this.#idle.push(idle);
    this.#write();
    return idle.promise;
  }

  /** Writes the rest of the queue and closes the file. */
  async close(): Promise<void> {
    let late: Deadline | undefined;
    const tooLate = new Promise<void>((resolve) => late = this.#options.timers.after(CLOSE_MS, resolve));
    await Promise.race([this.#finish(), tooLate]);
    late?.cancel();
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#port.terminate();
    const { path, queued, dropped, error } = this.status;
    if (queued === 0) return;
    this.#options.logger.log("error", "requests are missing from the ledger, which could not be written", {
      path,
      error,
      requests: queued + dropped,
    });
  }

  async #finish(): Promise<void> {
    await this.flush();
    if (!this.#isOpen) return;
    this.#closing = Promise.withResolvers();
    this.#port.send({ kind: "close" });
    await this.#closing.promise;
  }

  async #ask(question: (id: number) => Parameters<LedgerPort["send"]>[0]): Promise<FromLedger> {
    await this.flush();
    if (!this.#isOpen) throw new LedgerError("unusable", this.#error ?? "the ledger is closed");
    const id = ++this.#lastId;
    return await new Promise<FromLedger>((resolve, reject) => {
      this.#questions.set(id, { resolve, reject });
      this.#port.send(question(id));
    });
  }

  #isIdle(): boolean {
    return this.#writing === undefined && this.#queue.length === 0 && this.#events.length === 0;
  }

  #schedule(): void {
    if (this.#queue.length >= BATCH_ROWS && this.#error === undefined) this.#write();
    if (this.#timer !== undefined) return;
    this.#wait(BATCH_MS);
  }

  #wait(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.timers.after(ms, () => {
      this.#timer = undefined;
      this.#write();
    });
  }

  #write(): void {
    if (!this.#isOpen || this.#writing !== undefined) return;
    const budgets = this.#changedBudgets();
    if (this.#queue.length === 0 && this.#events.length === 0 && budgets.length === 0) {
      return this.#becomeIdle();
    }
    this.#writing = { rows: this.#queue.take(), events: this.#events, budgets };
    this.#events = [];
    this.#send(this.#writing);
  }

  #send(batch: Batch): void {
    this.#port.send({ kind: "write", batch, nowMs: this.#options.clock.now() });
  }

  #becomeIdle(): void {
    for (const idle of this.#idle.splice(0)) idle.resolve();
  }

  #receive(message: FromLedger): void {
    switch (message.kind) {
      case "opened":
        this.#isOpen = true;
        if (message.copy !== undefined) {
          this.#options.logger.log("info", "the ledger was upgraded; a copy of the old file was kept", {
            copy: message.copy,
          });
        }
        this.#opening?.resolve(message.budgets);
        return;
      case "not opened":
        this.#opening?.reject(new LedgerError(message.reason, message.message));
        return;
      case "written":
        return this.#onWritten();
      case "not written":
        return this.#onNotWritten(message.message);
      case "usage":
      case "requests":
      case "used":
        this.#questions.get(message.id)?.resolve(message);
        this.#questions.delete(message.id);
        return;
      case "failed":
        this.#questions.get(message.id)?.reject(new LedgerError("unusable", message.message));
        this.#questions.delete(message.id);
        return;
      case "closed":
        this.#isOpen = false;
        this.#closing?.resolve();
    }
  }

  #onWritten(): void {
    if (this.#writing !== undefined) {
      this.#written += this.#writing.rows.count;
      this.#queue.reuse(this.#writing.rows);
      this.#writing = undefined;
    }
    if (this.#error !== undefined) {
      this.#error = undefined;
      this.#options.logger.log("info", "the ledger can be written again", { dropped: this.#dropped });
    }
    // A flush also waits for the budgets that have changed in the meantime.
    if (this.#queue.length >= BATCH_ROWS || this.#idle.length > 0) return this.#write();
    if (!this.#isIdle()) this.#schedule();
  }

  /** Keeps the batch and retries it later. */
  #onNotWritten(message: string): void {
    this.#error = message;
    this.#becomeIdle();
    this.#report();
    this.#timer?.cancel();
    this.#timer = this.#options.timers.after(RETRY_MS, () => {
      this.#timer = undefined;
      if (this.#writing !== undefined) this.#send(this.#writing);
    });
  }

  /** Gives up on the file. */
  #fail(message: string): void {
    if (this.#isClosed) return;
    this.#isOpen = false;
    this.#error = message;
    this.#becomeIdle();
    this.#closing?.resolve();
    for (const { reject } of this.#questions.values()) reject(new LedgerError("unusable", message));
    this.#questions.clear();
    this.#opening?.reject(new LedgerError("unusable", message));
    this.#report();
  }

  /** Logs that rows are not written, at most once a minute. */
  #report(): void {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs - this.#loggedMs < LOG_EVERY_MS) return;
    this.#loggedMs = nowMs;
    const { path, error, queued, dropped } = this.status;
    this.#options.logger.log("error", "usage is not written to the ledger", { path, error, queued, dropped });
  }
}

function unexpected({ kind }: FromLedger): LedgerError {
  return new LedgerError("unusable", `unexpected message from the ledger's thread: ${kind}`);
}
