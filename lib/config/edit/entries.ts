/** Reads and edits single entries of the configuration files. */

import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { sha256Hex } from "../../base/hash.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { editText, readEntries } from "./edit.ts";
import { readErrorReason, type ReadFile } from "../file/files.ts";
import { loadConfig, type LoadResult } from "../load.ts";
import { formatPath, type Problem } from "../../base/problems.ts";
import { redact, restore } from "../redact.ts";
import { maskSecrets, refuseEdit } from "./guard.ts";
import { modelRule, ruleFor, ruleName, RULES } from "./model_rule.ts";
import { replaceFile } from "../file/replace_file.ts";
import { Config } from "../schema/config_file.ts";
import { schemaAt } from "../schema/schema_walk.ts";

/** The sections whose entries can be edited. */
export type EntrySection = "providers" | "models" | "callers";

export interface Entry {
  readonly name: string;
  /** As in the file, with secrets redacted. */
  readonly value: JsonObject;
  /** `adit.yaml:12`. */
  readonly place: string;
  /** The rule in the same file that limits this model alone; undefined if there is none. */
  readonly rule: JsonObject | undefined;
  /** Changes whenever the value or the rule changes, secrets included. */
  readonly revision: string;
}

export interface EntryChange {
  readonly section: EntrySection;
  readonly name: string;
  /** Whether an entry with this revision, or no entry, may be edited; otherwise nothing changes. */
  readonly expected: (revision: string | undefined) => boolean;
  /** The new value; undefined deletes the entry. Values of `REDACTED` keep their secret. */
  readonly value: (before: JsonObject | undefined) => JsonObject | undefined;
  /** The new limits of the model's own rule; undefined keeps the rule. */
  readonly limits?: ((before: JsonObject | undefined) => JsonObject | undefined) | undefined;
}

export type ChangeOutcome =
  | {
    readonly kind: "done";
    readonly before: boolean;
    readonly file: string;
    readonly entry: Entry | undefined;
  }
  /** `expected` returned false. */
  | { readonly kind: "unexpected"; readonly exists: boolean }
  /** The files already have problems. */
  | { readonly kind: "broken"; readonly problems: readonly Problem[] }
  /** The edit would cause problems, in this entry or elsewhere. */
  | { readonly kind: "refused"; readonly inEntry: boolean; readonly problems: readonly Problem[] }
  /** A secret should be kept, but there is none. */
  | { readonly kind: "nothing to keep" }
  /** The edit would read a file or a variable, or send a secret elsewhere. */
  | { readonly kind: "forbidden"; readonly reasons: readonly string[] }
  /** Another program has changed the file in the meantime. */
  | { readonly kind: "overtaken" }
  | { readonly kind: "unwritable"; readonly reason: string };

