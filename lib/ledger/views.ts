/** Rows and sums of the ledger in the form of its views: JSON, CSV and tables. */

import { codeOfWritten } from "../base/errors.ts";
import { usdText } from "../facts/cost.ts";
import type { StoredRequest, UsageQuery, UsageResult, UsageSums } from "./queries.ts";

/** A row of a view; amounts of money are decimal strings. */
export type Shown = Readonly<Record<string, string | number | boolean | null>>;

/** Sums as members of a JSON object. */
export function sumMembers(sums: UsageSums): Shown {
  return {
    requests: Number(sums.requests),
    errors: Number(sums.errors),
    input_tokens: Number(sums.input),
    output_tokens: Number(sums.output),
    cache_read_tokens: Number(sums.cacheRead),
    cache_write_tokens: Number(sums.cacheWrite),
    cache_write_1h_tokens: Number(sums.cacheWrite1h),
    reasoning_tokens: Number(sums.reasoning),
    images: Number(sums.images),
    cost_usd: usdText(sums.costNano),
    unpriced_requests: Number(sums.unpriced),
    estimated_requests: Number(sums.estimated),
  };
}

/** Rows of usage: keys, then sums. */
export function usageRows({ rows }: UsageResult): readonly Shown[] {
  return rows.map(({ keys, sums }) => ({ ...keys, ...sumMembers(sums) }));
}

/** Usage with its period and total. */
export function usageView(result: UsageResult, { fromMs, toMs, timeZone }: UsageQuery): object {
  return {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    tz: timeZone,
    rows: usageRows(result),
    total: sumMembers(result.total),
  };
}

/** A request as members of a JSON object. */
export function requestMembers(request: StoredRequest): Shown {
  return {
    time: new Date(request.atMs).toISOString(),
    request_id: request.requestId,
    caller: request.caller,
    team: request.team,
    model: request.model,
    target: request.target,
    model_id: request.modelId,
    region: request.region,
    api: request.api,
    status: request.status,
    error: codeOfWritten(request.error),
    attempts: request.attempts,
    duration_ms: request.ms,
    first_byte_ms: request.firstMs,
    input_tokens: request.input,
    output_tokens: request.output,
    cache_read_tokens: request.cacheRead,
    cache_write_tokens: request.cacheWrite,
    cache_write_1h_tokens: request.cacheWrite1h,
    reasoning_tokens: request.reasoning,
    images: request.images,
    tier: request.tier,
    cost_usd: request.costNano === null ? null : usdText(request.costNano),
    price: request.price,
    estimated: request.isEstimated,
    tags: request.tags,
  };
}

/** Lines of CSV (RFC 4180) for rows with the same members. */
export function csvLines(rows: readonly Shown[], { withHeader }: { readonly withHeader: boolean }): string {
  const [first] = rows;
  if (first === undefined) return "";
  const lines = rows.map((row) => Object.values(row).map(csvField).join(","));
  return [...(withHeader ? [Object.keys(first).join(",")] : []), ...lines].map((line) => `${line}\r\n`).join(
    "",
  );
}

/** A field; texts that a spreadsheet would run as formulas get an apostrophe. */
function csvField(value: Shown[string]): string {
  if (typeof value !== "string") return value === null ? "" : String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
