/** What an endpoint gives to the pipeline: an answer of its own, or a request for a model and what its attempts come to. */

import type { ReceivedRequest } from "../aws/sigv4/canonical.ts";
import { type AditError, toAditError } from "../base/errors.ts";
import type { Plan, Target } from "../snapshot/plan.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import type { Call } from "./call.ts";
import type { Dialect } from "./dialect.ts";
import type { Answer, WholeAnswer } from "./outcome.ts";

/** What stands at a path, for one method. */
export type Endpoint = OpenEndpoint | CallerEndpoint;

/** Answered to everybody, also while the gateway drains. */
export interface OpenEndpoint {
  readonly needs: "nothing";
  readonly about: EndpointFacts;
  answer(): WholeAnswer;
}

/** Answered to known callers. */
export interface CallerEndpoint {
  readonly needs: "caller";
  readonly about: EndpointFacts;
  /** Whether success is an AWS event stream, which some connections cannot carry to its end. */
  readonly answersInFrames?: boolean;
  /** Reads the request as far as it is the same for every target. Throws what the caller did wrong. */
  read(request: EndpointRequest): Reading;
}

/** Which endpoint it is, and what its path says, as plain data. */
export type EndpointFacts = { readonly endpoint: string } & Readonly<Record<string, unknown>>;

/** A request whose caller is known. */
export interface EndpointRequest {
  readonly received: ReceivedRequest;
  /** Path and query as they were received. */
  readonly target: string;
  readonly caller: Caller;
  readonly snapshot: Snapshot;
  /** When the gateway started, in milliseconds since the Unix epoch. */
  readonly startedMs: number;
}

/** What a request turns out to be. */
export type Reading =
  | { readonly kind: "answer"; readonly answer: WholeAnswer }
  | { readonly kind: "model"; readonly request: ModelRequest };

/** A request that a model is to answer. */
export interface ModelRequest {
  readonly plan: Plan;
  /** One attempt at one target; what it throws is a refusal, too. */
  attempt(target: Target, call: Call): Promise<Attempt>;
}

/** What came of one attempt at a target before any byte was sent to the client. */
export type Attempt =
  | { readonly answered: Answer; readonly refused?: undefined }
  | Refusal;

export interface Refusal {
  readonly refused: AditError;
  /** Fields and flags of the request that had no effect: what Bedrock never saw may be why it refused. */
  readonly ignored: readonly string[];
  /** The upstream's own bytes for it, where the caller gets them unchanged. */
  readonly answer?: Answer;
}

/** From a request's method and path to its endpoint, and to the dialect of its errors. */
export interface Router {
  /** Throws `route_not_found`, `method_not_allowed`, or what is wrong with the path. */
  route(method: string, path: string, snapshot: Snapshot): Endpoint;
  /** The dialect of the answer, also when there is nothing at the path. */
  dialectOf(path: string, headers: Headers): Dialect;
}

/** Runs an attempt whose request is translated: what fails from here on is a refusal that names the ignored fields. */
export async function attemptWith(
  ignored: readonly string[],
  attempt: () => Promise<Answer>,
): Promise<Attempt> {
  try {
    return { answered: { ...await attempt(), ignored } };
  } catch (cause) {
    return { refused: toAditError(cause), ignored };
  }
}
