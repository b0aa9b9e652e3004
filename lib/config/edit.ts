/** Changes one entry in the text of a configuration file, and leaves the rest of the text as it is. */

import { isDeepStrictEqual } from "node:util";

import { Document, isCollection, isMap, isPair, isScalar, Pair, parseDocument, Scalar, YAMLMap } from "yaml";
import type { Node, YAMLSeq } from "yaml";

import { isJsonObject, type JsonObject, type JsonValue } from "../base/json.ts";

/** An entry of a section, such as one model, and what it is to be; undefined deletes it. */
export interface Edit {
  readonly section: string;
  readonly name: string;
  readonly value: JsonObject | undefined;
}

type Mapping = YAMLMap<Scalar, Node | null>;

/** What a file says of its sections and entries, with its references as they stand there. */
export function readEntries(text: string): JsonObject {
  const values: JsonValue = parse(text).toJS() ?? {};
  return isJsonObject(values) ? values : {};
}

/**
 * The text after the edit. Comments stay: those inside an entry with the keys that they belong to, those around it where
 * they are. Of a section that is written in braces, the white space may change.
 */
export function editText(text: string, edit: Edit): string {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const plain = text.replaceAll("\r\n", "\n");
  const document = parse(plain);
  const expected = applyTo(readEntries(plain), edit);
  const edited = edit.value === undefined
    ? cutEntry(plain, document, edit)
    : writeEntry(plain, document, edit);
  const isRight = edited !== undefined && isDeepStrictEqual(readEntries(edited), expected);
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

/** The whole document written anew: right for every file, but its white space is the library's. */
function rewrite(text: string, { section, name, value }: Edit): string {
  const document = parse(text);
  const found = document.get(section);
  if (!isMap(found)) document.set(section, document.createNode({}));
  if (value === undefined) document.deleteIn([section, name]);
  else document.setIn([section, name], document.createNode(value));
  return document.toString({ lineWidth: 0 });
}

/** The section's key and its mapping, where that can be edited line by line. */
interface Place {
  /** Offset behind the colon of the section's key. */
  readonly behindKey: number;
  /** Undefined where the section is there, but empty. */
  readonly map: Mapping | undefined;
  /** Of the section's value, where that is `{}`. */
  readonly braces: readonly [start: number, end: number] | undefined;
}

function findSection(text: string, document: Document.Parsed, section: string): Place | undefined {
  const root: unknown = document.contents;
  if (!isMapping(root) || root.flow === true) return undefined;
  const pair = root.items.find(({ key }) => key.value === section);
  if (pair === undefined) return undefined;
  const behindKey = text.indexOf(":", rangeOf(pair.key)[1]) + 1;
  const { value } = pair;
  if (isMapping(value) && value.items.length > 0) {
    return value.flow === true ? undefined : { behindKey, map: value, braces: undefined };
  }
  const braces = isMapping(value) ? rangeOf(value) : undefined;
  return braces !== undefined || value === null || (isScalar(value) && value.value === null)
    ? { behindKey, map: undefined, braces }
    : undefined;
}

function isMapping(node: unknown): node is Mapping {
  return isMap(node);
}

/** Offsets at which a parsed node begins and ends. */
function rangeOf(node: Node): readonly [start: number, end: number] {
  const [start, end] = node.range ?? [0, 0];
  return [start, end];
}

function writeEntry(text: string, document: Document.Parsed, edit: Edit): string | undefined {
  const { section, name, value = {} } = edit;
  const place = findSection(text, document, section);
  if (place === undefined) {
    const root = document.contents;
    if (root !== null && (!isMapping(root) || root.flow === true || root.has(section))) return undefined;
    const gap = text === "" || text.endsWith("\n") ? "" : "\n";
    return `${text}${gap}${section}:\n${entryText(name, document.createNode(value), 2)}\n`;
  }
  const { behindKey, map, braces } = place;
  if (map === undefined) {
    const [start, end] = braces ?? [behindKey, behindKey];
    const open = text.slice(0, start).trimEnd() + text.slice(end);
    return insertBelow(open, behindKey, entryText(name, document.createNode(value), 2));
  }
  const pair = map.items.find(({ key }) => key.value === name);
  if (pair === undefined) {
    const last = map.items.at(-1);
    const indent = columnOf(text, rangeOf(map)[0]);
    return last &&
      insertBelow(text, endOfLines(text, last), entryText(name, document.createNode(value), indent));
  }
  // Before the merge, which takes nodes away.
  const end = endOf(text, pair);
  if (pair.value !== null) dropCommentsBelow(pair.value);
  const node = isMapping(pair.value) ? mergeInto(pair.value, value, document) : document.createNode(value);
  const [start] = rangeOf(pair.key);
  const indent = columnOf(text, start);
  return text.slice(0, start) + entryText(name, node, indent).trimStart() + text.slice(end);
}

function cutEntry(text: string, document: Document.Parsed, { section, name }: Edit): string | undefined {
  const place = findSection(text, document, section);
  const pair = place?.map?.items.find(({ key }) => key.value === name);
  if (place?.map === undefined || pair === undefined) return undefined;
  const start = text.lastIndexOf("\n", rangeOf(pair.key)[0]) + 1;
  const without = text.slice(0, start) + text.slice(endOfLines(text, pair) + 1);
  if (place.map.items.length > 1) return without;
  return `${text.slice(0, place.behindKey)} {}${without.slice(place.behindKey)}`;
}

type EntryPair = Pair<Scalar, Node | null>;

/**
 * Where an entry ends that is to be written anew: behind its last line, or behind its braces. Comments on lines below are
 * not part of it, whichever node the parser gives them to.
 */
function endOf(text: string, { key, value }: EntryPair): number {
  if (value === null) return text.indexOf(":", rangeOf(key)[1]) + 1;
  const leaf = lastLeaf(value);
  const end = text.slice(0, rangeOf(leaf)[1]).trimEnd().length;
  return leaf === value ? end : endOfLine(text, end);
}

/** Where the last line of an entry ends, with the comments below it that are indented as its keys are. */
function endOfLines(text: string, pair: EntryPair): number {
  const indent = columnOf(text, rangeOf(pair.key)[0]);
  const comment = new RegExp(`\\n {${indent + 1},}#[^\\n]*`, "y");
  let end = endOfLine(text, endOf(text, pair));
  for (comment.lastIndex = end; comment.test(text); end = comment.lastIndex);
  return end;
}

/** The value that is written last inside a value; itself where that is a scalar or in braces. */
function lastLeaf(node: Node): Node {
  const last = isBlock(node) ? node.items.at(-1) : undefined;
  if (last === undefined) return node;
  if (!isPair<Scalar, Node | null>(last)) return isNode(last) ? lastLeaf(last) : node;
  return lastLeaf(last.value ?? last.key);
}

/** What stands below the lines of a value stays in the text, and must not be written twice. */
function dropCommentsBelow(node: Node): void {
  node.comment = null;
  const last = isBlock(node) ? node.items.at(-1) : undefined;
  const inner = isPair<Scalar, Node | null>(last) ? last.value : last;
  if (isNode(inner) && isBlock(inner)) dropCommentsBelow(inner);
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

/** The lines of `name: value`, without the last line's end. */
function entryText(name: string, value: Node, indent: number): string {
  const document = new Document();
  const map = new YAMLMap();
  map.add(new Pair(new Scalar(name), value));
  document.contents = map;
  const lines = document.toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd().split("\n");
  return lines.map((line) => line === "" ? "" : " ".repeat(indent) + line).join("\n");
}

/** Gives a mapping the members of a value; what stays the same keeps its comments and its quotes. */
function mergeInto(map: Mapping, value: JsonObject, document: Document.Parsed): Node {
  for (const { key } of [...map.items]) {
    if (!Object.hasOwn(value, String(key.value))) map.delete(key.value);
  }
  for (const [name, member] of Object.entries(value)) {
    const old: unknown = map.get(name, true);
    if (isMapping(old) && isJsonObject(member)) {
      mergeInto(old, member, document);
      continue;
    }
    if (isNode(old) && isDeepStrictEqual(old.toJS(document), member)) continue;
    const node = document.createNode(member);
    if (isNode(old)) node.comment = old.comment ?? null;
    const pair = map.items.find(({ key }) => key.value === name);
    if (pair === undefined) map.add(new Pair(new Scalar(name), node));
    else pair.value = node;
  }
  return map;
}

function isNode(value: unknown): value is Node {
  return isMap(value) || isScalar(value) || (typeof value === "object" && value !== null && "toJS" in value);
}
