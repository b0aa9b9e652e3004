/** YAML syntax errors, and YAML features that the configuration does not support. */

import { isAlias, isMap, isScalar, isSeq } from "yaml";
import type { Pair, ParsedNode, parseDocument, Scalar } from "yaml";

import { type Path, quoteKey } from "../../base/problems.ts";

/** A key and its value, which is null if there is nothing after the colon. */
export type YamlPair = Pair<Scalar.Parsed, ParsedNode | null>;

type YamlError = ReturnType<typeof parseDocument>["errors"][number];

/** A problem, positioned by an offset in the text. */
export interface SyntaxProblem {
  readonly offset: number;
  readonly path: Path;
  readonly message: string;
  /** Offset of the earlier of two conflicting items. */
  readonly first?: number;
}

const QUOTE_IT = "quote values that contain any of : # { } [ ] , & *";

/** Our own messages, because the parser's may repeat the text, and with it a secret. */
const MESSAGES: Readonly<Record<YamlError["code"], string>> = {
  ALIAS_PROPS: "an alias cannot have an anchor or a tag",
  BAD_ALIAS: `invalid anchor or alias; ${QUOTE_IT}`,
  BAD_COLLECTION_TYPE: "the tag does not fit the value",
  BAD_DIRECTIVE: "invalid directive",
  BAD_DQ_ESCAPE: "unknown escape in double quotes; write \\\\ for a backslash, or use single quotes",
  BAD_INDENT: "wrong indentation, or a missing ] or }",
  BAD_PROP_ORDER: "anchors and tags must follow the indicator",
  BAD_SCALAR_START: "a value cannot begin with this character; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: `a mapping cannot begin here; indent it on the next line, or ${QUOTE_IT}`,
  BLOCK_IN_FLOW: "an indented block is not allowed inside [ ] or { }",
  DUPLICATE_KEY: "duplicate key",
  IMPOSSIBLE: "invalid YAML",
  KEY_OVER_1024_CHARS: "the key is longer than 1024 characters",
  MISSING_CHAR:
    `a quote, a comma, a colon or the space after it is missing, or a value needs quotes; ${QUOTE_IT}`,
  MULTILINE_IMPLICIT_KEY: `a key must be on one line; check the indentation, or ${QUOTE_IT}`,
  MULTIPLE_ANCHORS: "a value can have at most one anchor",
  MULTIPLE_DOCS: "the file has more than one document; remove the --- line",
  MULTIPLE_TAGS: "a value can have at most one tag",
  NON_STRING_KEY: "a key must be a plain string",
  RESOURCE_EXHAUSTION: "the file is nested too deeply",
  TAB_AS_INDENT: "tabs are not allowed as indentation; use spaces",
  TAG_RESOLVE_FAILED: "tags are not supported; remove the tag",
  UNEXPECTED_TOKEN: `unexpected text; ${QUOTE_IT}`,
};

/** The parser's errors, each at the position where the operator should look. */
export function explainYamlErrors(
  errors: readonly YamlError[],
  root: ParsedNode | null,
): readonly SyntaxProblem[] {
  // The parser's position depends on its stack, and later errors are consequences.
  if (errors.some(({ code }) => code === "RESOURCE_EXHAUSTION")) {
    return [{ offset: 0, path: [], message: MESSAGES.RESOURCE_EXHAUSTION }];
  }
  return errors.map(({ code, pos: [offset] }) => {
    const mayBeUnclosed = code === "MISSING_CHAR" || code === "BAD_INDENT";
    const opened = mayBeUnclosed ? openedBefore(root, offset) : undefined;
    return opened === undefined
      ? { offset, path: [], message: MESSAGES[code] }
      : { offset: opened, path: [], message: "unclosed quote or bracket" };
  });
}

/**
 * Start of the quoted string or bracketed collection that is not closed before the offset. The parser reports the end
 * of the file, or the first line that cannot belong to it.
 */
function openedBefore(node: ParsedNode | null, offset: number): number | undefined {
  if (isScalar(node)) {
    const quoted = node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE";
    return quoted && node.range[1] === offset ? node.range[0] : undefined;
  }
  if (!isSeq<ParsedNode>(node) && !isMap<Scalar.Parsed, ParsedNode | null>(node)) return undefined;
  // The innermost one must be closed first.
  for (const child of isSeq<ParsedNode>(node) ? node.items : node.items.map((pair) => pair.value)) {
    const opened = openedBefore(child, offset);
    if (opened !== undefined) return opened;
  }
  return node.flow === true && node.range[1] === offset ? node.range[0] : undefined;
}

const MAX_NESTING = 64;

/**
 * Constructs that make a file mean more than a reader sees: aliases, tags, duplicate keys and unbounded nesting.
 */
export function* findUnsupported(node: ParsedNode, path: Path = []): Generator<SyntaxProblem> {
  const offset = node.range[0];
  if (path.length > MAX_NESTING) {
    yield { offset, path: path.slice(0, 1), message: MESSAGES.RESOURCE_EXHAUSTION };
  } else if (isAlias(node)) {
    yield { offset, path, message: "aliases are not supported; repeat the value" };
  } else {
    if (node.anchor !== undefined) {
      yield { offset, path, message: "anchors are not supported; repeat the value where it is needed" };
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
    if (name === "<<") yield { offset, path, message: "merge keys are not supported; repeat the keys" };
    // This name has a special meaning in JavaScript.
    if (name === "__proto__") yield { offset, path, message: `the key ${quoteKey(name)} is not allowed` };
  }
}
