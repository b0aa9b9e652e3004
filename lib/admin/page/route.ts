/** The tab and its settings, kept in the fragment of the address, which is never sent. */

export interface Route {
  /** Name of the tab; empty for the first tab. */
  readonly tab: string;
  /** Settings of the tab, such as filters. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Parses a fragment such as `#usage?by=team`. */
export function parseRoute(hash: string): Route {
  const [tab = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { tab, settings: Object.fromEntries(new URLSearchParams(query)) };
}

/** The fragment for a tab; empty settings are omitted. */
export function formatRoute(tab: string, settings: Route["settings"] = {}): string {
  const given = Object.entries(settings).filter(([, value]) => value !== "");
  return given.length === 0 ? `#${tab}` : `#${tab}?${new URLSearchParams(given)}`;
}

/**
 * Changes settings of the current tab; undefined or empty ones are removed. The browser's Back button undoes the
 * change. Does nothing if the operator has left the tab meanwhile.
 */
export function go({ tab }: Route, changes: Readonly<Record<string, string | undefined>>): void {
  // Not the settings of the last render: input is reported with a delay, and others may have changed since.
  const current = parseRoute(location.hash);
  if (current.tab !== tab) return;
  const merged = Object.entries({ ...current.settings, ...changes }).map((
    [name, value],
  ) => [name, value ?? ""]);
  location.hash = formatRoute(tab, Object.fromEntries(merged));
}
