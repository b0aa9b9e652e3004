/** One settled request as a row of the ledger: plain data, so that it can be sent to the ledger's thread. */

import type { RequestRecord } from "../snapshot/record.ts";

export interface LedgerRow {
  readonly atMs: number;
  readonly requestId: string;
  readonly caller: string;
  readonly team: string;
  readonly model: string;
  readonly target: string;
  readonly modelId: string;
  readonly region: string;
  readonly api: string;
  readonly status: number;
  /** Kind of the error; empty for none. */
  readonly error: string;
  readonly attempts: number;
  readonly ms: number;
  readonly firstMs: number | null;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** The part of `cacheWrite` that is kept for an hour. */
  readonly cacheWrite1h: number;
  readonly reasoning: number;
  readonly images: number;
  readonly tier: string;
  /** Nanodollars; null if the price is unknown. */
  readonly costNano: number | null;
  readonly price: string;
  readonly isEstimated: boolean;
  /** JSON of the caller's tags, with sorted names. */
  readonly tags: string;
}

/** The row of a record. Requests without an authenticated caller have rows, too, with an empty caller. */
export function toRow(record: RequestRecord, nowMs: number): LedgerRow {
  const { spent, cost, error, attempts } = record;
  const usage = spent?.usage;
  return {
    atMs: nowMs,
    requestId: record.requestId,
    caller: record.caller ?? "",
    team: record.team ?? "",
    model: record.model ?? "",
    target: record.target ?? record.provider ?? "",
    modelId: record.modelId ?? "",
    region: record.region ?? "",
    api: record.dialect,
    status: record.status,
    error: error?.kind ?? "",
    attempts: Math.max(attempts.length, record.provider === undefined ? 0 : 1),
    ms: record.durationMs,
    firstMs: record.firstByteMs ?? null,
    input: usage?.inputTokens ?? 0,
    output: usage?.outputTokens ?? 0,
    cacheRead: usage?.cacheReadTokens ?? 0,
    cacheWrite: usage?.cacheWriteTokens ?? 0,
    cacheWrite1h: usage?.cacheWrite1hTokens ?? 0,
    reasoning: usage?.reasoningTokens ?? 0,
    images: usage?.images ?? 0,
    tier: usage?.tier ?? "",
    costNano: cost === undefined ? 0 : cost.nano ?? null,
    price: cost?.price ?? "",
    isEstimated: spent?.estimated === true,
    tags: tagsText(record.tags),
  };
}

function tagsText(tags: Readonly<Record<string, string>>): string {
  const names = Object.keys(tags).sort();
  return names.length === 0
    ? ""
    : JSON.stringify(Object.fromEntries(names.map((name) => [name, tags[name]])));
}
