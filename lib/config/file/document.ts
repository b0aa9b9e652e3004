/** A YAML file: its values and their positions. */

import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type { ParsedNode, Scalar, YAMLMap } from "yaml";

import { firstReference, isAllReferences, readsSecret } from "./interpolate.ts";
import type { SourceMap, SourcePosition } from "./source_map.ts";
import { formatPath, type Path, type Problem } from "../../base/problems.ts";
import { findSlips } from "./slips.ts";
import { type PlainMapping, type PlainText, type PlainValue, readPlainYaml } from "./plain_yaml.ts";
import { explainYamlErrors, findUnsupported, type SyntaxProblem, type YamlPair } from "./syntax.ts";

type Mapping = YAMLMap<Scalar.Parsed, ParsedNode | null>;

function isMapping(node: unknown): node is Mapping {
  return isMap(node);
}

/** The result of the YAML parser. */
interface Tree {
  readonly root: ParsedNode | null;
  readonly lines: LineCounter;
  readonly problems: readonly SyntaxProblem[];
}

/**
 * A parsed file. All problems are created here, because only this class knows positions. For plain text, the tree with
 * the positions is built when a position is needed, which is never for most files.
 */
export class ConfigDocument implements SourceMap {
  /** If there are any, the other members are not reliable. */
  readonly syntaxProblems: readonly Problem[];
  readonly file: string;
  readonly #text: string;
  readonly #plain: PlainText | undefined;
  /** The same as `#plain`, with the lines of keys. */
  #withLines: PlainText | undefined;
  #tree: Tree | undefined;
  /** Pairs by key, created on first use: the parser only has lists, which may be long. */
  readonly #pairs = new WeakMap<Mapping, ReadonlyMap<unknown, YamlPair>>();

  constructor(file: string, text: string) {
    this.file = file;
    this.#text = text;
    this.#plain = readPlainYaml(text);
    this.syntaxProblems = this.#plain !== undefined
      ? []
      : this.#parsed.problems.map(({ offset, path, message, first }) => {
        const line = first === undefined ? undefined : this.#parsed.lines.linePos(first).line;
        const reference = line === undefined ? "" : `, first used on line ${line}`;
        return this.#problemAt(offset, path, message + reference);
      });
  }

  /** The values of plain text, which can be read without the tree. Must not be changed. */
  get plain(): PlainMapping | undefined {
    return this.#plain?.root;
  }

  get root(): ParsedNode | null {
    return this.#parsed.root;
  }

  get #parsed(): Tree {
    return this.#tree ??= parseTree(this.#text);
  }

  problem(path: Path, message: string): Problem {
    return this.#problemAt(this.#offsetOf(path), path, message);
  }

  problemOfKey(path: Path, message: string): Problem {
    return this.#problemAt(this.#keyOffset(path) ?? this.#offsetOf(path), path, message);
  }

  referenceAt(path: Path): string | undefined {
    const value = this.#scalarAt(path);
    return typeof value === "string" ? firstReference(value) : undefined;
  }

  isAllReferencesAt(path: Path): boolean {
    const value = this.#scalarAt(path);
    return typeof value === "string" && isAllReferences(value);
  }

  readsSecretAt(path: Path): boolean {
    if (this.#plain !== undefined) return someText(plainAt(this.#plain.root, path), readsSecret);
    let reads = false;
    visit(this.#nodeAt(path) ?? null, {
      Scalar(_key, { value }) {
        reads ||= typeof value === "string" && readsSecret(value);
      },
    });
    return reads;
  }

  keysAt(path: Path): readonly string[] {
    if (this.#plain !== undefined) {
      const value = plainAt(this.#plain.root, path);
      return isPlainMapping(value) ? Object.keys(value) : [];
    }
    const node = this.#nodeAt(path);
    return isMapping(node) ? node.items.map((pair) => String(pair.key.value)) : [];
  }

  fileOf(path: Path): string | undefined {
    const value = this.#plain === undefined ? this.#nodeAt(path) : plainAt(this.#plain.root, path);
    return value === undefined ? undefined : this.file;
  }

  placeOf(path: Path): SourcePosition | undefined {
    const plain = this.#plain && this.#placed(this.#plain, path);
    if (plain !== undefined) {
      const line = lineAt(plain, path);
      return line === undefined ? undefined : { file: this.file, line };
    }
    const node = this.#nodeAt(path);
    return node ? { file: this.file, line: this.#parsed.lines.linePos(node.range[0]).line || 1 } : undefined;
  }

  /** The plain text with the line of the value at the path; lines of mappings and lists are always known. */
  #placed(plain: PlainText, path: Path): PlainText | undefined {
    const value = plainAt(plain.root, path);
    if (typeof value === "object" && value !== null) return plain;
    return this.#withLines ??= readPlainYaml(this.#text, { withKeyLines: true });
  }

  #scalarAt(path: Path): unknown {
    if (this.#plain !== undefined) return plainAt(this.#plain.root, path);
    const node = this.#nodeAt(path);
    return isScalar(node) ? node.value : undefined;
  }

  #problemAt(offset: number, path: Path, message: string): Problem {
    const { line, col } = this.#parsed.lines.linePos(offset);
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

function isPlainMapping(value: PlainValue | undefined): value is PlainMapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member of a mapping, or the item of a list. */
function plainChild(value: PlainValue | undefined, step: string | number): PlainValue | undefined {
  if (Array.isArray(value)) return typeof step === "number" ? value[step] : undefined;
  return isPlainMapping(value) && Object.hasOwn(value, step) ? value[step] : undefined;
}

function plainAt(root: PlainValue, path: Path): PlainValue | undefined {
  return path.reduce<PlainValue | undefined>(plainChild, root);
}

/** The line on which the value at the path begins; undefined if there is none. */
function lineAt({ root, lines, keyLines }: PlainText, path: Path): number | undefined {
  let value: PlainValue | undefined = root;
  let line = lines.get(root);
  for (const step of path) {
    const keys = isPlainMapping(value) ? keyLines.get(value) : undefined;
    value = plainChild(value, step);
    if (value === undefined) return undefined;
    // Brackets and everything inside them are on one line.
    line = (typeof value === "object" && value !== null ? lines.get(value) : keys?.get(String(step))) ?? line;
  }
  return line;
}

/** Whether the predicate holds for a string at or below the value. */
function someText(value: PlainValue | undefined, fits: (text: string) => boolean): boolean {
  if (typeof value === "string") return fits(value);
  return typeof value === "object" && value !== null &&
    Object.values(value).some((each: PlainValue) => someText(each, fits));
}

function parseTree(text: string): Tree {
  const lines = new LineCounter();
  const { contents, errors } = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: "core",
    stringKeys: true,
    // Reported by findUnsupported, with the position.
    uniqueKeys: false,
  });
  const slips = findSlips(text, errors.map(({ pos: [offset] }) => offset));
  const problems = slips.length > 0
    ? slips
    : errors.length > 0 || contents === null
    ? explainYamlErrors(errors, contents)
    : [...findUnsupported(contents)];
  return { root: contents, lines, problems };
}
