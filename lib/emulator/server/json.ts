/** JSON as Bedrock writes it. */

import { isJsonObject, type JsonValue } from "../../base/json.ts";

/** JSON text with the members of every object in alphabetical order, as the service serialises them. */
export function stringifySorted(value: object): string {
  return JSON.stringify(
    value,
    (_name, item: JsonValue | undefined) =>
      isJsonObject(item)
        ? Object.fromEntries(
          Object.entries(item).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)),
        )
        : item,
  );
}
