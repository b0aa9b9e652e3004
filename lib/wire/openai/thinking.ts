/** Thoughts in the messages of Chat Completions: `thinking_blocks`, and other gateways' `reasoning_details`. */

import { redactedBlob } from "../anthropic/redacted.ts";
import type { Fields } from "../fields.ts";

/** A thought as Adit returned it; a model that signs accepts it back only with its signature. */
export type ThinkingBlock =
  | (
    & { readonly type: "thinking"; readonly thinking: string; readonly signature: string | undefined }
    & Placed
  )
  | ({ readonly type: "redacted_thinking"; readonly data: string } & Placed);

/** The place of a thought in its message. */
export interface Placed {
  /** Undefined for a thought that comes before everything else in its message. */
  readonly position?: ThoughtPosition | undefined;
}

/** The place of a thought in a message: how much of the message comes before it. */
export interface ThoughtPosition {
  /** UTF-16 code units of `content`. */
  readonly content: number;
  /** Elements of `tool_calls`. */
  readonly tool_calls: number;
}

/** An element of `thinking_blocks`. */
export function parseThinkingBlock(fields: Fields): ThinkingBlock {
  const type = fields.oneOf("type", ["thinking", "redacted_thinking"]);
  const position = parsePosition(fields.optionalObject("position"));
  switch (type) {
    case "thinking":
      return {
        type,
        thinking: fields.string("thinking"),
        signature: fields.optionalString("signature") || undefined,
        position,
      };
    case "redacted_thinking":
      return { type, data: fields.string("data"), position };
  }
}

function parsePosition(fields: Fields | undefined): ThoughtPosition | undefined {
  if (fields === undefined) return undefined;
  return {
    content: fields.optionalNumber("content") ?? 0,
    tool_calls: fields.optionalNumber("tool_calls") ?? 0,
  };
}

/**
 * `reasoning_details` of an assistant message (https://openrouter.ai/docs/use-cases/reasoning-tokens): only Claude's
 * thoughts are read. No model on Bedrock accepts summaries, or content that another provider encrypted.
 */
export function parseReasoningDetails(message: Fields): readonly ThinkingBlock[] {
  const details = message.items("reasoning_details");
  return details.length === 0 ? [] : details.flatMap((detail) => {
    const block = parseDetail(detail);
    if (block === undefined) detail.leaveOut("messages[].reasoning_details[]");
    return block === undefined ? [] : [block];
  });
}

function parseDetail(detail: Fields): ThinkingBlock | undefined {
  const format = detail.optionalString("format");
  switch (detail.string("type")) {
    case "reasoning.text":
      return {
        type: "thinking",
        thinking: detail.optionalString("text") ?? "",
        signature: detail.optionalString("signature") || undefined,
      };
    case "reasoning.encrypted":
      return format?.startsWith("anthropic")
        ? { type: "redacted_thinking", data: redactedBlob(detail.string("data")) }
        : undefined;
    default:
      return undefined;
  }
}
