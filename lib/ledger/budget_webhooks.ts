/** Sends the warnings of budgets to the operator's webhooks. */

import { encodeUtf8 } from "../base/bytes.ts";
import type { TimerWheel } from "../base/clock.ts";
import type { Logger } from "../base/log/log.ts";
import { type SealedSecret, unseal } from "../base/secret.ts";
import type { Fetch } from "../runtime/runtime.ts";
import type { BudgetWarning } from "../snapshot/budget.ts";

export interface BudgetWebhooksOptions {
  readonly fetch: Fetch;
  readonly timers: Pick<TimerWheel, "after">;
  readonly logger: Logger;
  readonly userAgent: string;
}

interface Delivery {
  readonly url: SealedSecret;
  readonly warning: BudgetWarning;
}

/** Maximum number of waiting deliveries; further ones are only logged. */
const MAX_WAITING = 100;
const TIMEOUT_MS = 10_000;
/** Pauses before the second, third and fourth attempt. */
const PAUSES_MS = [1_000, 5_000, 30_000] as const;

/** Makes one delivery at a time. Warnings that cannot be delivered are not lost, as the log contains them all. */
export class BudgetWebhooks {
  readonly #options: BudgetWebhooksOptions;
  readonly #waiting: Delivery[] = [];
  #sending: Promise<void> | undefined;

  constructor(options: BudgetWebhooksOptions) {
    this.#options = options;
  }

  /** Queues a warning for a URL; never waits and never throws. */
  send(url: SealedSecret, warning: BudgetWarning): void {
    if (this.#waiting.length >= MAX_WAITING) return this.#report(warning, "too many warnings are waiting");
    this.#waiting.push({ url, warning });
    this.#sending ??= this.#run();
  }

  /** Resolves when every warning has been delivered or given up. */
  get idle(): Promise<void> {
    return this.#sending ?? Promise.resolve();
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const failure = await this.#deliver(next);
      if (failure !== undefined) this.#report(next.warning, failure);
    }
    this.#sending = undefined;
  }

  /** Delivers one warning; returns the reason if it cannot. */
  async #deliver(delivery: Delivery): Promise<string | undefined> {
    for (let attempt = 0;; attempt++) {
      const { failure, mayRepeat } = await this.#try(delivery);
      const pauseMs = PAUSES_MS[attempt];
      if (failure === undefined || !mayRepeat || pauseMs === undefined) return failure;
      await new Promise<void>((resolve) => this.#options.timers.after(pauseMs, resolve));
    }
  }

  async #try({ url, warning }: Delivery) {
    const abort = new AbortController();
    const late = this.#options.timers.after(TIMEOUT_MS, () => abort.abort());
    try {
      const answer = await this.#options.fetch(unseal(url).reveal(), {
        method: "POST",
        headers: new Headers({
          "content-type": "application/json",
          "user-agent": this.#options.userAgent,
        }),
        body: encodeUtf8(JSON.stringify({ text: textOf(warning), ...warning })),
        signal: abort.signal,
      });
      // A body that breaks off does not matter: the warning was received.
      await answer.body?.cancel().catch(() => {});
      const { status } = answer;
      return status >= 200 && status < 300
        ? { failure: undefined, mayRepeat: false }
        : { failure: `responded with status ${status}`, mayRepeat: status === 429 || status >= 500 };
    } catch {
      // Without the runtime's message: it may quote the URL, which is often a secret.
      return {
        failure: abort.signal.aborted ? "timed out" : "cannot be reached",
        mayRepeat: true,
      };
    } finally {
      late.cancel();
    }
  }

  #report({ budget, subject, percent }: BudgetWarning, reason: string): void {
    this.#options.logger.log("warn", "cannot deliver a budget warning to its webhook", {
      budget,
      subject,
      percent,
      reason,
    });
  }
}

/** The message for services that show a single text, such as Slack and Mattermost. */
function textOf({ budget, subject, percent, spent, limit, unit }: BudgetWarning): string {
  const whose = subject === "" ? "" : ` of ${JSON.stringify(subject)}`;
  const what = unit === "usd" ? "USD" : unit;
  return `Budget ${
    JSON.stringify(budget)
  }${whose} has reached ${percent} % of its limit: ${spent} of ${limit} ${what}`;
}
