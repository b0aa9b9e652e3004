/** The operator's views in front of a gateway that does nothing, for their tests. */

import { createHash } from "node:crypto";

import type { AdminApiRequest } from "../../../lib/admin/api.ts";
import type { ViewSources } from "../../../lib/admin/views/view_sources.ts";
import { operatorViews } from "../../../lib/admin/views/operator_views.ts";
import { LogTail } from "../../../lib/base/log/log_tail.ts";
import { Failures } from "../../../lib/telemetry/recent/failures.ts";
import { LiveRates } from "../../../lib/telemetry/recent/live_rates.ts";
import { RecentRequests } from "../../../lib/telemetry/recent/recent_requests.ts";
import { fakeTime, START_MS } from "../../fakes/time.ts";
import { CONFIG } from "../../gateway/requests.ts";

/** The key of the admin API, where a test sets one. */
export const KEY = "adit-admin-key";
export const KEY_HASH = createHash("sha256").update(KEY).digest("hex");

export interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** The views, with sources that a test replaces. */
export function viewWorld(replaced: Partial<ViewSources> = {}) {
  const time = fakeTime();
  const sources: ViewSources = {
    access: () => undefined,
    timers: time.timers,
    snapshot: () => CONFIG,
    process: () => ({
      version: "1.2.3",
      startedAtMs: START_MS - 5_000,
      isDraining: false,
      threads: 1,
      memoryBytes: 1,
      publicUrls: ["http://127.0.0.1:8080"],
      adminUrls: ["http://127.0.0.1:9090"],
    }),
    inFlight: () => ({ total: 0, requests: [] }),
    rates: new LiveRates(),
    recent: new RecentRequests(),
    failures: new Failures(START_MS - 86_400_000),
    log: new LogTail(),
    usedTargets: () => [],
    targetsOf: () => [],
    ledger: () => undefined,
    rules: () => [],
    budgets: () => [],
    lessonsOf: () => [],
    configuration: {
      state: () => ({ file: "adit.yaml", generation: 1, loadedAt: "", reloads: [], warnings: [] }),
      values: () => Promise.reject(new Error("no copy")),
      traits: () => Promise.reject(new Error("no copy")),
    },
    apisOf: () => ({ chat: ["converse"], native: ["unchanged"] }),
    trying: {
      readBody: async (request) => new Uint8Array(await request.arrayBuffer()),
      maxBodyBytes: 1024,
      send: () => Promise.resolve(new Response("{}")),
    },
    ...replaced,
  };
  const views = operatorViews(sources);

  async function send(line: string, { headers = {}, body }: Sent = {}): Promise<Response> {
    const [method = "", target = ""] = line.split(" ");
    const request: AdminApiRequest = {
      request: new Request(`http://127.0.0.1:9090${target}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
      path: target.split("?", 1)[0] ?? "",
      remote: "127.0.0.1",
      clientGone: new AbortController().signal,
    };
    return await views.api(request) ?? new Response("no view", { status: 599 });
  }
  /** The value of a view. */
  const get = async (target: string) => await (await send(`GET ${target}`)).json();
  return { ...time, sources, views, send, get };
}

/** Reads a stream event by event. */
export function eventsOf(response: Response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    /** The next event's name and value; undefined at the end. */
    async next(): Promise<{ readonly name: string; readonly value: Record<string, unknown> } | undefined> {
      while (!text.includes("\n\n")) {
        const { done = true, value } = await reader?.read() ?? {};
        if (done) return undefined;
        text += value;
      }
      const [event = ""] = text.split("\n\n", 1);
      text = text.slice(event.length + 2);
      const [, name = "", value = "{}"] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      return { name, value: JSON.parse(value) };
    },
    cancel: () => reader?.cancel(),
  };
}
