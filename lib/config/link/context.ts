/** Shared by the linking of all sections: problems, names, and the parts of the file that are known to be invalid. */

import type { SourceMap } from "../file/source_map.ts";
import { looksLikeSecret, type Path, type Problem, quote } from "../../base/problems.ts";
import { suggestion } from "../schema/suggest.ts";

export interface LinkOptions {
  readonly sourceMap: SourceMap;
  /** Paths that were cut from the configuration because of problems already reported. */
  readonly cut: readonly Path[];
}

/** The sections that other sections refer to. */
const SINGULAR = { providers: "provider", models: "model" } as const;

/** Collects problems and warnings, except about parts that were cut, whose problems are already reported. */
export class LinkContext {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #sourceMap: SourceMap;
  readonly #cut: readonly Path[];

  constructor({ sourceMap, cut }: LinkOptions) {
    this.#sourceMap = sourceMap;
    this.#cut = cut;
  }

  fail(path: Path, message: string): void {
    if (!this.isCut(path)) this.problems.push(this.#sourceMap.problem(path, message));
  }

  /** A problem with an entry's name rather than its value. */
  failName(path: Path, message: string): void {
    this.problems.push(this.#sourceMap.problemOfKey(path, message));
  }

  warn(path: Path, message: string): void {
    if (!this.isCut(path)) this.warnings.push(this.#sourceMap.problem(path, message));
  }

  /** Whether something at or below the path was cut, so that the value there differs from the file. */
  isCut(path: Path): boolean {
    return this.#cut.some((cut) => path.every((step, index) => step === cut[index]));
  }

  /** Whether a whole section was cut, because it is invalid or its key is misspelt. */
  isSectionCut(section: string): boolean {
    return this.#cut.some((cut) => cut.length === 1 && cut[0] === section);
  }

  /** Whether the file sets the value, rather than a default. */
  isWritten(path: Path): boolean {
    return this.#sourceMap.placeOf(path) !== undefined;
  }

  /** File and line of a value, such as `adit.yaml:12`. */
  originOf(path: Path): string {
    const { file, line } = this.#sourceMap.placeOf(path) ?? this.#sourceMap.problem(path, "");
    return `${file}:${line}`;
  }

  /** Keys of a section, in file order, including those with problems. */
  namesIn(section: string): readonly string[] {
    return this.#sourceMap.keysAt([section]);
  }

  /** Looks up the entry named at the path; no problem is reported if that entry was cut. */
  find<Value>(
    path: Path,
    text: string,
    from: { readonly section: keyof typeof SINGULAR; readonly entries: ReadonlyMap<string, Value> },
  ): Value | undefined {
    const value = from.entries.get(text);
    if (value !== undefined) return value;
    const known = this.namesIn(from.section);
    if (!known.includes(text) && !this.isSectionCut(from.section)) {
      this.fail(path, `unknown ${SINGULAR[from.section]} ${this.shown(path, text, known)}`);
    }
    return undefined;
  }

  /** The value with a suggestion, or only its reference if it comes from outside the file. */
  shown(path: Path, text: string, known: readonly string[]): string {
    const reference = this.#sourceMap.referenceAt(path);
    if (reference !== undefined) return `in ${reference} (not shown)`;
    return looksLikeSecret(text) ? "(not shown)" : quote(text) + suggestion(text, known);
  }
}
