/** Merges a configuration with the files that it includes. */

import type { ConfigDocument } from "./document.ts";
import type { SourceMap, SourcePosition } from "./source_map.ts";
import { type Path, type Problem, quoteKey } from "../../base/problems.ts";

/** Sections whose entries may be in several files; any other key may be in only one file. */
const SPREAD: readonly string[] = ["providers", "models", "routes", "callers"];

/** A file with its resolved values. */
export interface ConfigPart {
  readonly document: ConfigDocument;
  readonly value: unknown;
}

export interface Merged {
  readonly sourceMap: SourceMap;
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

/** Appends the included files to the main file; a key may only be set once. */
export function mergeParts(main: ConfigPart, included: readonly ConfigPart[]): Merged {
  const documents = [main, ...included].map(({ document }) => document);
  const sourceMap = new MergedSourceMap(main.document, documents);
  if (!isMapping(main.value)) return { sourceMap, value: main.value, problems: [] };
  const value: Record<string, unknown> = { ...main.value };
  const problems: Problem[] = [];

  function rejectDuplicate(document: ConfigDocument, path: Path): boolean {
    const first = sourceMap.placeOfKey(path, document);
    if (first === undefined) return false;
    const name = quoteKey(String(path.at(-1)));
    problems.push(
      document.problemOfKey(
        path,
        `duplicate key ${name}, first used in ${first.file} on line ${first.line}`,
      ),
    );
    return true;
  }

  const sections = new Map<string, Record<string, unknown>>();
  /** A copy of the section in the main file, to which entries are added; undefined if it is not a mapping. */
  function sectionOf(key: string): Record<string, unknown> | undefined {
    const known = sections.get(key);
    const before = value[key] ?? {};
    if (known !== undefined || !isMapping(before)) return known;
    const section = { ...before };
    sections.set(key, section);
    value[key] = section;
    return section;
  }

  for (const { document, value: part } of included) {
    // A file that contains only comments.
    if (part === null) continue;
    if (!isMapping(part)) {
      problems.push(document.problem([], "expected a mapping of configuration keys"));
      continue;
    }
    for (const [key, content] of Object.entries(part)) {
      if (key === "include") {
        problems.push(document.problemOfKey([key], "an included file cannot include others"));
      } else if (!SPREAD.includes(key)) {
        if (!rejectDuplicate(document, [key])) value[key] = content;
      } else if (content !== null && !isMapping(content)) {
        problems.push(document.problem([key], "expected a mapping"));
      } else {
        const section = sectionOf(key);
        if (section === undefined) continue;
        for (const [name, entry] of Object.entries(content ?? {})) {
          if (!rejectDuplicate(document, [key, name])) section[name] = entry;
        }
      }
    }
  }
  return { sourceMap, value, problems };
}

/** Whether the values of a file are a mapping. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

class MergedSourceMap implements SourceMap {
  readonly #main: ConfigDocument;
  readonly #documents: readonly ConfigDocument[];
  /** The first file with a key or, in those sections, with an entry; by path as JSON. */
  readonly #owners = new Map<string, ConfigDocument>();

  constructor(main: ConfigDocument, documents: readonly ConfigDocument[]) {
    this.#main = main;
    this.#documents = documents;
    for (const document of documents) {
      for (const key of document.keysAt([])) {
        this.#claim([key], document);
        if (SPREAD.includes(key)) {
          document.keysAt([key]).forEach((name) => this.#claim([key, name], document));
        }
      }
    }
  }

  get file(): string {
    return this.#main.file;
  }

  problem(path: Path, message: string): Problem {
    return this.#ownerOf(path).problem(path, message);
  }

  problemOfKey(path: Path, message: string): Problem {
    return this.#ownerOf(path).problemOfKey(path, message);
  }

  referenceAt(path: Path): string | undefined {
    return this.#ownerOf(path).referenceAt(path);
  }

  isAllReferencesAt(path: Path): boolean {
    return this.#ownerOf(path).isAllReferencesAt(path);
  }

  readsSecretAt(path: Path): boolean {
    return this.#ownerOf(path).readsSecretAt(path);
  }

  keysAt(path: Path): readonly string[] {
    const [section] = path;
    const isSpread = path.length === 0 || (path.length === 1 && SPREAD.includes(String(section)));
    if (!isSpread) return this.#ownerOf(path).keysAt(path);
    return [...new Set(this.#documents.flatMap((document) => document.keysAt(path)))];
  }

  fileOf(path: Path): string | undefined {
    return this.#ownerOf(path).fileOf(path);
  }

  placeOf(path: Path): SourcePosition | undefined {
    return this.#ownerOf(path).placeOf(path);
  }

  /** Where the key is first used, if that is another file. */
  placeOfKey(path: Path, document: ConfigDocument): SourcePosition | undefined {
    const owner = this.#owners.get(JSON.stringify(path));
    return owner === document ? undefined : owner?.problemOfKey(path, "");
  }

  #claim(path: Path, document: ConfigDocument): void {
    const key = JSON.stringify(path);
    if (!this.#owners.has(key)) this.#owners.set(key, document);
  }

  #ownerOf(path: Path): ConfigDocument {
    const entry = this.#owners.get(JSON.stringify(path.slice(0, 2)));
    return entry ?? this.#owners.get(JSON.stringify(path.slice(0, 1))) ?? this.#main;
  }
}
