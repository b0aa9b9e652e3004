/** The admin listener: its socket, and everything that is served there. */

import { type AdminAccess, adminHandler } from "../admin/admin.ts";
import { type AdminApi, adminApi } from "../admin/api.ts";
import { operatorViews, type Views } from "../admin/views/operator_views.ts";
import type { TimerWheel } from "../base/clock.ts";
import { isLoopback } from "../base/host.ts";
import type { Logger } from "../base/log/log.ts";
import { ConfigEntries } from "../config/edit/entries.ts";
import { readFile } from "../config/file/files.ts";
import { modelApisIn } from "../endpoints/model_apis.ts";
import type { Budgets } from "../gateway/budgets/budgets.ts";
import type { Handler, Runtime } from "../runtime/runtime.ts";
import { readBody } from "../server/body.ts";
import { type ListenChange, Listeners } from "../server/listeners.ts";
import { removeStaleSocket } from "../server/stale_socket.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { type PageSourceOptions, pageSources } from "./page/page_sources.ts";
import type { State } from "./state.ts";

/** What the views need of the running gateway. */
export interface AdminListenerOptions {
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runtime: Runtime;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly state: State;
  readonly budgets: Budgets;
  readonly page: Omit<PageSourceOptions, "timers" | "snapshot" | "readBody" | "maxBodyBytes">;
  /** The running configuration. */
  readonly snapshot: () => Snapshot;
  readonly isReady: () => boolean;
  /** Resolves when everything about the requests that have ended has arrived from all threads. */
  readonly flush: () => Promise<void>;
  readonly status: () => unknown;
  readonly metrics: () => Promise<string>;
  /** Reloads the configuration for a reason; returns the problems that prevented it, or none. */
  readonly reload: (reason: string) => Promise<readonly string[]>;
}

/** Maximum size of a request to the admin API. */
const ADMIN_BODY = { maxBytes: 256 * 1024, idleMs: 10_000, totalMs: 10_000 } as const;

/** The listener for the operator. */
export class AdminListener {
  readonly #options: AdminListenerOptions;
  readonly #views: Views;
  readonly #listeners: Listeners;

  constructor(options: AdminListenerOptions) {
    const { runtime, logger, isReady, status, metrics, reload } = options;
    this.#options = options;
    this.#views = operatorViews(pageSources({
      ...options.page,
      timers: options.timers,
      snapshot: options.snapshot,
      readBody: this.#readBody,
      maxBodyBytes: ADMIN_BODY.maxBytes,
    }));
    this.#listeners = new Listeners({
      runtime,
      handle: flushing(
        options.flush,
        adminHandler({
          access: () => accessTo(options.snapshot()),
          isReady,
          status,
          metrics,
          reload: () => reload("request"),
          api: this.#api(),
        }),
      ),
      onListening: (address) => logger.log("info", "listening", { address, listener: "admin" }),
    });
  }

  /** URLs of the open sockets. */
  get urls(): readonly string[] {
    return this.#listeners.urls;
  }

  /** Opens the socket that a configuration adds, in place of what a killed process has left there. */
  async open({ admin, adminTls }: Snapshot): Promise<ListenChange> {
    if (admin !== undefined && "path" in admin) await removeStaleSocket(admin.path);
    return this.#listeners.open(admin === undefined ? [] : [admin], adminTls);
  }

  /** Closes the socket, whatever is in progress. */
  close(): Promise<void> {
    this.#views.close();
    return this.#listeners.close();
  }

  #api(): AdminApi {
    const { state, budgets } = this.#options;
    const access = { access: () => this.#options.snapshot().adminApi, readBody: this.#readBody };
    const entries = this.#entriesApi(access);
    const stored = state.adminApi({ ...access, snapshot: this.#options.snapshot }, budgets);
    return (request) => this.#views.api(request) ?? stored(request) ?? entries(request);
  }

  #entriesApi(access: Pick<Parameters<typeof adminApi>[0], "access" | "readBody">): AdminApi {
    const { configPath, env, logger, snapshot, reload } = this.#options;
    return adminApi({
      ...access,
      entries: new ConfigEntries({ path: configPath, readFile, env }),
      reload: () => reload("admin API"),
      apisOf: (name) => modelApisIn(snapshot(), name),
      audit: (change) => logger.log("info", "configuration changed through the admin API", { ...change }),
    });
  }

  readonly #readBody = (request: Request): Promise<Uint8Array> =>
    readBody(request, { ...ADMIN_BODY, timers: this.#options.timers });
}

/** What probes ask for, which must be answered whatever threads do. */
const PROBES: ReadonlySet<string> = new Set(["/healthz", "/-/ready"]);

/** Answers once everything that has happened is known. */
function flushing(flush: () => Promise<void>, handle: Handler): Handler {
  return async (request, connection) => {
    if (!PROBES.has(connection.target)) await flush();
    return await handle(request, connection);
  };
}

function accessTo({ admin, adminApi, metricsKeyHash }: Snapshot): AdminAccess {
  return {
    onNetwork: admin !== undefined && "port" in admin && !isLoopback(admin.hostname),
    adminKeyHash: adminApi?.keyHash,
    metricsKeyHash,
  };
}
