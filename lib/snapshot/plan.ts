/** Where a request may be sent: its targets in order. */

import type { ModelTarget, Provider } from "./snapshot.ts";

/** One provider and the model id to use there. */
export interface Target {
  readonly provider: Provider;
  /** Model id, inference profile id or ARN; empty for operations without a model. */
  readonly modelId: string;
  /** What the file says of it; undefined where a native request named an id. */
  readonly settings: ModelTarget | undefined;
}

/** The targets of one request, in the order in which they are tried. */
export interface Plan {
  /** The model name that the caller sent; responses repeat it. */
  readonly name: string;
  readonly targets: readonly [Target, ...Target[]];
}
