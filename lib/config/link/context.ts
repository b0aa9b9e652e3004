/** What the linking of every section shares: reporting, names, and which parts of the file are already known to be bad. */

import type { Places } from "../file/places.ts";
import { looksLikeSecret, type Path, type Problem, quote } from "../../base/problems.ts";
import { suggestion } from "../schema/suggest.ts";

export interface LinkOptions {
  readonly places: Places;
  /** Paths that were cut out of the configuration because of problems already reported. */
  readonly cut: readonly Path[];
}

/** The sections that other sections refer to. */
const SINGULAR = { providers: "provider", models: "model" } as const;

/** Collects what linking finds wrong, and keeps silent on whatever was cut: its problem is known already. */
export class LinkContext {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #places: Places;
  readonly #cut: readonly Path[];

  constructor({ places, cut }: LinkOptions) {
    this.#places = places;
    this.#cut = cut;
  }

  fail(path: Path, message: string): void {
    if (!this.isCut(path)) this.problems.push(this.#places.problem(path, message));
  }

  /** A problem of an entry's name rather than of its value. */
  failName(path: Path, message: string): void {
    this.problems.push(this.#places.problemOfKey(path, message));
  }

  warn(path: Path, message: string): void {
    if (!this.isCut(path)) this.warnings.push(this.#places.problem(path, message));
  }

  /** Whether something at or below the path was cut, so that what is found there now is not what the file says. */
  isCut(path: Path): boolean {
    return this.#cut.some((cut) => path.every((step, index) => step === cut[index]));
  }

  /** Keys that the file has in a section, in its order, those with problems among them. */
  namesIn(section: string): readonly string[] {
    return this.#places.keysAt([section]);
  }

  /** The thing that the text at the path names; without a problem if its entry is there but was cut. */
  find<Value>(
    path: Path,
    text: string,
    from: { readonly section: keyof typeof SINGULAR; readonly entries: ReadonlyMap<string, Value> },
  ): Value | undefined {
    const value = from.entries.get(text);
    if (value !== undefined) return value;
    const known = this.namesIn(from.section);
    if (!known.includes(text)) {
      this.fail(path, `unknown ${SINGULAR[from.section]} ${this.shown(path, text, known)}`);
    }
    return undefined;
  }

  /** The text with a suggestion, or only its reference where it came from outside the file. */
  shown(path: Path, text: string, known: readonly string[]): string {
    const reference = this.#places.referenceAt(path);
    if (reference !== undefined) return `in ${reference} (not shown)`;
    return looksLikeSecret(text) ? "(not shown)" : quote(text) + suggestion(text, known);
  }
}
