/** The beginning of an answer that the caller gives, and the model continues. */

import type { ConverseMessage } from "../../wire/bedrock/converse.ts";
import type { FieldsContext } from "./members.ts";

/**
 * The messages without white space at their end, where the last is the assistant's and the model refuses it. `path` is
 * what the caller calls the text, without indexes.
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
