/** The views of the usage ledger on the admin listener: sums, single requests, and exports. */

import { AditError, errorRow, messageOf } from "../base/errors.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { parseFilters, parsePeriod, parseUsageQuery, type ReadParameter } from "../ledger/period.ts";
import type { RequestsQuery } from "../ledger/queries.ts";
import { csvLines, requestMembers, type Shown, usageRows, usageView } from "../ledger/views.ts";
import type { AdminApiAccess } from "../snapshot/snapshot.ts";
import { json, keyRequired } from "./answer.ts";
import type { AdminApi, AdminApiRequest } from "./api.ts";
import { hasKey } from "./key.ts";

export interface UsageApiOptions {
  /** Undefined without `state` in the configuration. */
  readonly ledger: Ledger | undefined;
  /** The key that requests must send, if the configuration has one. */
  readonly access: () => AdminApiAccess | undefined;
  readonly nowMs: () => number;
}

interface View extends UsageApiOptions {
  readonly ledger: Ledger;
  readonly read: ReadParameter;
}

const VIEWS: ReadonlyMap<string, (view: View) => Promise<Response>> = new Map([
  ["/admin/v1/usage", usage],
  ["/admin/v1/usage/export", exportRequests],
  ["/admin/v1/requests", requests],
]);

/** Answers a request for a view; undefined for any other path. */
export function usageApi(options: UsageApiOptions): AdminApi {
  return (request) => {
    const view = VIEWS.get(request.path);
    return view === undefined ? undefined : answer(view, request, options);
  };
}

async function answer(
  view: (view: View) => Promise<Response>,
  { request }: AdminApiRequest,
  options: UsageApiOptions,
): Promise<Response> {
  const access = options.access();
  if (access !== undefined && !hasKey(request.headers, [access.keyHash])) {
    return keyRequired("the admin API key");
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return json(405, { error: "allowed methods: GET, HEAD" }, { allow: "GET, HEAD" });
  }
  const { ledger } = options;
  if (ledger === undefined) return json(404, { error: "there is no usage ledger; set state.path" });
  const parameters = new URL(request.url).searchParams;
  try {
    return await view({ ...options, ledger, read: (name) => parameters.get(name) });
  } catch (error) {
    if (error instanceof AditError) return json(errorRow(error.kind).status, { error: error.message });
    return json(503, { error: messageOf(error) });
  }
}

async function usage({ ledger, read, nowMs }: View): Promise<Response> {
  const query = parseUsageQuery(read, nowMs());
  const format = parseFormat(read, ["json", "csv", "ndjson"]);
  const result = await ledger.usage(query);
  switch (format) {
    case "json":
      return json(200, usageView(result, query));
    case "csv":
      return text("text/csv; charset=utf-8", csvLines(usageRows(result), { withHeader: true }));
    case "ndjson":
      return text("application/x-ndjson", usageRows(result).map(ndjsonLine).join(""));
  }
}

const MAX_PAGE = 1000;

async function requests({ ledger, read, nowMs }: View): Promise<Response> {
  const limit = Number(read("limit") ?? 100);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new AditError("invalid_request", `limit: expected a number from 1 to ${MAX_PAGE}`);
  }
  const cursor = read("cursor");
  if (typeof cursor === "string" && !/^\d{1,15}$/.test(cursor)) {
    throw new AditError("invalid_request", "cursor: expected next_cursor of a previous page");
  }
  const rows = await ledger.requests({
    ...parsePeriod(read, { nowMs: nowMs(), timeZone: "UTC" }),
    filter: parseFilters(read),
    cursor: typeof cursor === "string" ? Number(cursor) : undefined,
    order: "newest",
    limit,
  });
  const last = rows.length < limit ? undefined : rows.at(-1);
  return json(200, {
    requests: rows.map(requestMembers),
    next_cursor: last === undefined ? null : String(last.seq),
  });
}

/** All requests of a period, the oldest first, read page by page as the client takes them. */
function exportRequests({ ledger, read, nowMs }: View): Promise<Response> {
  const format = parseFormat(read, ["csv", "ndjson"]);
  const period = parsePeriod(read, { nowMs: nowMs(), timeZone: "UTC" });
  let next: RequestsQuery | undefined = {
    ...period,
    filter: parseFilters(read),
    cursor: undefined,
    order: "oldest",
    limit: MAX_PAGE,
  };
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (next === undefined) return controller.close();
      const rows = await ledger.requests(next);
      const shown = rows.map(requestMembers);
      const page = format === "csv"
        ? csvLines(shown, { withHeader: next.cursor === undefined })
        : shown.map(ndjsonLine).join("");
      next = rows.length < MAX_PAGE ? undefined : { ...next, cursor: rows.at(-1)?.seq };
      if (page !== "") controller.enqueue(encoder.encode(page));
      if (next === undefined) controller.close();
    },
  });
  const type = format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson";
  return Promise.resolve(text(type, body));
}

function ndjsonLine(row: Shown): string {
  return `${JSON.stringify(row)}\n`;
}

function parseFormat<const Format extends string>(
  read: ReadParameter,
  formats: readonly [Format, ...Format[]],
): Format {
  const given = read("format") ?? formats[0];
  const format = formats.find((each) => each === given);
  if (format === undefined) throw new AditError("invalid_request", `format: expected ${formats.join(", ")}`);
  return format;
}

function text(type: string, body: string | ReadableStream<Uint8Array<ArrayBuffer>>): Response {
  return new Response(body, { status: 200, headers: { "content-type": type, "cache-control": "no-store" } });
}
