/** The usage ledger on the admin listener: sums, single requests, and exports. */

import { AditError, messageOf } from "../base/errors.ts";
import type { Ledger } from "../ledger/ledger.ts";
import {
  PARAMETERS,
  parsePeriod,
  parseRequestFilters,
  parseUsageQuery,
  type ReadParameter,
  refuseUnknown,
} from "../ledger/period.ts";
import type { RequestCursor, RequestsQuery } from "../ledger/queries.ts";
import { toRecord } from "../ledger/row.ts";
import { csvLines, requestMembers, type Shown, usageRows, usageView } from "../ledger/views.ts";
import type { AdminApiAccess, Snapshot } from "../snapshot/snapshot.ts";
import { errorAnswer, json, methodNotAllowed, withoutAdminKey } from "./answer.ts";
import type { AdminApi, AdminApiRequest } from "./api.ts";
import { limitIn, parametersIn, type ReadQuery } from "./views/pages.ts";
import { requestInFull } from "./views/recent_view.ts";

export interface UsageApiOptions {
  /** Undefined without `state` in the configuration. */
  readonly ledger: Ledger | undefined;
  /** The key that requests must send, if the configuration has one. */
  readonly access: () => AdminApiAccess | undefined;
  /** The running configuration. */
  readonly snapshot: () => Snapshot;
  readonly nowMs: () => number;
}

interface View extends UsageApiOptions {
  readonly ledger: Ledger;
  readonly read: ReadQuery;
  /** The requested id; empty for lists. */
  readonly id: string;
}

/** A view and its parameters. */
interface Row {
  readonly view: (view: View) => Promise<Response>;
  readonly parameters: readonly string[];
}

const VIEWS: ReadonlyMap<string, Row> = new Map([
  ["/admin/v1/usage", { view: usage, parameters: [...PARAMETERS.usage, "format"] }],
  ["/admin/v1/usage/export", { view: exportRequests, parameters: [...PARAMETERS.requests, "format"] }],
  ["/admin/v1/requests", { view: requests, parameters: [...PARAMETERS.requests, "limit", "cursor"] }],
  ["/admin/v1/requests/", { view: oneRequest, parameters: [] }],
]);

/** The path of one request. */
const ONE = /^(\/admin\/v1\/requests\/)([\w-]{1,64})$/;

/** Answers a request for a view; undefined for any other path. */
export function usageApi(options: UsageApiOptions): AdminApi {
  return (request) => {
    const [, start = request.path, id = ""] = ONE.exec(request.path) ?? [];
    const row = start.endsWith("/") && id === "" ? undefined : VIEWS.get(start);
    return row === undefined ? undefined : answer(row, request, { ...options, id });
  };
}

async function answer(
  { view, parameters: known }: Row,
  { request }: AdminApiRequest,
  options: UsageApiOptions & Pick<View, "id">,
): Promise<Response> {
  const refused = withoutAdminKey(request, options.access());
  if (refused !== undefined) return refused;
  if (request.method !== "GET" && request.method !== "HEAD") return methodNotAllowed("GET, HEAD");
  const { ledger } = options;
  if (ledger === undefined) {
    return json(404, { error: "the usage ledger is off; set state.path and restart" });
  }
  const parameters = parametersIn(request);
  try {
    refuseUnknown(parameters.keys(), known);
    return await view({ ...options, ledger, read: (name) => parameters.get(name) });
  } catch (error) {
    return error instanceof AditError ? errorAnswer(error) : json(503, { error: messageOf(error) });
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
  const limit = limitIn(read, { byDefault: 100, max: MAX_PAGE });
  const rows = await ledger.requests({
    ...parsePeriod(read, { nowMs: nowMs(), timeZone: "UTC" }),
    filter: parseRequestFilters(read),
    cursor: cursorIn(read),
    order: "newest",
    limit,
  });
  const last = rows.length < limit ? undefined : rows.at(-1);
  return json(200, {
    requests: rows.map(requestMembers),
    next_cursor: last === undefined ? null : `${last.atMs}-${last.seq}`,
  });
}

function cursorIn(read: ReadParameter): RequestCursor | undefined {
  const text = read("cursor") ?? "";
  if (text === "") return undefined;
  const [, atMs, seq] = /^(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  if (atMs !== undefined && seq !== undefined) return { atMs: Number(atMs), seq: Number(seq) };
  throw new AditError("invalid_request", "cursor: expected next_cursor of a previous page");
}

/** One request, in the form of those in memory. */
async function oneRequest({ ledger, snapshot, nowMs, id }: View): Promise<Response> {
  const [stored] = await ledger.requests({
    fromMs: 0,
    toMs: nowMs() + 1,
    filter: { request_id: id },
    cursor: undefined,
    order: "newest",
    limit: 1,
  });
  return stored === undefined
    ? json(404, { error: `the ledger has no request ${JSON.stringify(id)}` })
    : json(200, requestInFull(toRecord(stored), snapshot()));
}

/** All requests of a period, oldest first, read page by page as the client consumes them. */
function exportRequests({ ledger, read, nowMs }: View): Promise<Response> {
  const format = parseFormat(read, ["csv", "ndjson"]);
  const period = parsePeriod(read, { nowMs: nowMs(), timeZone: "UTC" });
  let next: RequestsQuery | undefined = {
    ...period,
    filter: parseRequestFilters(read),
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
      next = rows.length < MAX_PAGE ? undefined : { ...next, cursor: rows.at(-1) };
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
