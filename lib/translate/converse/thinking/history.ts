/** Thoughts of earlier turns, for models that differ in which of them they accept back. */

import type { ModelTraits } from "../../../facts/traits.ts";
import type { ContentBlock } from "../../../wire/bedrock/converse.ts";
import { isBlank } from "../members.ts";

/** A thought that a caller sends back, or a part of one that only the model can read. */
export type Thought =
  | { readonly text: string; readonly signature?: string | undefined }
  | { /** Base64 of the blob that Converse returned. */ readonly redacted: string };

/**
 * The block to send; undefined if the model does not accept such a thought. A signature covers the text, so not one
 * character of it changes.
 */
export function thoughtBlock(
  thought: Thought,
  { reasoningHistory: history }: Pick<ModelTraits, "reasoningHistory">,
): ContentBlock | undefined {
  if ("redacted" in thought) {
    const isAccepted = history === "signed" || history === "redacted";
    return isAccepted ? { reasoningContent: { redactedContent: thought.redacted } } : undefined;
  }
  const { text, signature } = thought;
  if (signature !== undefined) {
    return history === "signed" ? { reasoningContent: { reasoningText: { text, signature } } } : undefined;
  }
  return history === "unsigned" && !isBlank(text)
    ? { reasoningContent: { reasoningText: { text } } }
    : undefined;
}
