/** Prefill: the beginning of an answer, which the caller provides and the model continues. */

import type { ConverseMessage } from "../../wire/bedrock/converse.ts";
import type { FieldsContext } from "./members.ts";

/**
 * The messages, without white space at the end of a final assistant message if the model refuses it. `path` is the
 * caller's path of the text, without indexes.
 */
export function trimPrefill(
  messages: readonly ConverseMessage[],
  { traits, ignored }: FieldsContext,
  path: string,
): readonly ConverseMessage[] {
  const last = messages.at(-1);
  if (traits.prefill !== "trimmed" || last?.role !== "assistant") return messages;
  const at = last.content.findLastIndex((block) => !("cachePoint" in block));
  const block = last.content[at];
  if (block === undefined || !("text" in block) || block.text === block.text.trimEnd()) return messages;
  ignored.add(path);
  const content = last.content.with(at, { text: block.text.trimEnd() });
  return [...messages.slice(0, -1), { ...last, content }];
}
