/** Where a request may be sent: its targets in order. */

import type { Subject } from "./subject.ts";
import type { ModelTarget, Provider, Routing } from "./snapshot.ts";

/** One provider and the model id to use there. */
export interface Target {
  readonly provider: Provider;
  /** Model id, inference profile id or ARN; empty for operations without a model. */
  readonly modelId: string;
  /** Whom the request is sent for; undefined if nobody is known. */
  readonly subject?: Subject;
  /** The target's settings in the file; undefined if a native request named an id. */
  readonly settings: ModelTarget | undefined;
}

/** The targets of one request, in the order of the file. */
export interface Plan {
  /** The model name that the caller sent; responses repeat it. */
  readonly name: string;
  readonly targets: readonly [Target, ...Target[]];
  readonly routing: Routing;
  /** Targets of the model that this request may not use, for the log. */
  readonly passedOver: readonly PassedOver[];
}

/** A target that was skipped, and why. */
export interface PassedOver {
  readonly target: string;
  readonly because: string;
}

/** A single target without retries, for a request with a bare model id. */
export const DIRECT: Routing = {
  pick: "load",
  affinity: [],
  retry: { attempts: 1, share: 0, backoffMs: 0, backoffMaxMs: 0, retryAfterMaxMs: 0 },
  health: { failures: 3, coolMs: 5_000, coolMaxMs: 120_000 },
  firstTokenMs: undefined,
  commitWithinMs: 0,
  afterClientLeft: "abort",
};
