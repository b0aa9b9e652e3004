/**
 * What is known about a request once it is settled: the one record for the log, the counts and everything else.
 */

import type { ErrorKind, RefusingLimit, UpstreamDetail } from "../base/errors.ts";
import type { TraceContext } from "../base/trace_context.ts";
import type { Spent, Usage } from "../base/usage.ts";
import type { PassedOver } from "./plan.ts";

/** Plain data, so that it can be sent to another thread. Contains no key, prompt or response text. */
export interface RequestRecord {
  readonly requestId: string;
  /** Name of the caller; undefined until it is authenticated. */
  readonly caller: string | undefined;
  readonly team: string | undefined;
  /** The caller's tags. */
  readonly tags: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
  readonly method: string;
  /** Truncated to 256 characters. */
  readonly path: string;
  readonly dialect: string;
  /** The kind of endpoint, such as `chat`; undefined until the route is known. */
  readonly endpoint: string | undefined;
  /** Truncated to 256 characters. */
  readonly userAgent: string | undefined;
  /** The client's own id for the request. */
  readonly clientRequestId: string | undefined;
  /** The trace that the client says the request belongs to. */
  readonly trace: TraceContext | undefined;
  /** When the request arrived, in milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  /** Name of the model that was used, truncated to 256 characters; undefined if it was not found. */
  readonly model: string | undefined;
  /** The model that the caller sent, if a spent budget has sent the request to `model`. */
  readonly insteadOf: InsteadOf | undefined;
  /** The model name that the caller sent, if it is not one that they may use. */
  readonly requestedModel: string | undefined;
  /** Sent to Bedrock in the last attempt. */
  readonly modelId: string | undefined;
  /** Of the provider that was tried last. */
  readonly region: string | undefined;
  /** Whether the answer is a stream; undefined if nothing was sent to Bedrock. */
  readonly stream: boolean | undefined;
  /** Name of the provider that was tried last. */
  readonly provider: string | undefined;
  /** Name of the last target tried; undefined for a native request with a model id. */
  readonly target: string | undefined;
  /** Whether there was more than one target to choose from. */
  readonly hadChoice: boolean;
  /** In order. */
  readonly attempts: readonly RecordedAttempt[];
  /** Targets that were skipped, and why. */
  readonly passedOver: readonly PassedOver[];
  readonly status: number;
  readonly durationMs: number;
  readonly firstByteMs: number | undefined;
  /** From the complete request to the first byte of the answer, without the attempts: the gateway's own share. */
  readonly overheadMs: number | undefined;
  /** Also for a response that broke off, as far as it was reported. */
  readonly usage: Usage | undefined;
  /** What the request counts as having used; undefined if it was not admitted, or runs nothing upstream. */
  readonly spent: Spent | undefined;
  /** What the request cost; undefined if it runs nothing upstream or was not admitted. */
  readonly cost: RequestCost | undefined;
  /** Whether the response was read to its end after its client had left. */
  readonly drained: boolean;
  /** The rule that refused the request, if one did. */
  readonly limit: RefusingLimit | undefined;
  /** Rules that would have refused it if they were enforced. */
  readonly shadowLimits: readonly RefusingLimit[];
  /** Bedrock's own value. */
  readonly stopReason: string | undefined;
  readonly upstreamRequestId: string | undefined;
  /** Ignored fields and flags of the request. */
  readonly ignored: readonly string[];
  /** Unknown things in the upstream's response. */
  readonly anomalies: readonly string[];
  readonly error: RecordedError | undefined;
  /** Whether the configuration enables a log line for successful requests. */
  readonly logged: boolean;
}

/** What a request cost, and why. */
export interface RequestCost {
  /** Nanodollars; undefined if the price is unknown, which is not the same as 0. */
  readonly nano: number | undefined;
  /** Id of the row of prices; undefined if nothing was used or no row is known. */
  readonly price: string | undefined;
}

/** The model that a request named, and the spent budget that has replaced it. */
export interface InsteadOf {
  readonly model: string;
  readonly budget: string;
}

/** One attempt at one target. */
export interface RecordedAttempt {
  readonly target: string;
  readonly provider: string;
  readonly region: string;
  readonly modelId: string;
  /** From the arrival of the request. */
  readonly startMs: number;
  /** Kind of its failure; undefined if it succeeded. */
  readonly error: ErrorKind | undefined;
  readonly ms: number;
  readonly upstreamRequestId: string | undefined;
}

/** Why a request failed, for the operator. */
export interface RecordedError {
  readonly kind: ErrorKind;
  /** The `code` that OpenAI's clients are told, if it says more than that of the kind. */
  readonly openAiCode?: string;
  /** What the caller was told, without values of the request; undefined if that came from the upstream. */
  readonly reason: string | undefined;
  /** Path of the field at fault. */
  readonly param: string | undefined;
  readonly upstream: UpstreamDetail | undefined;
  /** Names and codes of system errors, and the stacks of bugs. */
  readonly cause: string | undefined;
}

/** Receives the record of every settled request. Never throws or blocks. */
export type RecordSink = (record: RequestRecord) => void;
