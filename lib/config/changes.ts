/** What differs between two versions of the configuration files: entries by name, and everything else by key. */

import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";

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

/** This many entries are compared before other work has a turn. */
const SLICE = 4096;

/** What an edit did, as far as the file's own values say; requests continue while long sections are compared. */
export async function changesBetween(before: ConfigDigests, after: ConfigDigests): Promise<ConfigChanges> {
  const changes = new Map<string, readonly string[]>();
  const note = (name: string, list: readonly string[]) => list.length > 0 && changes.set(name, list);
  for (const section of SECTIONS) {
    const [old, now] = [before.entries[section], after.entries[section]];
    const added: string[] = [];
    const removed: string[] = [];
    const altered: string[] = [];
    let compared = 0;
    for (const [name, digest] of now) {
      const earlier = old.get(name);
      if (earlier === undefined) added.push(name);
      else if (earlier !== digest) altered.push(name);
      if (++compared % SLICE === 0) await turn();
    }
    for (const name of old.keys()) {
      if (!now.has(name)) removed.push(name);
      if (++compared % SLICE === 0) await turn();
    }
    note(`${section}_added`, added);
    note(`${section}_removed`, removed);
    note(`${section}_changed`, altered);
  }
  const keys = new Set([...before.settings.keys(), ...after.settings.keys()]);
  note("settings_changed", [...keys].filter((key) => before.settings.get(key) !== after.settings.get(key)));
  return Object.fromEntries(changes);
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value) ?? "").digest("base64");
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
