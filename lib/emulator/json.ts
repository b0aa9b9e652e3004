/** JSON as Bedrock writes it, and a type for what has been parsed from it. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON text with the names of every object in alphabetical order, as the service serialises them. */
export function stringifySorted(value: unknown): string {
  return JSON.stringify(value, (_name, item) =>
    isJsonObject(item)
      ? Object.fromEntries(
        Object.entries(item).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)),
      )
      : item);
}
