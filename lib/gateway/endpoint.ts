/** What an endpoint that asks a model gives to the pipeline. */

import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import type { Plan, Target } from "../snapshot/plan.ts";
import type { Call } from "./call.ts";
import type { ByteSource } from "../server/stream.ts";

/** A request that has been read in its dialect. */
export interface ModelRequest {
  /** The targets that may answer. Throws `model_not_found`. */
  plan(caller: Caller, snapshot: Snapshot): Plan;
  /** One attempt at one target. Throws while an error can still become a status. */
  attempt(target: Target, call: Call): Promise<Answer>;
}

/** An answer whose status is certain; its body is here, or still to come. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** A text is sent as UTF-8. */
  readonly body: string | Uint8Array<ArrayBuffer> | ByteSource;
}

export interface WholeAnswer extends Answer {
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** A value as the body of an answer with status 200. */
export function jsonAnswer(value: unknown): WholeAnswer {
  return {
    status: 200,
    headers: new Headers({ "content-type": "application/json" }),
    body: JSON.stringify(value),
  };
}
