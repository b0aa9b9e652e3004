/** The YAML text as a tree that knows where everything stands. */

import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Pair, ParsedNode, Scalar } from "yaml";

import { formatPath, type Path, type Problem, quote } from "./problems.ts";

type YamlError = ReturnType<typeof parseDocument>["errors"][number];

const QUOTE_IT = "put a value that has any of : # { } [ ] , & * in quotes";

/** In our words, because the parser's own may repeat the text, and with it a secret. */
const SYNTAX_MESSAGES: Readonly<Record<YamlError["code"], string>> = {
  ALIAS_PROPS: "an alias cannot have an anchor or a tag",
  BAD_ALIAS: `the anchor or alias is not valid: ${QUOTE_IT}`,
  BAD_COLLECTION_TYPE: "the tag does not fit the value",
  BAD_DIRECTIVE: "the directive is not valid",
  BAD_DQ_ESCAPE: "unknown escape in double quotes: write \\\\ for a backslash, or use single quotes",
  BAD_INDENT: "the indentation does not fit, or a closing ] or } is missing",
  BAD_PROP_ORDER: "anchors and tags stand behind the indicator",
  BAD_SCALAR_START: "a value cannot begin with this character: put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: `a mapping cannot begin here: indent it on the next line, or ${QUOTE_IT}`,
  BLOCK_IN_FLOW: "an indented block cannot stand inside [ ] or { }",
  DUPLICATE_KEY: "the key is given twice",
  IMPOSSIBLE: "the text cannot be read as YAML",
  KEY_OVER_1024_CHARS: "the key is longer than 1024 characters",
  MISSING_CHAR:
    `a quote, a comma, a colon or the space behind it is missing, or a value is not quoted: ${QUOTE_IT}`,
  MULTILINE_IMPLICIT_KEY: `a key must be on one line; check the indentation, or ${QUOTE_IT}`,
  MULTIPLE_ANCHORS: "a value can have one anchor at most",
  MULTIPLE_DOCS: "the file has more than one document: remove the --- line",
  MULTIPLE_TAGS: "a value can have one tag at most",
  NON_STRING_KEY: "a key must be a plain text",
  RESOURCE_EXHAUSTION: "the file is nested too deeply",
  TAB_AS_INDENT: "a tab cannot indent: use spaces",
  TAG_RESOLVE_FAILED: "tags are not supported: write the value without it",
  UNEXPECTED_TOKEN: `unexpected text: ${QUOTE_IT}`,
};

const MOST_NESTING = 64;

/** A parsed file; every problem is made here, because only here is it known where things stand. */
export class ConfigDocument {
  readonly #lines = new LineCounter();
  readonly root: ParsedNode | null;
  /** If there are any, `root` cannot be relied on. */
  readonly syntaxProblems: readonly Problem[];

