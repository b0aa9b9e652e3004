/** The entries of the configuration's files, to be read and changed one by one. */

import { resolve } from "node:path";

import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { sha256Hex } from "../../base/hash.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { editText, readEntries } from "./edit.ts";
import { readErrorReason, type ReadFile } from "../file/files.ts";
import { loadConfig, type LoadResult } from "../load.ts";
import { formatPath, type Problem } from "../../base/problems.ts";
import { redact, restore } from "../redact.ts";
import { replaceFile } from "../file/replace_file.ts";
import { Config } from "../schema/config_file.ts";
import { schemaAt } from "../schema/schema_walk.ts";

/** The sections whose entries can be changed. */
export type EntrySection = "providers" | "models" | "callers";

export interface Entry {
  readonly name: string;
  /** As the file has it, without secrets. */
  readonly value: JsonObject;
  /** `adit.yaml:12`. */
  readonly place: string;
  /** Another one whenever the value is another, secrets included. */
  readonly revision: string;
}

export interface EntryChange {
  readonly section: EntrySection;
  readonly name: string;
  /** Whether an entry of this revision, or none, is what is to be changed; otherwise nothing is. */
  readonly expected: (revision: string | undefined) => boolean;
  /** The new value; undefined deletes. What `REDACTED` stands in place of stays as it is. */
  readonly value: (before: JsonObject | undefined) => JsonObject | undefined;
}

export type ChangeOutcome =
  | {
    readonly kind: "done";
    readonly before: boolean;
    readonly file: string;
    readonly entry: Entry | undefined;
  }
  /** `expected` said no. */
  | { readonly kind: "unexpected"; readonly exists: boolean }
  /** The files have problems already. */
  | { readonly kind: "broken"; readonly problems: readonly Problem[] }
  /** The change would make problems: in the entry alone, or elsewhere. */
  | { readonly kind: "refused"; readonly inEntry: boolean; readonly problems: readonly Problem[] }
  /** A secret is to stay as it is, and there is none. */
  | { readonly kind: "nothing to keep" }
  /** Somebody else changed the file meanwhile. */
  | { readonly kind: "overtaken" }
  | { readonly kind: "unwritable"; readonly reason: string };

export interface EntriesOptions {
  /** The file that everything starts from. */
  readonly path: string;
  readonly readFile: ReadFile;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the files say, or what is wrong with them. */
type Listing =
  | { readonly ok: true; readonly entries: readonly Entry[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads the files anew each time; changes them only where they load without a problem before and after it. */
export class ConfigEntries {
  readonly #options: EntriesOptions;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: EntriesOptions) {
    this.#options = options;
  }

  /** The entries of a section, in the order of the files. */
  async list(section: EntrySection): Promise<Listing> {
    const { env, path, readFile } = this.#options;
    const loaded = await loadConfig(path, { env, readFile });
    if (!loaded.ok) return loaded;
    const { places } = loaded.written;
    const texts = new Map<string, JsonObject>();
    const entries: Entry[] = [];
    for (const name of places.keysAt([section])) {
      const place = places.placeOf([section, name]);
      if (place === undefined) continue;
      const sections = texts.get(place.file) ?? readEntries(decodeUtf8(await readFile(resolve(place.file))));
      texts.set(place.file, sections);
      const value = entryOf(sections, section, name);
      if (value !== undefined) {
        entries.push(describe({ section, name, value, place: `${place.file}:${place.line}` }));
      }
    }
    return { ok: true, entries };
  }

  /** Changes the file in which the entry stands, or else the first one; one change after the other. */
  change(change: EntryChange): Promise<ChangeOutcome> {
    const outcome = this.#changing.then(() => this.#change(change));
    this.#changing = outcome.catch(() => {});
    return outcome;
  }

  async #change({ section, name, expected, value }: EntryChange): Promise<ChangeOutcome> {
    const { env, path, readFile } = this.#options;
    const loaded = await loadConfig(path, { env, readFile });
    if (!loaded.ok) return { kind: "broken", problems: loaded.problems };
    const file = loaded.written.places.placeOf([section, name])?.file ?? path;
    const text = decodeUtf8(await readFile(resolve(file)));
    const before = entryOf(readEntries(text), section, name);
    if (!expected(before && revisionOf(before))) return { kind: "unexpected", exists: before !== undefined };

    const wanted = value(before);
    const after = wanted && restore(wanted, before);
    if (wanted !== undefined && !isJsonObject(after)) {
      return { kind: "nothing to keep" };
    }
    const edited = editText(text, { section, name, value: isJsonObject(after) ? after : undefined });
    const candidate = await this.#load(file, edited);
    if (!candidate.ok) return refusal(formatPath([section, name]), candidate.problems);

    try {
      if (decodeUtf8(await readFile(resolve(file))) !== text) {
        return { kind: "overtaken" };
      }
      await replaceFile(file, edited);
    } catch (error) {
      return {
        kind: "unwritable",
        reason: `cannot write ${JSON.stringify(file)}: ${readErrorReason(error)}`,
      };
    }
    const line = candidate.written.places.placeOf([section, name])?.line;
    // As whoever reads it next finds it: the file keeps its own order, and the revision is of that.
    const written = entryOf(readEntries(edited), section, name);
    const entry = written && describe({ section, name, value: written, place: `${file}:${line}` });
    return { kind: "done", before: before !== undefined, file, entry };
  }

  /** What the configuration would be with this text in one of its files. */
  #load(file: string, text: string): Promise<LoadResult> {
    const { env, path, readFile } = this.#options;
    return loadConfig(path, {
      env,
      readFile: (each) => each === resolve(file) ? Promise.resolve(encodeUtf8(text)) : readFile(each),
    });
  }
}

function entryOf(sections: JsonObject, section: EntrySection, name: string): JsonObject | undefined {
  const entries = sections[section];
  const value = isJsonObject(entries) && Object.hasOwn(entries, name) ? entries[name] : undefined;
  return isJsonObject(value) ? value : undefined;
}

function describe(
  { section, name, value, place }: {
    readonly section: EntrySection;
    readonly name: string;
    readonly value: JsonObject;
    readonly place: string;
  },
): Entry {
  const schema = schemaAt(Config, [section, name], { [section]: { [name]: value } });
  const shown = schema === undefined ? {} : redact(value, schema);
  return { name, value: isJsonObject(shown) ? shown : {}, place, revision: revisionOf(value) };
}

function revisionOf(value: JsonObject): string {
  return sha256Hex(JSON.stringify(value)).slice(0, 16);
}

function refusal(entryPath: string, problems: readonly Problem[]): ChangeOutcome {
  const isInEntry = ({ path }: Problem) =>
    path === entryPath || path.startsWith(`${entryPath}.`) || path.startsWith(`${entryPath}[`);
  return { kind: "refused", inEntry: problems.every(isInEntry), problems };
}
