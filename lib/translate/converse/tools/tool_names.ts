/** Names and ids of tool calls: mapped to what Converse and the model allow, and back to what the caller wrote. */

import { sha256Hex } from "../../../base/hash.ts";
import type { ModelTraits } from "../../../facts/traits.ts";

// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html
const VALID_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html
const VALID_ID = /^[a-zA-Z0-9_.:-]{1,64}$/;

/** Maps the tool names of one request in both directions; the same name always maps to the same one. */
export class ToolNames {
  /** Undefined while every name is its own. */
  #originals: Map<string, string> | undefined;

  constructor(private readonly traits: Pick<ModelTraits, "toolNameHyphens"> = { toolNameHyphens: true }) {}

  /** The name to send to Converse. */
  toConverse(name: string): string {
    const { toolNameHyphens } = this.traits;
    if (VALID_NAME.test(name) && (toolNameHyphens || !name.includes("-"))) return name;
    const plain = name.replaceAll(toolNameHyphens ? /[^a-zA-Z0-9_-]/g : /[^a-zA-Z0-9_]/g, "_");
    const mapped = `${plain.slice(0, 47)}_${sha256Hex(name).slice(0, 16)}`;
    (this.#originals ??= new Map()).set(mapped, name);
    return mapped;
  }

  /** The caller's name of a tool that the model calls. */
  toCaller(name: string): string {
    return this.#originals?.get(name) ?? name;
  }
}

/**
 * Ids of the calls in one history. Bedrock refuses an id that is used twice, and several models and clients count their
 * calls again in every turn, so that the second call of an id gets another one, and its result with it.
 */
export class CallIds {
  /** Undefined before the first call. */
  #uses: Map<string, number> | undefined;

  /** The id to send for another call; results that follow belong to it. */
  next(callId: string): string {
    this.#uses ??= new Map();
    const use = (this.#uses.get(callId) ?? 0) + 1;
    this.#uses.set(callId, use);
    return idOfUse(callId, use);
  }

  /** The id to send for the last call of that id. */
  current(callId: string): string {
    return idOfUse(callId, this.#uses?.get(callId) ?? 1);
  }
}

function idOfUse(callId: string, use: number): string {
  return use === 1 ? toolUseId(callId) : `call_${sha256Hex(`${callId}\n${use}`).slice(0, 32)}`;
}

/** The id to send for a call in the history; other providers' ids may be longer than Converse allows. */
export function toolUseId(callId: string): string {
  return VALID_ID.test(callId) ? callId : `call_${sha256Hex(callId).slice(0, 32)}`;
}
