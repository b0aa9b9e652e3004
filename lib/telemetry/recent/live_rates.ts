/** Current activity: requests per second, and by model, caller and error over five minutes. */

import { codeOf } from "../../base/errors.ts";
import type { RecordSink, RequestRecord } from "../../snapshot/record.ts";
import { isProbe } from "./recent_requests.ts";

/** Requests that ended in one second. */
export interface Second {
  /** Seconds since the Unix epoch. */
  readonly second: number;
  readonly requests: number;
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Sums over the requests of one model or caller. */
export interface Use {
  readonly requests: number;
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNano: number;
  /** Requests whose price is unknown. */
  readonly unpriced: number;
  readonly durationMs: number;
  /** Sum and number of the times to first byte, of streams only. */
  readonly firstByteMs: number;
  readonly firstBytes: number;
}

/** Errors of one code, by caller; without a caller, the name is empty. */
export type ErrorUse = ReadonlyMap<string, number>;

type Sums = { -readonly [Name in keyof Use]: number };
type MutableSecond = { -readonly [Name in keyof Second]: number };

/** A part of the five minutes; its length is the precision of the whole. */
interface Part {
  readonly index: number;
  readonly models: Map<string, Sums>;
  readonly callers: Map<string, Sums>;
  readonly errors: Map<string, Map<string, number>>;
}

const SECONDS = 130;
const PART_S = 15;
const PARTS = 20;
/** Names in one part; all others share one. */
const MAX_NAMES = 300;
const OTHERS = "(others)";

/** Sums of the last minutes in bounded memory. */
export class LiveRates {
  readonly #seconds: MutableSecond[] = Array.from({ length: SECONDS }, () => secondOf(0));
  readonly #parts: (Part | undefined)[] = [];
  #total = 0;

  readonly sink: RecordSink = (record) => {
    if (isProbe(record)) return;
    const endS = Math.floor((record.startedAtMs + record.durationMs) / 1000);
    const { spent } = record;
    this.#total++;
    const second = this.#secondAt(endS);
    second.requests++;
    if (record.error !== undefined) second.errors++;
    if (spent !== undefined) {
      second.inputTokens += spent.usage.inputTokens;
      second.outputTokens += spent.usage.outputTokens;
    }
    const part = this.#partAt(Math.floor(endS / PART_S));
    const { model, caller, error } = record;
    if (model !== undefined) add(named(part.models, model, noUse), record);
    if (caller !== undefined) add(named(part.callers, caller, noUse), record);
    if (error === undefined) return;
    const callers = named(part.errors, codeOf(error.kind), noErrors);
    const name = callers.size < MAX_NAMES || callers.has(caller ?? "") ? caller ?? "" : OTHERS;
    callers.set(name, (callers.get(name) ?? 0) + 1);
  };

  /** Requests that have ended since the start. */
  get total(): number {
    return this.#total;
  }

  /** The last whole seconds before this time, the oldest first; at most 120. */
  seconds(count: number, nowMs: number): readonly Second[] {
    const nowS = Math.floor(nowMs / 1000);
    return Array.from({ length: count }, (_, index) => {
      const second = nowS - count + index;
      const known = this.#seconds[second % SECONDS];
      return known?.second === second ? known : secondOf(second);
    });
  }

  /** By model, of the last five minutes. */
  models(nowMs: number): ReadonlyMap<string, Use> {
    return this.#merged(nowMs, ({ models }) => models);
  }

  /** By caller, of the last five minutes. */
  callers(nowMs: number): ReadonlyMap<string, Use> {
    return this.#merged(nowMs, ({ callers }) => callers);
  }

  /** By code, of the last five minutes. */
  errors(nowMs: number): ReadonlyMap<string, ErrorUse> {
    const all = new Map<string, Map<string, number>>();
    for (const part of this.#current(nowMs)) {
      for (const [code, callers] of part.errors) {
        const known = named(all, code, noErrors);
        for (const [caller, count] of callers) known.set(caller, (known.get(caller) ?? 0) + count);
      }
    }
    return all;
  }

  #merged(nowMs: number, sumsOf: (part: Part) => ReadonlyMap<string, Sums>): ReadonlyMap<string, Use> {
    const all = new Map<string, Sums>();
    for (const part of this.#current(nowMs)) {
      for (const [name, sums] of sumsOf(part)) {
        let known = all.get(name);
        if (known === undefined) all.set(name, known = noUse());
        for (const key of USE_KEYS) known[key] += sums[key];
      }
    }
    return all;
  }

  #current(nowMs: number): readonly Part[] {
    const last = Math.floor(nowMs / 1000 / PART_S);
    return this.#parts.filter((part) => part !== undefined)
      .filter(({ index }) => index > last - PARTS && index <= last);
  }

  #secondAt(second: number): MutableSecond {
    const index = second % SECONDS;
    const known = this.#seconds[index];
    if (known !== undefined && known.second >= second) return known;
    return this.#seconds[index] = secondOf(second);
  }

  #partAt(index: number): Part {
    const known = this.#parts[index % PARTS];
    if (known !== undefined && known.index >= index) return known;
    return this.#parts[index % PARTS] = { index, models: new Map(), callers: new Map(), errors: new Map() };
  }
}

const USE_KEYS: readonly (keyof Use)[] = [
  "requests",
  "errors",
  "inputTokens",
  "outputTokens",
  "costNano",
  "unpriced",
  "durationMs",
  "firstByteMs",
  "firstBytes",
];

function add(sums: Sums, { error, spent, cost, durationMs, stream, firstByteMs }: RequestRecord): void {
  sums.requests++;
  sums.durationMs += durationMs;
  if (error !== undefined) sums.errors++;
  if (spent !== undefined) {
    sums.inputTokens += spent.usage.inputTokens;
    sums.outputTokens += spent.usage.outputTokens;
  }
  if (cost !== undefined) {
    if (cost.nano === undefined) sums.unpriced++;
    else sums.costNano += cost.nano;
  }
  if (stream === true && firstByteMs !== undefined) {
    sums.firstByteMs += firstByteMs;
    sums.firstBytes++;
  }
}

function named<Value>(map: Map<string, Value>, name: string, make: () => Value): Value {
  let value = map.get(name);
  if (value !== undefined) return value;
  const key = map.size < MAX_NAMES ? name : OTHERS;
  value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

function noUse(): Sums {
  return {
    requests: 0,
    errors: 0,
    inputTokens: 0,
    outputTokens: 0,
    costNano: 0,
    unpriced: 0,
    durationMs: 0,
    firstByteMs: 0,
    firstBytes: 0,
  };
}

function noErrors(): Map<string, number> {
  return new Map();
}

function secondOf(second: number): MutableSecond {
  return { second, requests: 0, errors: 0, inputTokens: 0, outputTokens: 0 };
}
