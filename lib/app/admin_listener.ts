/** The admin listener: its socket and everything served there. */

import { type AdminAccess, adminHandler } from "../admin/admin.ts";
import type { Views } from "../admin/views/operator_views.ts";
import { isLoopback } from "../base/host.ts";
import type { Handler, Runtime } from "../runtime/runtime.ts";
import { readBody } from "../server/body.ts";
import { type ListenChange, Listeners } from "../server/listeners.ts";
import { removeStaleSocket } from "../server/stale_socket.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { AdminApisOptions } from "./admin_apis.ts";

/** Parts of the running gateway that the listener uses. */
export interface AdminListenerOptions extends Omit<AdminApisOptions, "readBody" | "maxBodyBytes"> {
  readonly runtime: Runtime;
  readonly isReady: () => boolean;
  /** Resolves when the reports on all ended requests have arrived from all threads. */
  readonly flush: () => Promise<void>;
  readonly status: () => unknown;
  readonly metrics: () => Promise<string>;
}

/** Limits for the body of a request to the admin API. */
const ADMIN_BODY = { maxBytes: 256 * 1024, idleMs: 10_000, totalMs: 10_000 } as const;

/** The listener for the operator. */
export class AdminListener {
  readonly #options: AdminListenerOptions;
  #views: Promise<Views> | undefined;
  readonly #listeners: Listeners;

  constructor(options: AdminListenerOptions) {
    const { runtime, logger, isReady, status, metrics, reload } = options;
    this.#options = options;
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
          api: async () => (await this.#apis()).api,
        }),
      ),
      onListening: (address) => logger.log("info", "listening", { address, listener: "admin" }),
    });
  }

  /** URLs of the open sockets. */
  get urls(): readonly string[] {
    return this.#listeners.urls;
  }

  /** Opens the socket that a configuration adds, replacing the socket file of a killed process. */
  async open({ admin, adminTls }: Snapshot): Promise<ListenChange> {
    if (admin !== undefined && "path" in admin) await removeStaleSocket(admin.path);
    return this.#listeners.open(admin === undefined ? [] : [admin], adminTls);
  }

  /** Closes the socket, even with requests in progress. */
  async close(): Promise<void> {
    (await this.#views)?.close();
    await this.#listeners.close();
  }

  #apis(): Promise<Views> {
    return this.#views ??= import("./admin_apis.ts").then(({ adminApis }) =>
      adminApis({ ...this.#options, readBody: this.#readBody, maxBodyBytes: ADMIN_BODY.maxBytes })
    );
  }

  readonly #readBody = (request: Request): Promise<Uint8Array> =>
    readBody(request, { ...ADMIN_BODY, timers: this.#options.timers });
}

/** Probes, which must be answered even if threads hang. */
const PROBES: ReadonlySet<string> = new Set(["/healthz", "/-/ready"]);

/** Answers after the reports on all ended requests have arrived. */
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
