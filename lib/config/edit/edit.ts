/** Edits one entry in the text of a configuration file and leaves all other text unchanged. */

import { isDeepStrictEqual } from "node:util";
import {
  Document,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Pair,
  parseDocument,
  Scalar,
  visit,
  YAMLMap,
} from "yaml";
import type { Node, YAMLSeq } from "yaml";
import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";

/** An entry of a section, such as one model, and its new value; undefined deletes it. */
export interface Edit {
  readonly section: string;
  readonly name: string;
  readonly value: JsonObject | undefined;
}

type Mapping = YAMLMap<Scalar, Node | null>;

/** The sections and entries of a file, with references unresolved. */
export function readEntries(text: string): JsonObject {
  const values: JsonValue = parse(text).toJS() ?? {};
  return isJsonObject(values) ? values : {};
}

/**
 * The text after the edit. Comments are kept: those inside an entry stay with their keys and items, those around it
 * stay in place, except for comments directly above a deleted entry. In a flow-style section, white space may change.
 */
export function editText(text: string, edit: Edit): string {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const plain = text.replaceAll("\r\n", "\n");
  const document = parse(plain);
  const expected = applyTo(readEntries(plain), edit);
  const edited = edit.value === undefined
    ? cutEntry(plain, document, edit)
    : writeEntry(plain, document, edit);
  const isRight = edited !== undefined && parse(edited).errors.length === 0 &&
    isDeepStrictEqual(readEntries(edited), expected);
  return (isRight ? edited : rewrite(plain, edit)).replaceAll("\n", newline);
}

function parse(text: string): Document.Parsed {
  return parseDocument(text, { schema: "core", stringKeys: true });
}

function applyTo(entries: JsonObject, { section, name, value }: Edit): JsonObject {
  const before = entries[section];
  const after = new Map(Object.entries(isJsonObject(before) ? before : {}));
  if (value === undefined) after.delete(name);
  else after.set(name, value);
  return { ...entries, [section]: Object.fromEntries(after) };
}

/** Reserialises the whole document: correct for every file, but with the library's white space. */
function rewrite(text: string, edit: Edit): string {
  const document = parse(text);
  const found: unknown = document.get(edit.section);
  const map = isMapping(found) ? found : new YAMLMap<Scalar, Node | null>();
  if (map !== found) document.set(edit.section, map);
  setMember(map, edit, document);
  return document.toString({ lineWidth: 0 });
}

interface Member {
  readonly name: string;
  /** Undefined if the entry is to be deleted. */
  readonly value: JsonValue | undefined;
}

function setMember(map: Mapping, { name, value }: Member, document: Document.Parsed): void {
  const pair = map.items.find(({ key }) => key.value === name);
  if (value === undefined) map.delete(name);
  else if (pair === undefined) map.add(new Pair(new Scalar(name), document.createNode(value)));
  else pair.value = mergeInto(pair.value, value, document);
}

/** Reserialises only a flow-style section; undefined if the section is not flow-style. */
function writeInBraces(text: string, document: Document.Parsed, edit: Edit): string | undefined {
  const root: unknown = document.contents;
  if (!isMapping(root) || root.flow === true) return undefined;
  const pair = root.items.find(({ key }) => key.value === edit.section);
  const map: unknown = pair?.value;
  if (pair === undefined || !isMapping(map) || map.flow !== true) return undefined;
  const [start] = rangeOf(pair.key);
  const [, end] = rangeOf(map);
  dropTrailingComment(map, text);
  setMember(map, edit, document);
  const lines = entryText(edit.section, settleComment(map), { like: text.slice(start, end) });
  return text.slice(0, start) + lines + text.slice(end);
}

/** The section's key and its mapping, if it can be edited line by line. */
interface Place {
  /** Offset after the colon of the section's key. */
  readonly afterKey: number;
  /** Undefined if the section exists but is empty. */
  readonly map: Mapping | undefined;
  /** The range of the section's value if it is `{}`. */
  readonly braces: readonly [start: number, end: number] | undefined;
}

function findSection(text: string, document: Document.Parsed, section: string): Place | undefined {
  const root: unknown = document.contents;
  if (!isMapping(root) || root.flow === true) return undefined;
  const pair = root.items.find(({ key }) => key.value === section);
  if (pair === undefined) return undefined;
  const afterKey = text.indexOf(":", rangeOf(pair.key)[1]) + 1;
  const { value } = pair;
  if (isMapping(value) && value.items.length > 0) {
    return value.flow === true ? undefined : { afterKey, map: value, braces: undefined };
  }
  const braces = isMapping(value) ? rangeOf(value) : undefined;
  return braces !== undefined || value === null || (isScalar(value) && value.value === null)
    ? { afterKey, map: undefined, braces }
    : undefined;
}