export interface EntriesOptions {
  /** The main configuration file. */
  readonly path: string;
  readonly readFile: ReadFile;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The values of the files, or their problems. */
type Listing =
  | { readonly ok: true; readonly entries: readonly Entry[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads the files each time, and only writes them if they load without problems before and after the edit.
 */
export class ConfigEntries {
  readonly #options: EntriesOptions;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: EntriesOptions) {
    this.#options = options;
  }

  /** The entries of a section, in file order. */
  async list(section: EntrySection): Promise<Listing> {
    const { env, path, readFile } = this.#options;
    const loaded = await loadConfig(path, { env, readFile });
    if (!loaded.ok) return loaded;
    const { sourceMap } = loaded.written;
    const texts = new Map<string, JsonObject>();
    const entries: Entry[] = [];
    for (const name of sourceMap.keysAt([section])) {
      const place = sourceMap.placeOf([section, name]);
      if (place === undefined) continue;
      const sections = texts.get(place.file) ?? readEntries(decodeUtf8(await readFile(resolve(place.file))));
      texts.set(place.file, sections);
      const value = entryOf(sections, section, name);
      if (value !== undefined) {
        const rule = ownRule(sections, section, name);
        entries.push(describe({ section, name, value, rule, place: `${place.file}:${place.line}` }));
      }
    }
    return { ok: true, entries };
  }

  /** Edits the file that contains the entry, or else the main file; edits run one at a time. */
  change(change: EntryChange): Promise<ChangeOutcome> {
    const outcome = this.#changing.then(() => this.#change(change));
    this.#changing = outcome.catch(() => {});
    return outcome;
  }

  async #change({ section, name, expected, value, limits }: EntryChange): Promise<ChangeOutcome> {
    const { env, path, readFile } = this.#options;
    const loaded = await loadConfig(path, { env, readFile });
    if (!loaded.ok) return { kind: "broken", problems: loaded.problems };
    const file = loaded.written.sourceMap.placeOf([section, name])?.file ?? path;
    const text = decodeUtf8(await readFile(resolve(file)));
    const sections = readEntries(text);
    const before = entryOf(sections, section, name);
    const ruleBefore = ownRule(sections, section, name);
    if (!expected(before && revisionOf(before, ruleBefore))) {
      return { kind: "unexpected", exists: before !== undefined };
    }

    const wanted = value(before);
    const after = wanted && restore(wanted, before);
    if (wanted !== undefined && !isJsonObject(after)) {
      return { kind: "nothing to keep" };
    }
    if (isJsonObject(after)) {
      const masked = value(before && maskSecrets(section, name, before));
      const reasons = refuseEdit({ section, name, before, after, masked });
      if (reasons.length > 0) return { kind: "forbidden", reasons };
    }
    const withEntry = editText(text, { section, name, value: isJsonObject(after) ? after : undefined });
    const limited = limits?.(ruleBefore);
    const rule = limited && ruleFor(name, limited);
    const isRuleKept = limits === undefined || isDeepStrictEqual(rule, ruleBefore);
    const rulePath = [RULES, ruleName(name)];
    const isForeign = ruleBefore === undefined && loaded.written.sourceMap.placeOf(rulePath) !== undefined;
    if (!isRuleKept && isForeign) {
      return { kind: "forbidden", reasons: [`${formatPath(rulePath)}: ${FOREIGN_RULE}`] };
    }
    const edited = isRuleKept
      ? withEntry
      : editText(withEntry, { section: RULES, name: ruleName(name), value: rule });
    const candidate = await this.#load(file, edited);
    if (!candidate.ok) {
      const edits = [[section, name], ...(isRuleKept ? [] : [rulePath])];
      return refusal(edits.map(formatPath), candidate.problems);
    }

    try {
      if (!await replaceFile(file, edited, { expected: text })) return { kind: "overtaken" };
    } catch (error) {
      return {
        kind: "unwritable",
        reason: `cannot write ${JSON.stringify(file)}: ${readErrorReason(error)}`,
      };
    }
    const line = candidate.written.sourceMap.placeOf([section, name])?.line;
    // Read again, because the revision depends on the order in the file.
    const now = readEntries(edited);
    const written = entryOf(now, section, name);
    const entry = written && describe({
      ...{ section, name, value: written, rule: ownRule(now, section, name) },
      place: `${file}:${line}`,
    });
    return { kind: "done", before: before !== undefined, file, entry };
  }

  /** The configuration as it would be with this text in one of its files. */
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

const FOREIGN_RULE =
  "does not limit this model alone, or is in another file than the model; change it in the file";

/** The rule of a model; other entries have none. */
function ownRule(sections: JsonObject, section: EntrySection, name: string): JsonObject | undefined {
  const rule = section === "models" ? modelRule(sections, name) : undefined;
  return rule === "foreign" ? undefined : rule;
}

function describe(
  { section, name, value, rule, place }: {
    readonly section: EntrySection;
    readonly name: string;
    readonly value: JsonObject;
    readonly rule: JsonObject | undefined;
    readonly place: string;
  },
): Entry {
  const schema = schemaAt(Config, [section, name], { [section]: { [name]: value } });
  const shown = schema === undefined ? {} : redact(value, schema);
  return { name, value: isJsonObject(shown) ? shown : {}, rule, place, revision: revisionOf(value, rule) };
}

function revisionOf(value: JsonObject, rule: JsonObject | undefined): string {
  return sha256Hex(JSON.stringify(rule === undefined ? value : [value, rule])).slice(0, 16);
}

function refusal(edited: readonly string[], problems: readonly Problem[]): ChangeOutcome {
  const isInEntry = ({ path }: Problem) =>
    edited.some((entry) => path === entry || path.startsWith(`${entry}.`) || path.startsWith(`${entry}[`));
  return { kind: "refused", inEntry: problems.every(isInEntry), problems };
}
