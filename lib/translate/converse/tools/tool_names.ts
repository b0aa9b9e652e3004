/**
 * Names and ids of tool calls, mapped to those that Converse and the model allow; names are mapped back for the caller.
 */

import { sha256Hex } from "../../../base/hash.ts";
import type { ModelTraits, ToolCallIds } from "../../../facts/traits.ts";

// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html
const VALID_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
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
 * Ids of the calls in one history. Ids of other providers may be of a form that the model refuses. Bedrock also refuses
 * an id that is used twice, and several models and clients number their calls again in every turn, so the second call
 * with an id gets another one, and so does its result.
 */
export class CallIds {
  /** Undefined before the first call. */
  #uses: Map<string, number> | undefined;

  constructor(private readonly traits: Pick<ModelTraits, "toolCallIds"> = ANY_IDS) {}

  /** The id to send for another call, to which the following results belong. */
  next(callId: string): string {
    this.#uses ??= new Map();
    const use = (this.#uses.get(callId) ?? 0) + 1;
    this.#uses.set(callId, use);
    return this.#idOfUse(callId, use);
  }

  /** The id to send for the last call of that id. */
  current(callId: string): string {
    return this.#idOfUse(callId, this.#uses?.get(callId) ?? 1);
  }

  #idOfUse(callId: string, use: number): string {
    const { valid, fromHash } = ID_FORMS[this.traits.toolCallIds];
    if (use === 1) return valid.test(callId) ? callId : fromHash(sha256Hex(callId));
    return fromHash(sha256Hex(`${callId}\n${use}`));
  }
}

const ANY_IDS = { toolCallIds: "any" } as const;

interface IdForm {
  readonly valid: RegExp;
  /** A valid id from a hash in hexadecimal digits, for any other id. */
  fromHash(hash: string): string;
}

const ID_FORMS: Readonly<Record<ToolCallIds, IdForm>> = {
  // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html
  any: { valid: /^[a-zA-Z0-9_.:-]{1,64}$/, fromHash: (hash) => `call_${hash.slice(0, 32)}` },
  nine_alphanumeric: { valid: /^[a-zA-Z0-9]{9}$/, fromHash: (hash) => hash.slice(0, 9) },
};
