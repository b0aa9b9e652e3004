/**
 * The record of a settled request, for the log, the metrics, the ledger and the traces.
 */

import type { ErrorKind, RefusingLimit, UpstreamDetail } from "../base/errors.ts";
import type { TraceContext } from "../base/trace_context.ts";
import type { Spent, Usage } from "../base/usage.ts";
import type { PassedOver } from "./plan.ts";

/** Plain data, which can be sent to another thread. Contains no key, prompt or response text. */
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
  /** The trace of which the request is part, according to its client. */
  readonly trace: TraceContext | undefined;
  /** When the request arrived, in milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  /** Name of the model that was used, truncated to 256 characters; undefined if there is none of that name. */
  readonly model: string | undefined;
  /** The model that the caller asked for, if a spent budget has sent the request to `model` instead. */
  readonly insteadOf: InsteadOf | undefined;
  /** The model that the caller asked for, if they may not use it. */
  readonly requestedModel: string | undefined;
  /** The id that the last attempt sent to Bedrock. */
  readonly modelId: string | undefined;
  /** The region of the provider that was tried last. */
  readonly region: string | undefined;
  /** Whether the answer is a stream; undefined if nothing was sent to Bedrock. */
  readonly stream: boolean | undefined;
  /** Name of the provider that was tried last. */
  readonly provider: string | undefined;
  /** Name of the target that was tried last; undefined for a native request with a model id. */
  readonly target: string | undefined;
  /** Whether there was more than one target to choose from. */
  readonly hadChoice: boolean;
  /** All attempts, in order. */
  readonly attempts: readonly RecordedAttempt[];
  /** Targets that were skipped, and why. */
  readonly passedOver: readonly PassedOver[];
  readonly status: number;
  readonly durationMs: number;
  readonly firstByteMs: number | undefined;
  /** From the complete request to the first byte of the answer, without the attempts: the time spent in the gateway. */
  readonly overheadMs: number | undefined;
  /** The usage that was reported, even if the response broke off. */
  readonly usage: Usage | undefined;
  /** What limits, budgets and sums count, with estimates; undefined if the request was not admitted. */
  readonly spent: Spent | undefined;
  /** The cost of the request; undefined if it was not admitted. */
  readonly cost: RequestCost | undefined;
  /** Whether the response was read to the end after its client had left. */
  readonly drained: boolean;
  /** The rule that refused the request, if one did. */
  readonly limit: RefusingLimit | undefined;
  /** Rules that would have refused it if they were enforced. */
  readonly shadowLimits: readonly RefusingLimit[];
  /** Bedrock's own value, in every dialect. */
  readonly stopReason: string | undefined;
  readonly upstreamRequestId: string | undefined;
  /** Ignored fields and flags of the request. */
  readonly ignored: readonly string[];
  /** Unknown fields and values in the upstream's response. */
  readonly anomalies: readonly string[];
  readonly error: RecordedError | undefined;
  /** Whether the configuration enables a log line for successful requests. */
  readonly logged: boolean;
}

/** The cost of a request, and the price that it is based on. */
export interface RequestCost {
  /** Nanodollars; undefined if the price is unknown, which is not the same as 0. */
  readonly nano: number | undefined;
  /** Id of the row of prices; undefined if nothing was used or no row is known. */
  readonly price: string | undefined;
}

/** The model that a request asked for, and the spent budget that has replaced it. */
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
  /** The `code` for OpenAI's clients, if it is more specific than that of the kind. */
  readonly openAiCode?: string;
  /** The message that the caller got, without values of the request; undefined if it came from the upstream. */
  readonly reason: string | undefined;
  /** Path of the field at fault. */
  readonly param: string | undefined;
  readonly upstream: UpstreamDetail | undefined;
  /** Names and codes of system errors, and the stacks of bugs. */
  readonly cause: string | undefined;
}

/** Receives the record of every settled request. Never throws or blocks. */
export type RecordSink = (record: RequestRecord) => void;
