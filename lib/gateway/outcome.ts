/** An answer on its way to the caller, and what the upstream reported of it. */

import type { AditError } from "../base/errors.ts";
import type { Usage } from "../base/usage.ts";
import type { ByteSource } from "../server/stream.ts";

/** An answer whose status is certain; its body is here, or still to come. */
export type Answer = WholeAnswer | StreamAnswer;

interface AnswerHead {
  readonly status: number;
  readonly headers: Headers;
  /** Fields and flags of the request that have no effect, for `x-adit-ignored`. */
  readonly ignored: readonly string[];
  /** What is known of the answer by now; read once, when the request is settled. */
  outcome(): Outcome;
}

export interface WholeAnswer extends AnswerHead {
  /** A string is sent as UTF-8. */
  readonly body: string | Uint8Array<ArrayBuffer>;
}

export interface StreamAnswer extends AnswerHead {
  readonly body: ByteSource;
}

/** What the upstream reported of an answer. */
export interface Outcome {
  readonly usage?: Usage | undefined;
  /** Bedrock's own word, in every dialect. */
  readonly stopReason?: string | undefined;
  readonly upstreamRequestId?: string | undefined;
  /** What the answer held that the program does not know. */
  readonly anomalies: readonly string[];
  /** What went wrong where the caller was given the upstream's own words for it. */
  readonly refusal?: AditError | undefined;
}

const NO_OUTCOME: Outcome = { anomalies: [] };

/** A value as the body of an answer with status 200. */
export function jsonAnswer(value: unknown, outcome: Outcome = NO_OUTCOME): WholeAnswer {
  return {
    status: 200,
    headers: new Headers({ "content-type": "application/json" }),
    ignored: [],
    body: JSON.stringify(value),
    outcome: () => outcome,
  };
}