function isMapping(node: unknown): node is Mapping {
  return isMap(node);
}

/** Start and end offset of a parsed node. */
function rangeOf(node: Node): readonly [start: number, end: number] {
  const [start, end] = node.range ?? [0, 0];
  return [start, end];
}

function writeEntry(text: string, document: Document.Parsed, edit: Edit): string | undefined {
  const { section, name, value = {} } = edit;
  const place = findSection(text, document, section);
  if (place === undefined) {
    const root = document.contents;
    if (root !== null && (!isMapping(root) || root.flow === true)) return undefined;
    if (root?.has(section)) return writeInBraces(text, document, edit);
    const gap = text === "" || text.endsWith("\n") ? "" : "\n";
    return `${text}${gap}${section}:\n${entryText(name, document.createNode(value), { indent: 2 })}\n`;
  }
  const { afterKey, map, braces } = place;
  if (map === undefined) {
    const [start, end] = braces ?? [afterKey, afterKey];
    const open = text.slice(0, start).trimEnd() + text.slice(end);
    return insertBelow(open, afterKey, entryText(name, document.createNode(value), { indent: 2 }));
  }
  const pair = map.items.find(({ key }) => key.value === name);
  if (pair === undefined) {
    const last = map.items.at(-1);
    const indent = columnOf(text, rangeOf(map)[0]);
    return last &&
      insertBelow(text, endOfLines(text, last), entryText(name, document.createNode(value), { indent }));
  }
  // Before the merge, which removes nodes.
  const end = endOf(text, pair);
  if (pair.value !== null) {
    if (isBlock(pair.value)) dropCommentsBelow(pair.value);
    else dropTrailingComment(pair.value, text);
  }
  const node = settleComment(mergeInto(pair.value, value, document));
  const [start] = rangeOf(pair.key);
  const indent = columnOf(text, start);
  const lines = entryText(name, node, { indent, like: text.slice(start, end) }).trimStart();
  return text.slice(0, start) + lines + text.slice(end);
}

function cutEntry(text: string, document: Document.Parsed, edit: Edit): string | undefined {
  const place = findSection(text, document, edit.section);
  if (place === undefined) return writeInBraces(text, document, edit);
  const pair = place.map?.items.find(({ key }) => key.value === edit.name);
  if (place.map === undefined || pair === undefined) return undefined;
  const start = startOfLines(text, pair);
  const without = text.slice(0, start) + text.slice(endOfLines(text, pair) + 1);
  if (place.map.items.length > 1) return without;
  return `${text.slice(0, place.afterKey)} {}${without.slice(place.afterKey)}`;
}

type EntryPair = Pair<Scalar, Node | null>;

/**
 * The end of an entry that is to be rewritten: after its last line, or after its braces. Comments on the lines below
 * are not part of it, regardless of the node to which the parser attaches them.
 */
function endOf(text: string, { key, value }: EntryPair): number {
  if (value === null) return text.indexOf(":", rangeOf(key)[1]) + 1;
  const leaf = lastLeaf(value);
  const end = text.slice(0, rangeOf(leaf)[1]).trimEnd().length;
  return leaf === value ? end : endOfLine(text, end);
}

/**
 * The start of an entry's first line, including comments directly above it with the same indentation as its name.
 */
function startOfLines(text: string, { key }: EntryPair): number {
  const [name] = rangeOf(key);
  let start = text.lastIndexOf("\n", name - 1) + 1;
  const comment = `${" ".repeat(columnOf(text, name))}#`;
  while (start > 0) {
    const above = text.lastIndexOf("\n", start - 2) + 1;
    if (!text.startsWith(comment, above)) break;
    start = above;
  }
  return start;
}

/** The end of an entry's last line, including comments below it with the same indentation as its keys. */
function endOfLines(text: string, pair: EntryPair): number {
  const indent = columnOf(text, rangeOf(pair.key)[0]);
  const comment = new RegExp(`\\n {${indent + 1},}#[^\\n]*`, "y");
  let end = endOfLine(text, endOf(text, pair));
  for (comment.lastIndex = end; comment.test(text); end = comment.lastIndex);
  return end;
}

/** The last value inside a value; the value itself if it is a scalar or flow-style. */
function lastLeaf(node: Node): Node {
  const last = isBlock(node) ? node.items.at(-1) : undefined;
  if (last === undefined) return node;
  if (!isPair<Scalar, Node | null>(last)) return isNode(last) ? lastLeaf(last) : node;
  return lastLeaf(last.value ?? last.key);
}

