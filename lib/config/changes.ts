/** The differences between two versions of the configuration files: entries by name, everything else by key. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { sharedBytes } from "../base/shared_bytes.ts";
import { isMapping } from "./file/merge.ts";

/** Sections whose entries are compared individually. */
const SECTIONS = ["providers", "models", "callers", "routes"] as const;
type Section = (typeof SECTIONS)[number];

/** Used as the section of all other top-level keys. */
const SETTINGS = "settings";

/**
 * Digests of the values in the files, without secrets, for `changesBetween`. They are bytes, because an object for each
 * entry would take the thread that keeps them too long.
 */
export type ConfigDigests = SharedArrayBuffer;

/** Names of entries, such as `models_added`, and of other top-level keys that changed; none is empty. */
export type ConfigChanges = Readonly<Record<string, readonly string[]>>;

/** Digests of the files' values with references resolved. */
export function digestsOf(value: unknown): ConfigDigests {
  return toBytes([...linesOf(value)]);
}

/** Number of entries to digest before other work gets a turn. */
const SLICE = 256;

/** The same for a thread that serves requests: it lets other work in between. */
export async function digestsInTurns(value: unknown): Promise<ConfigDigests> {
  const lines: string[] = [];
  for (const line of linesOf(value)) {
    if (lines.push(line) % SLICE === 0) await turn();
  }
  return toBytes(lines);
}

/** One line for each entry: its section, its name and its digest. */
function* linesOf(value: unknown): Generator<string> {
  const top = isMapping(value) ? value : {};
  for (const [key, each] of Object.entries(top)) {
    if (!SECTIONS.some((section) => section === key)) yield line(SETTINGS, key, each);
    else if (isMapping(each)) {
      for (const [name, entry] of Object.entries(each)) yield line(key, name, entry);
    }
  }
}

function line(section: string, name: string, value: unknown): string {
  const digest = createHash("sha256").update(JSON.stringify(value) ?? "").digest("base64");
  return `${section}\t${JSON.stringify(name)}\t${digest}\n`;
}

function toBytes(lines: readonly string[]): ConfigDigests {
  return sharedBytes(Buffer.from(lines.join(""))).buffer;
}

type Digests = Readonly<Record<Section | typeof SETTINGS, ReadonlyMap<string, string>>>;

function parse(bytes: ConfigDigests): Digests {
  const parsed = {
    providers: new Map<string, string>(),
    models: new Map<string, string>(),
    callers: new Map<string, string>(),
    routes: new Map<string, string>(),
    settings: new Map<string, string>(),
  };
  for (const line of Buffer.from(bytes).toString().split("\n")) {
    const [section = "", name = "", digest = ""] = line.split("\t");
    if (digest !== "") parsed[section as keyof Digests].set(JSON.parse(name), digest);
  }
  return parsed;
}

/** The differences between two versions. */
export function changesBetween(before: ConfigDigests, after: ConfigDigests): ConfigChanges {
  const [old, now] = [parse(before), parse(after)];
  const changes = SECTIONS.flatMap((section) => {
    const [was, is] = [old[section], now[section]];
    return [
      [`${section}_added`, [...is.keys()].filter((name) => !was.has(name))],
      [`${section}_removed`, [...was.keys()].filter((name) => !is.has(name))],
      [`${section}_changed`, [...is].flatMap(([name, digest]) => isOther(was.get(name), digest) ? name : [])],
    ] as const;
  });
  const keys = [...new Set([...old.settings.keys(), ...now.settings.keys()])];
  const settings = keys.filter((key) => old.settings.get(key) !== now.settings.get(key));
  return Object.fromEntries(
    [...changes, ["settings_changed", settings] as const].filter(([, names]) => names.length > 0),
  );
}

function isOther(before: string | undefined, after: string): boolean {
  return before !== undefined && before !== after;
}
