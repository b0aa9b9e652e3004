/** What differs between two versions of the configuration files: entries by name, and everything else by key. */

import { createHash } from "node:crypto";

/** The sections whose entries are compared one by one. */
const SECTIONS = ["providers", "models", "callers", "routes"] as const;
type Section = (typeof SECTIONS)[number];

/** Digests of the values in the files, which contain no secret; by section and name, or by key. */
export interface ConfigDigests {
  readonly entries: Readonly<Record<Section, ReadonlyMap<string, string>>>;
  readonly settings: ReadonlyMap<string, string>;
}

/** Names of entries, such as `models_added`, and of other top-level keys that changed; none is empty. */
export type ConfigChanges = Readonly<Record<string, readonly string[]>>;

/** Digests of the files' values with references resolved. */
export function digestsOf(value: unknown): ConfigDigests {
  const top = isMapping(value) ? value : {};
  const entries = (section: Section) => {
    const below = top[section];
    return new Map(Object.entries(isMapping(below) ? below : {}).map(([name, each]) => [name, digest(each)]));
  };
  const settings = Object.entries(top).filter(([key]) => !SECTIONS.some((section) => section === key));
  return {
    entries: {
      providers: entries("providers"),
      models: entries("models"),
      callers: entries("callers"),
      routes: entries("routes"),
    },
    settings: new Map(settings.map(([key, each]) => [key, digest(each)])),
  };
}

/** What an edit did, as far as the file's own values say. */
export function changesBetween(before: ConfigDigests, after: ConfigDigests): ConfigChanges {
  const changes = new Map<string, readonly string[]>();
  const note = (name: string, list: readonly string[]) => list.length > 0 && changes.set(name, list);
  for (const section of SECTIONS) {
    const [old, now] = [before.entries[section], after.entries[section]];
    note(`${section}_added`, [...now.keys()].filter((name) => !old.has(name)));
    note(`${section}_removed`, [...old.keys()].filter((name) => !now.has(name)));
    note(`${section}_changed`, changed(old, now));
  }
  const keys = new Set([...before.settings.keys(), ...after.settings.keys()]);
  note("settings_changed", [...keys].filter((key) => before.settings.get(key) !== after.settings.get(key)));
  return Object.fromEntries(changes);
}

function changed(old: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly string[] {
  return [...now.keys()].filter((name) => old.has(name) && old.get(name) !== now.get(name));
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value) ?? "").digest("base64");
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
