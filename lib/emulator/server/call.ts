/** One request to the emulator, authentic and routed, and what comes of it. */

import type { Clock } from "../../base/clock.ts";
import type { JsonValue } from "../../base/json.ts";
import type { ModelState } from "../model/answer.ts";
import type { AsyncJobs } from "./async_jobs.ts";
import type { StreamEvent } from "./frames.ts";

export interface Call {
  /** Model, guardrail or invocation: what the path names first; empty where it names nothing. */
  readonly resourceId: string;
  /** What the path names after it. */
  readonly version: string;
  readonly query: URLSearchParams;
  /** The region that the request was signed for. */
  readonly region: string;
  readonly headers: Headers;
  /** The parsed body; undefined where there was none. */
  readonly body: JsonValue | undefined;
  readonly receivedAt: number;
  readonly clock: Clock;
  readonly state: ModelState;
  readonly jobs: AsyncJobs;
}

export type Outcome =
  | { readonly kind: "json"; readonly body: object; readonly sorted: boolean; readonly headers: Headers }
  | { readonly kind: "events"; readonly events: Iterable<StreamEvent>; readonly headers: Headers };

/** Milliseconds since the request came, at least one. */
export function latencyOf({ clock, receivedAt }: Call): number {
  return Math.max(1, Math.round(clock.monotonic() - receivedAt));
}
