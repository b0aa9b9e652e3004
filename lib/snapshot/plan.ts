/** Where a request may go: the targets of one request in order. */

import type { ModelTarget, Provider } from "./snapshot.ts";

/** One provider and the id by which it is asked for the model. */
export interface Target {
  readonly provider: Provider;
  /** Model id, inference profile id or ARN; empty where the operation is about no model. */
  readonly modelId: string;
  /** What the file says of it; undefined where a native request named an id. */
  readonly settings: ModelTarget | undefined;
}

/** The targets of one request, in the order in which they are tried. */
export interface Plan {
  /** The model's name in the caller's own words; answers repeat it. */
  readonly name: string;
  readonly targets: readonly [Target, ...Target[]];
}
