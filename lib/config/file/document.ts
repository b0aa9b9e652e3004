/** The YAML text as a tree with source positions. */

import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type { ParsedNode, Scalar, YAMLMap } from "yaml";

import { firstReference, isAllReferences, readsSecret } from "./interpolate.ts";
import type { SourceMap, SourcePosition } from "./source_map.ts";
import { formatPath, type Path, type Problem } from "../../base/problems.ts";
import { findSlips } from "./slips.ts";
import { explainYamlErrors, findUnsupported, type YamlPair } from "./syntax.ts";

type Mapping = YAMLMap<Scalar.Parsed, ParsedNode | null>;

function isMapping(node: unknown): node is Mapping {
  return isMap(node);
}

/** A parsed file. All problems are created here, because positions are only known here. */
export class ConfigDocument implements SourceMap {
  /** If there are any, nothing else here is reliable. */
  readonly syntaxProblems: readonly Problem[];
  readonly root: ParsedNode | null;
  readonly file: string;
  readonly #lines = new LineCounter();
  /** Pairs by key, created on first use: the parser has lists, and files may be long. */
  readonly #pairs = new WeakMap<Mapping, ReadonlyMap<unknown, YamlPair>>();

  constructor(file: string, text: string) {
    this.file = file;
    const { contents, errors } = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      schema: "core",
      stringKeys: true,
      // Reported by findUnsupported, with the position.
      uniqueKeys: false,
    });
    this.root = contents;
    const slips = findSlips(text, errors.map(({ pos: [offset] }) => offset));
    const problems = slips.length > 0
      ? slips
      : errors.length > 0 || contents === null
      ? explainYamlErrors(errors, contents)
      : [...findUnsupported(contents)];
    this.syntaxProblems = problems.map(({ offset, path, message, first }) => {
      const reference = first === undefined ? "" : `, first used on line ${this.#lines.linePos(first).line}`;
      return this.#problemAt(offset, path, message + reference);
    });
  }

  problem(path: Path, message: string): Problem {
    return this.#problemAt(this.#offsetOf(path), path, message);
  }

  problemOfKey(path: Path, message: string): Problem {
    return this.#problemAt(this.#keyOffset(path) ?? this.#offsetOf(path), path, message);
  }

  referenceAt(path: Path): string | undefined {
    const node = this.#nodeAt(path);
    return isScalar(node) && typeof node.value === "string" ? firstReference(node.value) : undefined;
  }

  isAllReferencesAt(path: Path): boolean {
    const node = this.#nodeAt(path);
    return isScalar(node) && typeof node.value === "string" && isAllReferences(node.value);
  }

  readsSecretAt(path: Path): boolean {
    let reads = false;
    visit(this.#nodeAt(path) ?? null, {
      Scalar(_key, { value }) {
        reads ||= typeof value === "string" && readsSecret(value);
      },
    });
    return reads;
  }

  keysAt(path: Path): readonly string[] {
    const node = this.#nodeAt(path);
    return isMapping(node) ? node.items.map((pair) => String(pair.key.value)) : [];
  }

  placeOf(path: Path): SourcePosition | undefined {
    const node = this.#nodeAt(path);
    return node ? { file: this.file, line: this.#lines.linePos(node.range[0]).line || 1 } : undefined;
  }

  #problemAt(offset: number, path: Path, message: string): Problem {
    const { line, col } = this.#lines.linePos(offset);
    // An empty text has no lines.
    return { file: this.file, line: line || 1, column: col || 1, path: formatPath(path), message };
  }

  #offsetOf(path: Path): number {
    const node = this.#nodeAt(path);
    if (node) return node.range[0];
    for (let length = path.length; length > 0; length--) {
      const offset = this.#keyOffset(path.slice(0, length));
      if (offset !== undefined) return offset;
    }
    return 0;
  }

  #keyOffset(path: Path): number | undefined {
    const parent = this.#nodeAt(path.slice(0, -1));
    return isMapping(parent) ? this.#pairsOf(parent).get(path.at(-1))?.key.range[0] : undefined;
  }

  #nodeAt(path: Path): ParsedNode | null | undefined {
    let node: ParsedNode | null | undefined = this.root;
    for (const step of path) {
      if (isMapping(node)) node = this.#pairsOf(node).get(step)?.value;
      else if (isSeq<ParsedNode>(node) && typeof step === "number") node = node.items[step];
      else return undefined;
    }
    return node;
  }

  #pairsOf(map: Mapping): ReadonlyMap<unknown, YamlPair> {
    let pairs = this.#pairs.get(map);
    if (pairs === undefined) {
      pairs = new Map(map.items.map((pair) => [pair.key.value, pair]));
      this.#pairs.set(map, pairs);
    }
    return pairs;
  }
}
