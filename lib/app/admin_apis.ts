/** Everything under `/admin/v1/`. Loaded by the first request, because most of the time nobody uses it. */

import { type AdminApi, adminApi } from "../admin/api.ts";
import { budgetsApi } from "../admin/budgets_api.ts";
import { usageApi } from "../admin/usage_api.ts";
import { operatorViews, type Views } from "../admin/views/operator_views.ts";
import type { TimerWheel } from "../base/clock.ts";
import type { Logger } from "../base/log/log.ts";
import { ConfigEntries } from "../config/edit/entries.ts";
import { readFile } from "../config/file/files.ts";
import { modelApisIn } from "../endpoints/model_apis.ts";
import type { Budgets } from "../gateway/budgets/budgets.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { type PageSourceOptions, pageSources } from "./page/page_sources.ts";
import type { State } from "./state.ts";

/** Parts of the running gateway and the listener that the APIs use. */
export interface AdminApisOptions {
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly state: State;
  readonly budgets: Budgets;
  readonly page: Omit<PageSourceOptions, "timers" | "snapshot" | "readBody" | "maxBodyBytes">;
  /** The running configuration. */
  readonly snapshot: () => Snapshot;
  /** Reloads the configuration for a reason; returns the problems that prevented it, if any. */
  readonly reload: (reason: string) => Promise<readonly string[]>;
  /** The body of a request, limited in size; throws an AditError. */
  readonly readBody: PageSourceOptions["readBody"];
  readonly maxBodyBytes: number;
}

/** Views, usage, budgets, and configuration changes. */
export function adminApis(options: AdminApisOptions): Views {
  const { page, timers, snapshot, readBody, maxBodyBytes } = options;
  const views = operatorViews(pageSources({ ...page, timers, snapshot, readBody, maxBodyBytes }));
  const usage = usageApi({
    ledger: options.state.ledger,
    access: () => snapshot().adminApi,
    snapshot,
    nowMs: () => timers.clock.now(),
  });
  const corrections = correctionsApi(options);
  const entries = entriesApi(options);
  return {
    api: (request) => views.api(request) ?? usage(request) ?? corrections(request) ?? entries(request),
    close: () => views.close(),
  };
}

function correctionsApi({ budgets, state, snapshot, readBody, logger }: AdminApisOptions): AdminApi {
  return budgetsApi({
    budgets,
    access: () => snapshot().adminApi,
    readBody,
    audit: (correction) => {
      logger.log("info", "budget corrected through the admin API", { ...correction });
      const { action, subject, budget } = correction;
      state.ledger?.note({
        kind: `budget ${action}`,
        subject: `${budget} ${subject}`,
        json: JSON.stringify(correction),
      });
    },
  });
}

function entriesApi({ configPath, env, logger, snapshot, reload, readBody }: AdminApisOptions): AdminApi {
  return adminApi({
    access: () => snapshot().adminApi,
    readBody,
    entries: new ConfigEntries({ path: configPath, readFile, env }),
    reload: () => reload("admin API"),
    apisOf: (name) => modelApisIn(snapshot(), name),
    audit: (change) => logger.log("info", "configuration changed through the admin API", { ...change }),
  });
}
