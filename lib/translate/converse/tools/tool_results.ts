/** Tool results for Converse; models differ in what a result may contain. */

import type { ModelTraits, ToolResultMedium } from "../../../facts/traits.ts";
import type { ContentBlock, ToolResultBlock, ToolResultContent } from "../../../wire/bedrock/converse.ts";

export interface ResultContext {
  readonly traits: Pick<ModelTraits, "toolResultMedia" | "toolResultStatus">;
  /** The tool's name, as the caller wrote it. */
  readonly name: string;
}

export interface PlacedResult {
  readonly block: ContentBlock;
  /** Blocks that the model refuses inside a result, for the same turn, after a text that says where they come from. */
  readonly beside: readonly ContentBlock[];
}

/** The text of a result that would be empty without its media. */
const SEE_BESIDE = "(see the attachments after the tool results)";

/** Reports a failure to models without `status`. */
const FAILED = "(the tool call failed)";

/** The result in the form that the model accepts. */
export function placeResult(result: ToolResultBlock, { traits, name }: ResultContext): PlacedResult {
  const content: ToolResultContent[] = [];
  const moved: ToolResultContent[] = [];
  if (result.status === "error" && !traits.toolResultStatus) content.push({ text: FAILED });
  for (const block of result.content) (isRefused(block, traits) ? moved : content).push(block);
  if (content.length === 0) content.push({ text: SEE_BESIDE });
  return {
    block: {
      toolResult: {
        toolUseId: result.toolUseId,
        content,
        status: traits.toolResultStatus ? result.status : undefined,
      },
    },
    beside: moved.length === 0 ? [] : [{ text: `(attachments of the result of ${name})` }, ...moved],
  };
}

const MEDIA = ["image", "document", "video"] as const satisfies readonly ToolResultMedium[];

function isRefused(block: ToolResultContent, { toolResultMedia }: ResultContext["traits"]): boolean {
  return !("text" in block) && MEDIA.some((medium) => medium in block && !toolResultMedia.has(medium));
}
