/** The routes of the operator's views under `/admin/v1/`. */

import { decodedName, errorAnswer, json, methodNotAllowed, withoutAdminKey } from "../answer.ts";
import type { AdminApi, AdminApiRequest } from "../api.ts";
import { catalogDetail, catalogView } from "./catalog_view.ts";
import { configurationValues, configurationView } from "./configuration_view.ts";
import { failuresView } from "./failures_view.ts";
import { limitsView } from "./limits_view.ts";
import { logFeed, logView } from "./log_view.ts";
import { NowFeed, nowView } from "./now_view.ts";
import { queryIn, type ReadQuery } from "./pages.ts";
import { recentDetail, recentView } from "./recent_view.ts";
import type { ViewSources } from "./view_sources.ts";
import { Tries, tryView } from "./try_view.ts";
import { type Feed, Viewers } from "./viewers.ts";

/** A request for a view. */
interface Call {
  readonly sources: ViewSources;
  readonly read: ReadQuery;
  /** The last part of the path, decoded. */
  readonly name: string;
}

interface View {
  /** The view as JSON; undefined for an unknown name. */
  readonly json: (call: Call) => unknown;
  /** The view as a live feed. */
  readonly live?: (call: Call) => { readonly feed: Feed; readonly everyMs: number };
}

const NOW_EVERY_MS = 1_000;
const LOG_EVERY_MS = 250;

/** The views and their streams. */
export interface Views {
  readonly api: AdminApi;
  /** Ends all streams. */
  close(): void;
}

/** Answers requests for the views; `api` is undefined for any other path. */
export function operatorViews(sources: ViewSources): Views {
  const viewers = new Viewers(sources.timers);
  const tries = new Tries();
  const now = new NowFeed(sources);
  const views: ReadonlyMap<string, View> = new Map<string, View>([
    ["now", { json: () => nowView(sources), live: () => ({ feed: now.next, everyMs: NOW_EVERY_MS }) }],
    ["recent", { json: ({ read }) => recentView(sources, read) }],
    ["recent/", { json: ({ name }) => recentDetail(sources, name) }],
    ["failures", { json: ({ read }) => failuresView(sources, read) }],
    ["limits", { json: ({ read }) => limitsView(sources, read) }],
    ["catalog", { json: ({ read }) => catalogView(sources, read) }],
    ["catalog/", { json: ({ name }) => catalogDetail(sources, name) }],
    ["configuration", { json: () => configurationView(sources) }],
    ["configuration/values", { json: ({ read }) => configurationValues(sources, read) }],
    ["try", { json: ({ read }) => tryView(sources, read) }],
    ["log", {
      json: ({ read }) => logView(sources.log, read),
      live: ({ read }) => ({ feed: logFeed(sources.log, read), everyMs: LOG_EVERY_MS }),
    }],
  ]);
  return {
    close: () => viewers.close(),
    api: (request) => {
      const [, path = ""] = /^\/admin\/v1\/(.+)$/.exec(request.path) ?? [];
      const own = path.endsWith("/") ? undefined : views.get(path);
      const [, start = "", end = ""] = /^([a-z]+\/)(.+)$/.exec(path) ?? [];
      const view = own ?? views.get(start);
      if (view === undefined) return undefined;
      const encodedName = own === undefined ? end : "";
      return answer(view, { request, sources, viewers, tries, encodedName, isTry: path === "try" });
    },
  };
}

interface Asked {
  readonly request: AdminApiRequest;
  readonly sources: ViewSources;
  readonly viewers: Viewers;
  readonly tries: Tries;
  readonly encodedName: string;
  readonly isTry: boolean;
}

async function answer(view: View, asked: Asked): Promise<Response> {
  const { request: { request, remote, clientGone }, sources, tries, isTry } = asked;
  const refused = withoutAdminKey(request, sources.access());
  if (refused !== undefined) return refused;
  try {
    if (isTry && request.method === "POST") {
      return await tries.send(request, { sources, remoteAddress: remote, clientGone });
    }
    if (request.method === "GET" || request.method === "HEAD") return await shown(view, asked);
  } catch (error) {
    return errorAnswer(error);
  }
  return methodNotAllowed(isTry ? "GET, HEAD, POST" : "GET, HEAD");
}

async function shown(view: View, { request, sources, viewers, encodedName }: Asked): Promise<Response> {
  const { headers, method } = request.request;
  const call = { sources, read: queryIn(request.request), name: decodedName(encodedName) };
  const isLive = method === "GET" && (headers.get("accept") ?? "").includes("text/event-stream");
  if (isLive && view.live !== undefined) {
    const keyHash = sources.access()?.keyHash;
    const { feed, everyMs } = view.live(call);
    return viewers.open(feed, { everyMs, isAllowed: () => sources.access()?.keyHash === keyHash });
  }
  const value = await view.json(call);
  return value === undefined
    ? json(404, { error: `there is no ${JSON.stringify(call.name)}` })
    : json(200, value);
}
