/** Names and ids of tool calls: mapped to what Converse allows, and back to what the caller sent. */

import { sha256Hex } from "../../base/hash.ts";

// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html
const VALID_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html
const VALID_ID = /^[a-zA-Z0-9_.:-]{1,64}$/;

/** Maps the tool names of one request in both directions; the same name always maps to the same one. */
export class ToolNames {
  readonly #originals = new Map<string, string>();

  /** The name to send to Converse. */
  toConverse(name: string): string {
    if (VALID_NAME.test(name)) return name;
    const mapped = `${name.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, 47)}_${sha256Hex(name).slice(0, 16)}`;
    this.#originals.set(mapped, name);
    return mapped;
  }

  /** The caller's name of a tool that the model calls. */
  toCaller(name: string): string {
    return this.#originals.get(name) ?? name;
  }
}

/** The id to send for a call in the history; other providers' ids may be longer than Converse allows. */
export function toolUseId(callId: string): string {
  return VALID_ID.test(callId) ? callId : `call_${sha256Hex(callId).slice(0, 32)}`;
}
