/** The configuration in use: the source of each value, and the results of the last reloads. */

import { messageOf } from "../../base/errors.ts";
import type { ConfigurationValuesView, ConfigurationView } from "../contract/contract.ts";
import { nextCursor, pageQuery, type ReadQuery, searchIn } from "./pages.ts";
import type { ViewSources } from "./view_sources.ts";

const PAGE = { byDefault: 200, max: 1000 } as const;

/** The configuration in use, and the last reloads. */
export function configurationView(sources: ViewSources): ConfigurationView {
  const { providers, models, callers, rateLimits, budgets, adminApi } = sources.snapshot();
  const { file, generation, loadedAt, reloads, warnings } = sources.configuration.state();
  const { publicUrls, adminUrls } = sources.process();
  return {
    file,
    generation,
    loaded_at: loadedAt,
    is_latest: reloads[0]?.ok !== false,
    reloads,
    warnings,
    counts: {
      providers: providers.size,
      models: models.size,
      callers: callers.size,
      rate_limits: rateLimits.length,
      budgets: budgets.length,
    },
    listeners: { public: publicUrls, admin: adminUrls },
    can_edit: adminApi !== undefined,
  };
}

/** A page of the effective values. */
export async function configurationValues(
  { configuration }: ViewSources,
  read: ReadQuery,
): Promise<ConfigurationValuesView> {
  const page = pageQuery(read, PAGE);
  try {
    const { values, total } = await configuration.values({ ...page, search: searchIn(read) });
    return { values, total, next_cursor: nextCursor(page, total), error: null };
  } catch (error) {
    return { values: [], total: 0, next_cursor: null, error: messageOf(error) };
  }
}
