/** Parameters of the views: pages, searches and filters. */

import { AditError } from "../../base/errors.ts";

/** Reads a query parameter; null if it is absent. */
export type ReadQuery = (name: string) => string | null;

/**
 * The query of a request. `URL` cannot be used: it rejects some of the hosts that clients send, and Bun leaves those
 * out.
 */
export function parametersIn({ url }: Request): URLSearchParams {
  const at = url.indexOf("?");
  return new URLSearchParams(at === -1 ? "" : url.slice(at + 1));
}

/** The same as a function that reads one parameter. */
export function queryIn(request: Request): ReadQuery {
  const parameters = parametersIn(request);
  return (name) => parameters.get(name);
}

export interface PageQuery {
  readonly offset: number;
  readonly limit: number;
}

export interface PageLimits {
  readonly byDefault: number;
  readonly max: number;
}

/** The parameters `limit` and `cursor`; the cursor is the number of rows before the page. */
export function pageQuery(read: ReadQuery, limits: PageLimits): PageQuery {
  return { offset: cursorIn(read) ?? 0, limit: limitIn(read, limits) };
}

/** The parameter `limit`; throws `invalid_request`. */
export function limitIn(read: ReadQuery, { byDefault, max }: PageLimits): number {
  const text = read("limit");
  if (text === null) return byDefault;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= max) return limit;
  throw new AditError("invalid_request", `limit: expected a number from 1 to ${max}`);
}

/** The parameter `cursor` as a number; undefined for the first page. */
export function cursorIn(read: ReadQuery): number | undefined {
  const text = read("cursor");
  if (text === null || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new AditError("invalid_request", "cursor: expected next_cursor of a previous page");
}

/** The cursor of the next page; null after the last. */
export function nextCursor({ offset, limit }: PageQuery, total: number): string | null {
  return offset + limit < total ? String(offset + limit) : null;
}

/** The parameter `search` in lower case; empty if absent. */
export function searchIn(read: ReadQuery): string {
  return (read("search") ?? "").trim().toLowerCase();
}

/** Whether one of the texts contains the search. */
export function matches(search: string, texts: Iterable<string>): boolean {
  if (search === "") return true;
  for (const text of texts) if (text.toLowerCase().includes(search)) return true;
  return false;
}

/** A time in a parameter; throws `invalid_request`. */
export function timeIn(read: ReadQuery, name: string, byDefaultMs: number): number {
  const text = read(name);
  if (text === null || text === "") return byDefaultMs;
  try {
    return Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    throw new AditError("invalid_request", `${name}: expected a time such as 2027-01-31T12:00:00Z`);
  }
}
