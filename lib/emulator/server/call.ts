/** One authenticated and routed request to the emulator, and its outcome. */

import type { Clock } from "../../base/clock.ts";
import type { JsonValue } from "../../base/json.ts";
import type { ModelState } from "../model/answer.ts";
import type { AsyncJobs } from "./async_jobs.ts";
import type { StreamEvent } from "./frames.ts";

export interface Call {
  /** Model, guardrail or invocation: the first path parameter; empty if there is none. */
  readonly resourceId: string;
  /** The second path parameter. */
  readonly version: string;
  readonly query: URLSearchParams;
  /** The region that the request was signed for. */
  readonly region: string;
  readonly headers: Headers;
  /** The parsed body; undefined if there is none. */
  readonly body: JsonValue | undefined;
  readonly receivedAt: number;
  readonly clock: Clock;
  readonly state: ModelState;
  readonly jobs: AsyncJobs;
}

export type Outcome =
  | {
    readonly kind: "json";
    readonly body: object;
    readonly sorted: boolean;
    readonly headers: Headers;
    /** Default: 200. */
    readonly status?: number;
  }
  /** Server-sent events, each as its text. */
  | { readonly kind: "text events"; readonly events: Iterable<string>; readonly headers: Headers }
  | { readonly kind: "events"; readonly events: Iterable<StreamEvent>; readonly headers: Headers };

/** Milliseconds since the request arrived, at least one. */
export function latencyOf({ clock, receivedAt }: Call): number {
  return Math.max(1, Math.round(clock.monotonic() - receivedAt));
}
