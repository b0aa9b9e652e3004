/** Traits in the form of a data file or the configuration. */

import { isJsonObject } from "../base/json.ts";
import type { JsonObject, JsonValue } from "../base/json.ts";
import { type ModelTraits, TRAIT_PROPERTIES } from "./traits.ts";

/** The given traits as plain data, by their names in the file. */
export function writtenTraits(traits: Partial<ModelTraits>): JsonObject {
  const members = Object.entries(TRAIT_PROPERTIES).flatMap(([name, property]): [string, JsonValue][] => {
    const value = traits[property];
    return value === undefined ? [] : [[name, plain(value)]];
  });
  return Object.fromEntries(members);
}

function plain(
  value: JsonValue | ReadonlySet<string> | ReadonlyMap<string, JsonObject>,
): JsonValue {
  if (isSet(value)) return [...value];
  return isMap(value) ? Object.fromEntries(value) : value;
}

function isSet(value: unknown): value is ReadonlySet<string> {
  return value instanceof Set;
}

function isMap(value: unknown): value is ReadonlyMap<string, JsonObject> {
  return value instanceof Map;
}

/** Plain in YAML without quotes: a word that is neither a boolean nor null. */
const PLAIN_WORD = /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z_][\w]*$/i;

/** A value on one line of YAML: `{ strict_tools: false, cache_ttls: [] }`. */
export function flowYaml(value: JsonValue): string {
  if (typeof value === "string") return PLAIN_WORD.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(flowYaml).join(", ")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => `${flowYaml(name)}: ${flowYaml(member)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}
