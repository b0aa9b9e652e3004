/** The targets to which a request may be sent. */

import type { Subject } from "./subject.ts";
import type { Provider } from "./provider.ts";
import type { ModelTarget, Routing } from "./snapshot.ts";

/** One provider and the model id to use there. */
export interface Target {
  readonly provider: Provider;
  /** Model id, inference profile id or ARN; empty for operations without a model. */
  readonly modelId: string;
  /** The caller and team, for a role with a session for each of them; undefined otherwise. */
  readonly subject?: Subject;
  /** The target's settings; undefined for a model id that a native request named. */
  readonly settings: ModelTarget | undefined;
}

/** The targets of one request, in the order of the file. */
export interface Plan {
  /** The model's name, or the id that a native request named. */
  readonly name: string;
  readonly targets: readonly [Target, ...Target[]];
  readonly routing: Routing;
  /** Targets of the model that the request may not use, for the log. */
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