  constructor(readonly file: string, text: string) {
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      schema: "core",
      stringKeys: true,
      // Found below, with the path and the place of the first.
      uniqueKeys: false,
    });
    this.root = document.contents;
    this.syntaxProblems = document.errors.length > 0 || this.root === null
      ? this.#explainErrors(document.errors)
      : this.#checkNode(this.root, []);
  }

  /** A problem of the value at the path or, where there is none, of the nearest key above it. */
  problem(path: Path, message: string): Problem {
    return this.problemAt(this.#offsetOf(path), path, message);
  }

  /** A problem of the last key of the path rather than of its value. */
  problemOfKey(path: Path, message: string): Problem {
    const key = this.pairAt(path)?.key;
    return this.problemAt(key?.range?.[0] ?? this.#offsetOf(path), path, message);
  }

  problemAt(offset: number, path: Path, message: string): Problem {
    const { line, col } = this.#lines.linePos(offset);
    return {
      file: this.file,
      line: Math.max(line, 1),
      column: Math.max(col, 1),
      path: formatPath(path),
      message,
    };
  }

  nodeAt(path: Path): ParsedNode | null | undefined {
    let node: ParsedNode | null | undefined = this.root;
    for (const step of path) {
      if (isMap<Scalar.Parsed, ParsedNode | null>(node)) {
        node = node.items.find((pair) => pair.key.value === step)?.value;
      } else if (isSeq<ParsedNode>(node) && typeof step === "number") node = node.items[step];
      else return undefined;
    }
    return node;
  }

  /** The text that the file has at the path, its references unresolved; undefined where there is no text. */
  textAt(path: Path): string | undefined {
    const node = this.nodeAt(path);
    return isScalar(node) && typeof node.value === "string" ? node.value : undefined;
  }

  /** Keys of the mapping at the path, in the order of the file; none if there is no mapping. */
  keysAt(path: Path): readonly string[] {
    const node = this.nodeAt(path);
    return isMap<Scalar.Parsed>(node) ? node.items.map((pair) => String(pair.key.value)) : [];
  }

  /** A problem if the file is anything but a mapping. */
  problemOfRoot(): Problem | undefined {
    if (isMap(this.root)) return undefined;
    const found = isSeq(this.root)
      ? "a list"
      : this.root === null || this.textAt([]) === ""
      ? "nothing"
      : "a text";
    return this.problemAt(
      this.root?.range[0] ?? 0,
      [],
      `expected a mapping with the key providers, found ${found}`,
    );
  }

  pairAt(path: Path): Pair<Scalar.Parsed, ParsedNode | null> | undefined {
    const parent = this.nodeAt(path.slice(0, -1));
    if (!isMap<Scalar.Parsed, ParsedNode | null>(parent)) return undefined;
    return parent.items.find((pair) => pair.key.value === path.at(-1));
  }

  #explainErrors(errors: readonly YamlError[]): readonly Problem[] {
    // Where the parser gave up depends on the stack that it had, and all that follows is a consequence.
    if (errors.some(({ code }) => code === "RESOURCE_EXHAUSTION")) {
      return [this.problemAt(0, [], SYNTAX_MESSAGES.RESOURCE_EXHAUSTION)];
    }
    return errors.map(({ code, pos: [offset] }) => {
      const opened = code === "MISSING_CHAR" || code === "BAD_INDENT"
        ? openedBefore(this.root, offset)
        : undefined;
      return opened === undefined
        ? this.problemAt(offset, [], SYNTAX_MESSAGES[code])
        : this.problemAt(opened, [], "this quote or bracket is never closed");
    });
  }

  #offsetOf(path: Path): number {
    const node = this.nodeAt(path);
    if (node && path.length > 0) return node.range[0];
    for (let length = path.length; length > 0; length--) {
      const key = this.pairAt(path.slice(0, length))?.key;
      if (key !== undefined) return key.range[0];
    }
    return 0;
  }

  /** What YAML allows and this configuration does not: it would make the file mean more than a reader sees. */
  #checkNode(node: ParsedNode, path: Path): Problem[] {
    const here = (message: string) => this.problemAt(node.range[0], path, message);
    if (path.length > MOST_NESTING) {
      return [this.problemAt(node.range[0], path.slice(0, 1), SYNTAX_MESSAGES.RESOURCE_EXHAUSTION)];
    }
    if (isAlias(node)) return [here("aliases are not supported: write the value out")];
    const problems: Problem[] = [];
    if (node.anchor !== undefined) {
      problems.push(here("anchors are not supported: write the value out at each place"));
    }
    if (node.tag !== undefined) problems.push(here(SYNTAX_MESSAGES.TAG_RESOLVE_FAILED));
    if (isSeq<ParsedNode>(node)) {
      problems.push(...node.items.flatMap((item, index) => this.#checkNode(item, [...path, index])));
    } else if (isMap<Scalar.Parsed, ParsedNode | null>(node)) {
      problems.push(...this.#checkKeys(node.items, path));
      for (const { key, value } of node.items) {
        if (value !== null) problems.push(...this.#checkNode(value, [...path, key.value as string]));
      }
    }
    return problems;
  }

  #checkKeys(pairs: readonly Pair<Scalar.Parsed, ParsedNode | null>[], path: Path): Problem[] {
    const first = new Map<string, number>();
    const problems: Problem[] = [];
    for (const { key } of pairs) {
      const name = key.value as string;
      const at = (message: string) => problems.push(this.problemAt(key.range[0], path, message));
      const earlier = first.get(name);
      if (earlier !== undefined) {
        at(`duplicate key ${quote(name)}, already given on line ${this.#lines.linePos(earlier).line}`);
      } else if (name === "<<") at("merge keys are not supported: write the keys out");
      // JavaScript gives this name a meaning of its own.
      else if (name === "__proto__") at(`the key ${quote(name)} is not allowed`);
      first.set(name, earlier ?? key.range[0]);
    }
    return problems;
  }
}

/**
 * Where the quoted text or bracketed collection begins that has no end before the offset. The parser reports the end of
 * the file, or the first line that cannot belong to it.
 */
function openedBefore(node: ParsedNode | null, offset: number): number | undefined {
  if (isScalar(node)) {
    const quoted = node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE";
    return quoted && node.range[1] === offset ? node.range[0] : undefined;
  }
  if (!isSeq<ParsedNode>(node) && !isMap<Scalar.Parsed, ParsedNode | null>(node)) return undefined;
  const children = isSeq<ParsedNode>(node) ? node.items : node.items.map((pair) => pair.value);
  // The innermost is the one to close first.
  for (const child of children) {
    const opened = openedBefore(child, offset);
    if (opened !== undefined) return opened;
  }
  return node.flow === true && node.range[1] === offset ? node.range[0] : undefined;
}
