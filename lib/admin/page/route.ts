/** Where in the page the operator is: a tab and its settings, kept in the address after the `#`, which is never sent. */

export interface Route {
  /** Name of the tab; empty for the first one. */
  readonly tab: string;
  /** What the tab shows, such as filters. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Reads what follows the `#` of an address, such as `#usage?by=team`. */
export function parseRoute(hash: string): Route {
  const [tab = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { tab, settings: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a tab; settings that are empty are left out. */
export function formatRoute(tab: string, settings: Route["settings"] = {}): string {
  const given = Object.entries(settings).filter(([, value]) => value !== "");
  return given.length === 0 ? `#${tab}` : `#${tab}?${new URLSearchParams(given)}`;
}

/**
 * Changes settings of the tab that is shown; what is undefined or empty is removed. The step can be undone with the
 * browser's Back. Nothing happens if the operator has left the tab meanwhile.
 */
export function go({ tab }: Route, changes: Readonly<Record<string, string | undefined>>): void {
  // Not those that the caller was drawn with: typing reports late, and something else may have changed since.
  const current = parseRoute(location.hash);
  if (current.tab !== tab) return;
  const merged = Object.entries({ ...current.settings, ...changes }).map((
    [name, value],
  ) => [name, value ?? ""]);
  location.hash = formatRoute(tab, Object.fromEntries(merged));
}
