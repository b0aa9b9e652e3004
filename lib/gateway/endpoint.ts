/**
 * The interface between the pipeline and its endpoints: an immediate response, or a request for a model and its
 * attempts.
 */

import type { ReceivedRequest } from "../aws/sigv4/canonical.ts";
import { type AditError, toAditError } from "../base/errors.ts";
import type { Hold } from "../providers/bedrock/hold.ts";
import type { Plan, Target } from "../snapshot/plan.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import type { Counted, RequestSize } from "./admission/asked.ts";
import type { Call } from "./call.ts";
import type { Dialect } from "./dialect.ts";
import type { Answer, WholeAnswer } from "./outcome.ts";

/** The handler of a path and method. */
export type Endpoint = OpenEndpoint | CallerEndpoint;

/** Open to everybody, even while the gateway drains. */
export interface OpenEndpoint {
  readonly needs: "nothing";
  readonly about: EndpointFacts;
  answer(): WholeAnswer;
}

/** Requires an authenticated caller. */
export interface CallerEndpoint {
  readonly needs: "caller";
  readonly about: EndpointFacts;
  /** What its requests count as; undefined if they are answered by the gateway alone. */
  readonly counts: Counted | undefined;
  /** Whether a success is an AWS event stream, which some connections would truncate. */
  readonly answersInFrames?: boolean;
  /** What `read` would throw for any request; thrown before the body is received. */
  readonly refusal?: AditError;
  /** Parses everything that does not depend on the target. Throws an error for an invalid request. */
  read(request: EndpointRequest): Reading;
}

/** The endpoint's identity and the parameters of its path, as plain data. */
export type EndpointFacts = { readonly endpoint: string } & Readonly<Record<string, unknown>>;

/** An authenticated request. */
export interface EndpointRequest {
  readonly received: ReceivedRequest;
  /** Path and query as received. */
  readonly target: string;
  readonly caller: Caller;
  readonly snapshot: Snapshot;
  /** When the gateway started, in milliseconds since the Unix epoch. */
  readonly startedMs: number;
  /** Undefined if the gateway keeps no usage. */
  readonly views: CallerViews | undefined;
  /** Name of the model to which a spent budget sends the request instead of its own. */
  readonly instead?: string | undefined;
}

/** The usage and budgets that callers can see. */
export interface CallerViews {
  /** JSON; `parameters` are those of the request. Throws an AditError. */
  usage(caller: Caller, parameters: URLSearchParams): Promise<object>;
  /** JSON. */
  budgets(caller: Caller): Promise<object>;
}

/** The result of parsing a request. */
export type Reading =
  | { readonly kind: "answer"; readonly answer: WholeAnswer }
  /** An answer that does not need a model but is not ready yet. */
  | { readonly kind: "later"; readonly answer: Promise<WholeAnswer> }
  | { readonly kind: "model"; readonly request: ModelRequest };

/** A request for a model. */
export interface ModelRequest {
  readonly plan: Plan;
  /** Makes one attempt at one target; an error that it throws is a refusal, too. */
  attempt(target: Target, call: Call, hold: Hold | undefined): Promise<Attempt>;
  /** The size of the body; default: all of it is text. */
  measure?(): RequestSize;
  /** The value that the request has for the first of these affinity keys. */
  affinity?(by: readonly string[]): string | undefined;
  /**
   * Translates the request for the target without sending it; absent if the caller's bytes are passed through. Throws
   * if the target cannot handle the request.
   */
  translated?(target: Target, call: Call): Translated;
}

/** A request in the form of one target. */
export interface Translated {
  /** Everything that depends on what the model accepts. */
  readonly request: object;
  /** Fields that would be ignored at the target. */
  readonly ignored: readonly string[];
}

/** The result of one attempt, before any byte is sent to the client. */
export type Attempt =
  | { readonly answered: Answer; readonly refused?: undefined }
  | Refusal;

export interface Refusal {
  readonly answered?: undefined;
  readonly refused: AditError;
  /** Ignored fields and flags of the request: their absence may be why Bedrock refused it. */
  readonly ignored: readonly string[];
  /** The upstream's own bytes, if the caller gets them unchanged. */
  readonly answer?: Answer;
}

/** Finds the endpoint of a request by method and path, and the dialect of its errors. */
export interface Router {
  /** Throws `route_not_found`, `method_not_allowed`, or an error about the path. */
  route(method: string, path: string, snapshot: Snapshot): Endpoint;
  /** The dialect of the response, also for unknown paths. */
  dialectOf(path: string, headers: Headers): Dialect;
}

/**
 * Makes an attempt with a translated request. An error becomes a refusal that lists the ignored fields.
 */
export async function attemptWith(
  ignored: readonly string[],
  attempt: () => Promise<Answer>,
): Promise<Attempt> {
  try {
    return answeredBy(await attempt(), ignored);
  } catch (cause) {
    return refusedFor(cause, ignored);
  }
}

/** The attempt that was answered, with the ignored fields of the request. */
export function answeredBy(answer: Answer, ignored: readonly string[]): Attempt {
  return { answered: ignored.length === 0 ? answer : { ...answer, ignored } };
}

/** The attempt that failed, with the ignored fields of the request. */
export function refusedFor(cause: unknown, ignored: readonly string[]): Attempt {
  return { refused: toAditError(cause), ignored };
}
