/** What is wrong with a file as YAML, and what YAML allows but this configuration does not. */

import { isAlias, isMap, isScalar, isSeq } from "yaml";
import type { Pair, ParsedNode, parseDocument, Scalar } from "yaml";

import { type Path, quoteKey } from "../../base/problems.ts";

/** A key and its value, which is null where nothing stands behind the colon. */
export type YamlPair = Pair<Scalar.Parsed, ParsedNode | null>;

type YamlError = ReturnType<typeof parseDocument>["errors"][number];

/** A problem whose place is still an offset in the text. */
export interface SyntaxProblem {
  readonly offset: number;
  readonly path: Path;
  readonly message: string;
  /** Offset of the first of two things that exclude each other. */
  readonly first?: number;
}

const QUOTE_IT = "put a value that has any of : # { } [ ] , & * in quotes";

/** In our words, because the parser's own may repeat the text, and with it a secret. */
const MESSAGES: Readonly<Record<YamlError["code"], string>> = {
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

/** The parser's errors, at the place where the operator will look for each. */
export function explainYamlErrors(
  errors: readonly YamlError[],
  root: ParsedNode | null,
): readonly SyntaxProblem[] {
  // Where the parser gave up depends on the stack that it had, and all that follows is a consequence.
  if (errors.some(({ code }) => code === "RESOURCE_EXHAUSTION")) {
    return [{ offset: 0, path: [], message: MESSAGES.RESOURCE_EXHAUSTION }];
  }
  return errors.map(({ code, pos: [offset] }) => {
    const mayBeUnclosed = code === "MISSING_CHAR" || code === "BAD_INDENT";
    const opened = mayBeUnclosed ? openedBefore(root, offset) : undefined;
    return opened === undefined
      ? { offset, path: [], message: MESSAGES[code] }
      : { offset: opened, path: [], message: "this quote or bracket is never closed" };
  });
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
  // The innermost is the one to close first.
  for (const child of isSeq<ParsedNode>(node) ? node.items : node.items.map((pair) => pair.value)) {
    const opened = openedBefore(child, offset);
    if (opened !== undefined) return opened;
  }
  return node.flow === true && node.range[1] === offset ? node.range[0] : undefined;
}

const MAX_NESTING = 64;

/** What would make the file mean more than a reader sees: aliases, tags, keys given twice, and endless nesting. */
export function* findUnsupported(node: ParsedNode, path: Path = []): Generator<SyntaxProblem> {
  const offset = node.range[0];
  if (path.length > MAX_NESTING) {
    yield { offset, path: path.slice(0, 1), message: MESSAGES.RESOURCE_EXHAUSTION };
  } else if (isAlias(node)) {
    yield { offset, path, message: "aliases are not supported: write the value out" };
  } else {
    if (node.anchor !== undefined) {
      yield { offset, path, message: "anchors are not supported: write the value out at each place" };
    }
    if (node.tag !== undefined) yield { offset, path, message: MESSAGES.TAG_RESOLVE_FAILED };
    if (isSeq<ParsedNode>(node)) {
      for (const [index, item] of node.items.entries()) yield* findUnsupported(item, [...path, index]);
    } else if (isMap<Scalar.Parsed, ParsedNode | null>(node)) {
      yield* findUnsupportedKeys(node.items, path);
      for (const { key, value } of node.items) {
        if (value !== null) yield* findUnsupported(value, [...path, String(key.value)]);
      }
    }
  }
}

function* findUnsupportedKeys(pairs: readonly YamlPair[], path: Path): Generator<SyntaxProblem> {
  const seen = new Map<string, number>();
  for (const { key } of pairs) {
    const offset = key.range[0];
    const name = String(key.value);
    const first = seen.get(name);
    if (first !== undefined) yield { offset, path, message: `duplicate key ${quoteKey(name)}`, first };
    else seen.set(name, offset);
    if (name === "<<") yield { offset, path, message: "merge keys are not supported: write the keys out" };
    // JavaScript gives this name a meaning of its own.
    if (name === "__proto__") yield { offset, path, message: `the key ${quoteKey(name)} is not allowed` };
  }
}
