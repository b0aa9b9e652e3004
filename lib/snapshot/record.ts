/** What is known of a request once it is settled: the one record that the log, the counts and all else are made from. */

import type { ErrorKind, UpstreamDetail } from "../base/errors.ts";
import type { Usage } from "../base/usage.ts";

/** Plain data, so that it can cross a thread. Holds no key, no prompt and no part of an answer. */
export interface RequestRecord {
  readonly requestId: string;
  /** Name of the caller; undefined until the request has named one. */
  readonly caller: string | undefined;
  readonly remoteAddress: string;
  readonly method: string;
  /** Cut to 256 characters. */
  readonly path: string;
  readonly dialect: string;
  /** The model in the caller's own words, cut to 256 characters. */
  readonly model: string | undefined;
  /** Name of the provider that was asked last. */
  readonly provider: string | undefined;
  readonly status: number;
  readonly durationMs: number;
  readonly firstByteMs: number | undefined;
  /** Also of an answer that broke off, as far as it was reported. */
  readonly usage: Usage | undefined;
  /** Bedrock's own word. */
  readonly stopReason: string | undefined;
  readonly upstreamRequestId: string | undefined;
  /** Fields and flags of the request that had no effect. */
  readonly ignored: readonly string[];
  /** What the upstream's answer held that the program does not know. */
  readonly anomalies: readonly string[];
  readonly error: RecordedError | undefined;
  /** Whether the configuration asks for a log line for requests that end well. */
  readonly logged: boolean;
}

/** Why a request failed, for the operator. */
export interface RecordedError {
  readonly kind: ErrorKind;
  readonly upstream: UpstreamDetail | undefined;
  /** Names and codes of system errors, and the stacks of bugs. */
  readonly cause: string | undefined;
}

/** Gets the record of every settled request. Never throws, and never waits. */
export type RecordSink = (record: RequestRecord) => void;
