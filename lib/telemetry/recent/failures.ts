/** Failures of the last day by minute, caller and error, to answer questions like "who caused the 429s at noon". */

import { codeOf } from "../../base/errors.ts";
import type { RecordSink } from "../../snapshot/record.ts";

/** Failures of one kind in one minute. */
export interface FailureCount {
  /** Minutes since the Unix epoch. */
  readonly minute: number;
  /** Empty if the caller was not identified. */
  readonly caller: string;
  readonly model: string;
  /** The error code that the caller received. */
  readonly error: string;
  readonly status: number;
  /** The rule that refused the request; empty for none. */
  readonly rule: string;
  count: number;
}

interface Minute {
  readonly minute: number;
  readonly counts: Map<string, FailureCount>;
}

const DAY_MINUTES = 24 * 60;
/** Kinds of failures per minute; further ones are counted without names. */
const MAX_A_MINUTE = 200;
/** Kinds of failures in all minutes; the oldest are dropped first. */
const MAX_COUNTS = 20_000;
const OTHERS = "(others)";

/** Counts failures in bounded memory; successful requests cost nothing. */
export class Failures {
  readonly #startedMinute: number;
  /** The oldest first. */
  #minutes: Minute[] = [];
  #size = 0;
  #keptSince: number;

  constructor(startedMs: number) {
    this.#startedMinute = Math.floor(startedMs / 60_000);
    this.#keptSince = this.#startedMinute;
  }

  readonly sink: RecordSink = (record) => {
    const { error, status, limit, caller = "", startedAtMs, durationMs } = record;
    if (error === undefined) return;
    const { counts, minute } = this.#minuteAt(Math.floor((startedAtMs + durationMs) / 60_000));
    const model = record.model ?? record.requestedModel ?? "";
    const failure = { caller, model, error: codeOf(error.kind), status, rule: limit?.rule ?? "" };
    const names = counts.size < MAX_A_MINUTE ? failure : { ...failure, caller: OTHERS, model: OTHERS };
    const own = keyOf(failure);
    const key = counts.has(own) ? own : keyOf(names);
    const known = counts.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    counts.set(key, { ...names, minute, count: 1 });
    this.#size++;
    this.#forget(minute);
  };

  /** The time since which all failures are kept. */
  keptSinceMs(nowMs: number): number {
    return Math.max(this.#keptSince, Math.floor(nowMs / 60_000) - DAY_MINUTES) * 60_000;
  }

  /** The failures in a period, in order of time. */
  between(fromMs: number, toMs: number): readonly FailureCount[] {
    const [from, to] = [Math.floor(fromMs / 60_000), Math.ceil(toMs / 60_000)];
    return this.#minutes.filter(({ minute }) => minute >= from && minute < to)
      .flatMap(({ counts }) => [...counts.values()]);
  }

  /** A record may be a little older than the one before it; a much older one counts with the last minute. */
  #minuteAt(minute: number): Minute {
    for (let index = this.#minutes.length - 1; index >= Math.max(0, this.#minutes.length - 3); index--) {
      const known = this.#minutes[index];
      if (known?.minute === minute) return known;
    }
    const last = this.#minutes.at(-1);
    if (last !== undefined && last.minute > minute) return last;
    const added = { minute, counts: new Map<string, FailureCount>() };
    this.#minutes.push(added);
    return added;
  }

  #forget(nowMinute: number): void {
    let first = this.#minutes[0];
    while (
      first !== undefined && this.#minutes.length > 1 &&
      (this.#size > MAX_COUNTS || first.minute < nowMinute - DAY_MINUTES)
    ) {
      this.#size -= first.counts.size;
      this.#keptSince = first.minute + 1;
      this.#minutes.shift();
      first = this.#minutes[0];
    }
  }
}

function keyOf({ caller, model, error, status, rule }: Omit<FailureCount, "minute" | "count">): string {
  return JSON.stringify([caller, model, error, status, rule]);
}