/** The text below the value's lines stays, and must not be written twice. */
function dropCommentsBelow(node: Node): void {
  node.comment = null;
  const last = isBlock(node) ? node.items.at(-1) : undefined;
  const inner = isPair<Scalar, Node | null>(last) ? last.value : last;
  if (isNode(inner) && isBlock(inner)) dropCommentsBelow(inner);
}

/** The text after the closing brace stays, and must not be written twice. */
function dropTrailingComment(node: Node, text: string): void {
  const [, valueEnd = 0, nodeEnd = 0] = node.range ?? [];
  if (!text.slice(valueEnd, nodeEnd).includes("#")) return;
  const lines = (node.comment ?? "").split("\n");
  node.comment = lines.slice(0, -1).join("\n") || null;
}

/**
 * In a flow-style value, a comment below the last member stays inside; after the braces it would be out of place.
 */
function settleComment(node: Node): Node {
  const last: unknown = isCollection(node) && node.flow === true ? node.items.at(-1) : undefined;
  const holder = isPair<Scalar, Node | null>(last) ? last.value ?? last.key : last;
  if (!node.comment || !isNode(holder)) return node;
  holder.comment = [holder.comment, node.comment].filter(Boolean).join("\n");
  node.comment = null;
  return node;
}

function isBlock(node: unknown): node is YAMLMap | YAMLSeq {
  return isCollection(node) && node.flow !== true;
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf("\n", offset - 1) + 1);
}

function insertBelow(text: string, offset: number, lines: string): string {
  const end = endOfLine(text, offset);
  return `${text.slice(0, end)}\n${lines}${text.slice(end)}`;
}

interface Look {
  /** Indentation of the name. */
  readonly indent?: number;
  /** The original text, whose padding inside braces and brackets is kept. */
  readonly like?: string;
}

/** The lines of `name: value`, without the final line break. */
function entryText(name: string, value: Node, { indent = 0, like = "" }: Look): string {
  const document = new Document();
  const map = new YAMLMap();
  map.add(new Pair(new Scalar(name), value));
  document.contents = map;
  const padding = { braces: /\{\s/.test(like) ? " " : "", brackets: /\[\s/.test(like) ? " " : "" };
  visit(document, {
    Collection(_key, node) {
      const flowCollectionPadding = isSeq(node) ? padding.brackets : padding.braces;
      const write = node.toString.bind(node);
      node.toString = (context, ...rest) => write(context && { ...context, flowCollectionPadding }, ...rest);
    },
  });
  const lines = document.toString({ lineWidth: 0 }).trimEnd().split("\n");
  return lines.map((line) => line === "" ? "" : " ".repeat(indent) + line).join("\n");
}

/** A node for the new value, based on the old one: unchanged parts keep their comments, quotes and braces. */
function mergeInto(old: Node | null | undefined, value: JsonValue, document: Document.Parsed): Node {
  if (isMapping(old) && isJsonObject(value)) return mergeMembers(old, value, document);
  if (isSeq<Node>(old) && Array.isArray(value)) return mergeItems(old, value, document);
  if (isNode(old) && isDeepStrictEqual(old.toJS(document), value)) return old;
  const node = document.createNode(value);
  node.comment = old?.comment ?? null;
  node.commentBefore = old?.commentBefore ?? null;
  return node;
}

function mergeMembers(map: Mapping, value: JsonObject, document: Document.Parsed): Node {
  for (const { key } of [...map.items]) {
    if (!Object.hasOwn(value, String(key.value))) map.delete(key.value);
  }
  for (const [name, member] of Object.entries(value)) setMember(map, { name, value: member }, document);
  return map;
}

/**
 * Unchanged items keep their comments wherever they move; a new item takes over the comments of the one it replaces.
 */
function mergeItems(list: YAMLSeq<Node>, value: readonly JsonValue[], document: Document.Parsed): Node {
  const left: (Node | undefined)[] = [...list.items];
  const kept = value.map((item) => {
    const index = left.findIndex((node) =>
      node !== undefined && isDeepStrictEqual(node.toJS(document), item)
    );
    const [node] = index === -1 ? [] : left.splice(index, 1, undefined);
    return node;
  });
  list.items = value.map((item, index) => {
    const replaced = left[index];
    return kept[index] ?? mergeInto(isCollection(replaced) ? replaced : undefined, item, document);
  });
  return list;
}
