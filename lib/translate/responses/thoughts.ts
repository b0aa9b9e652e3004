/** A model's thoughts as `encrypted_content`: whole and signed, so that a stateless gateway can send them back. */

import { Buffer } from "node:buffer";
import { invalidField } from "../../base/errors.ts";
import { type JsonValue, member } from "../../base/json.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { ContentBlock } from "../../wire/bedrock/converse.ts";
import { isBase64 } from "../converse/media/data_url.ts";
import { type Thought, thoughtBlock } from "../converse/thinking/history.ts";

/** Marks content that this program made. It is not a secret: Bedrock checks the signatures. */
const PREFIX = "adit1.";
const VERSION = 1;

type ThoughtTraits = Pick<ModelTraits, "family" | "reasoningHistory">;

/** The content with the thoughts that the model accepts back; null if it accepts none. */
export function encodeThoughts(thoughts: readonly Thought[], traits: ThoughtTraits): string | null {
  const blocks = thoughts.filter((thought) => thoughtBlock(thought, traits) !== undefined);
  if (blocks.length === 0) return null;
  const text = jsonText({ v: VERSION, family: traits.family, blocks });
  return PREFIX + Buffer.from(text).toString("base64url");
}

/** Blocks to send back, or why the model cannot accept them. */
export type DecodedThoughts =
  | { readonly blocks: readonly ContentBlock[] }
  | { readonly mismatch: "model_mismatch" | "organization_mismatch" };

/** Reads content that a client sends back. Throws if this program made it and it is damaged; `path` is its path. */
export function decodeThoughts(content: string, traits: ThoughtTraits, path: string): DecodedThoughts {
  if (!content.startsWith(PREFIX)) return { mismatch: "organization_mismatch" };
  const value = parseContent(content.slice(PREFIX.length));
  const list = member(value, "blocks");
  const thoughts = Array.isArray(list) ? list.map(parseThought) : [];
  const known = thoughts.filter((thought) => thought !== undefined);
  if (member(value, "v") !== VERSION || known.length === 0 || known.length < thoughts.length) {
    throw invalidField(path, "the content has been changed; remove the item", "invalid_encrypted_content");
  }
  const blocks = known.flatMap((thought) => thoughtBlock(thought, traits) ?? []);
  const isOwn = member(value, "family") === traits.family && blocks.length === known.length;
  return isOwn ? { blocks } : { mismatch: "model_mismatch" };
}

function parseContent(base64url: string): JsonValue {
  try {
    return JSON.parse(Buffer.from(base64url, "base64url").toString());
  } catch {
    return null;
  }
}

function parseThought(value: JsonValue): Thought | undefined {
  const redacted = member(value, "redacted");
  if (typeof redacted === "string") {
    return redacted.length % 4 === 0 && isBase64(redacted) ? { redacted } : undefined;
  }
  const text = member(value, "text");
  const signature = member(value, "signature");
  if (typeof text !== "string" || (signature !== undefined && typeof signature !== "string")) {
    return undefined;
  }
  return { text, ...(signature !== undefined && { signature }) };
}
