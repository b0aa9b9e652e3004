/** The response to a caller, and what the upstream reported about it. */

import type { AditError } from "../base/errors.ts";
import { jsonText } from "../base/json_text/json_text.ts";
import type { Usage } from "../base/usage.ts";
import type { ByteSource } from "../server/stream.ts";

/** A response with its final status; the body is complete or still to come. */
export type Answer = WholeAnswer | StreamAnswer;

interface AnswerHead {
  readonly status: number;
  readonly headers: Headers;
  /** Ignored fields and flags of the request, for `x-adit-ignored`. */
  readonly ignored: readonly string[];
  /** What is known about the response so far. */
  outcome(): Outcome;
}

export interface WholeAnswer extends AnswerHead {
  /** A string is sent as UTF-8. */
  readonly body: string | Uint8Array<ArrayBuffer>;
}

export interface StreamAnswer extends AnswerHead {
  readonly body: ByteSource;
}

/** What the upstream reported about a response. */
export interface Outcome {
  readonly usage?: Usage | undefined;
  /** Bedrock's own value, in every dialect. */
  readonly stopReason?: string | undefined;
  readonly upstreamRequestId?: string | undefined;
  /** Unknown fields and values in the response. */
  readonly anomalies: readonly string[];
  /** The error, if the caller was sent the upstream's own message for it. */
  readonly refusal?: AditError | undefined;
}

const NO_OUTCOME: Outcome = { anomalies: [] };

/** A value as the body of a response with status 200. */
export function jsonAnswer(value: unknown, outcome: Outcome = NO_OUTCOME): WholeAnswer {
  return {
    status: 200,
    headers: new Headers({ "content-type": "application/json" }),
    ignored: [],
    body: jsonText(value),
    outcome: () => outcome,
  };
}
