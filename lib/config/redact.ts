/** Redacts the secrets in a file's values, and restores them in an edited copy. */

import { z } from "zod";

import { isJsonObject, type JsonObject, type JsonValue } from "../base/json.ts";
import { REDACTED } from "../base/secret.ts";
import { isAllReferences } from "./file/interpolate.ts";
import { contentOf, isSecret } from "./schema/schema_walk.ts";

/**
 * The value without its secrets. References are kept: `${env:NAME}` names a secret's location, not the secret.
 */
export function redact(value: JsonValue, schema: z.core.$ZodType): JsonValue {
  const content = contentOf(schema, value);
  if (isSecret(schema, content)) return isReference(value) ? value : REDACTED;
  if (Array.isArray(value)) {
    return value.map((item: JsonValue) =>
      content instanceof z.ZodArray ? redact(item, content.element) : redactAll(item)
    );
  }
  if (!isJsonObject(value)) return value;
  return mapMembers(value, (member, key) => {
    if (content instanceof z.ZodRecord) return redact(member, content.valueType);
    const known = content instanceof z.ZodObject ? content.shape[key] : undefined;
    if (known !== undefined) return redact(member, known);
    // A reference decides which of several mappings this is, so any member may be a secret.
    return content instanceof z.ZodObject || content instanceof z.ZodUnion ? redactAll(member) : member;
  });
}

/** Replaces each redaction mark with the corresponding value of `before`; undefined if there is none. */
export function restore(value: JsonValue, before: JsonValue | undefined): JsonValue | undefined {
  if (value === REDACTED) return before;
  if (Array.isArray(value)) {
    const items = value.map((item: JsonValue, index) =>
      restore(item, Array.isArray(before) ? before[index] : undefined)
    );
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([key, member]) =>
    [key, restore(member, isJsonObject(before) ? before[key] : undefined)] as const
  );
  const sound = members.flatMap(([key, member]) => member === undefined ? [] : [[key, member] as const]);
  return sound.length === members.length ? Object.fromEntries(sound) : undefined;
}

function redactAll(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(redactAll);
  if (isJsonObject(value)) return mapMembers(value, redactAll);
  return isReference(value) ? value : REDACTED;
}

function mapMembers(value: JsonObject, change: (member: JsonValue, key: string) => JsonValue): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, change(member, key)]));
}

function isReference(value: JsonValue): boolean {
  return typeof value === "string" && isAllReferences(value);
}
