/** Converts the YAML tree to plain values and resolves the references in strings. */

import { isMap, isScalar, isSeq } from "yaml";
import type { ParsedNode, Scalar } from "yaml";

import type { ConfigDocument } from "./document.ts";
import { type Outside, parseTemplate } from "./interpolate.ts";
import type { PlainValue } from "./plain_yaml.ts";
import type { Path, Problem } from "../../base/problems.ts";

/** Marks a string that could not be resolved and whose problem is already reported. */
export const UNRESOLVED = Symbol("unresolved");

export interface ResolvedValues {
  /** Mappings become objects and lists arrays; a failed reference becomes `UNRESOLVED`. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

const MALFORMED =
  "invalid reference; use ${env:NAME}, ${env:NAME:-default}, ${file:PATH} or ${credential:NAME}, or $${ for a literal ${";

/** Whether the value has nothing to resolve. Most have not, and a promise for each would be slow. */
function isFinal(value: PlainValue): boolean {
  return typeof value === "string" ? !value.includes("${") : typeof value !== "object" || value === null;
}

/** The document's values, and a problem for each string with an invalid or unresolvable reference. */
export async function resolveValues(document: ConfigDocument, outside: Outside): Promise<ResolvedValues> {
  const problems: Problem[] = [];

  async function resolveText(text: string, path: Path): Promise<string | typeof UNRESOLVED> {
    const template = parseTemplate(text);
    const resolved = template && await outside.resolveTemplate(template);
    if (resolved?.ok) return resolved.text;
    problems.push(document.problem(path, resolved?.reason ?? MALFORMED));
    return UNRESOLVED;
  }

  /** A plain value, with its references resolved. */
  async function plainValueOf(value: PlainValue, path: Path): Promise<unknown> {
    if (typeof value === "string") return await resolveText(value, path);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
      const items: unknown[] = [];
      for (const [index, item] of value.entries()) {
        items.push(isFinal(item) ? item : await plainValueOf(item, [...path, index]));
      }
      return items;
    }
    const entries: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) {
      entries[name] = isFinal(member) ? member : await plainValueOf(member, [...path, name]);
    }
    return entries;
  }

  /** The value of a node, with its references resolved. */
  async function valueOf(node: ParsedNode | null, path: Path): Promise<unknown> {
    if (isSeq<ParsedNode>(node)) {
      const items: unknown[] = [];
      for (const [index, item] of node.items.entries()) items.push(await valueOf(item, [...path, index]));
      return items;
    }
    if (isMap<Scalar.Parsed, ParsedNode | null>(node)) {
      const entries: Record<string, unknown> = {};
      for (const { key, value } of node.items) {
        const name = String(key.value);
        entries[name] = await valueOf(value, [...path, name]);
      }
      return entries;
    }
    if (!isScalar(node)) return null;
    return typeof node.value === "string" ? await resolveText(node.value, path) : node.value;
  }

  const { plain } = document;
  const value = plain === undefined ? await valueOf(document.root, []) : await plainValueOf(plain, []);
  return { value, problems };
}
