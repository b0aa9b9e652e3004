/** The messages between the control plane and a traffic thread. */

import type { Piece } from "../../base/pieces.ts";
import type { LogLevel } from "../../base/log/log.ts";
import type { SealedSecret } from "../../base/secret.ts";
import type { BudgetIdentity } from "../../gateway/budgets/budget_states.ts";
import type { ModelLessons } from "../../gateway/lessons.ts";
import type { UsedSubject } from "../../gateway/limits/rule_book.ts";
import type { KeyPairQuestion } from "../../providers/bedrock/provider_credentials.ts";
import type { InFlight } from "../../snapshot/in_flight.ts";
import type { ListenAddress } from "../../snapshot/snapshot.ts";
import type { StoreAccess } from "../../store/shared.ts";
import type { RemoteRequest, RemoteResponse } from "./emulator_port.ts";

/** What a thread is started with. */
export interface ThreadData {
  readonly access: StoreAccess;
  /** The key of this process: the secrets of snapshots are sealed with it. */
  readonly sealingKey: Uint8Array;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** When the process started, in milliseconds since the Unix epoch. */
  readonly startedMs: number;
  /**
   * The time since the Unix epoch at which the monotonic clock of the main thread was 0: each thread has a clock with an
   * origin of its own.
   */
  readonly clockOriginMs: number;
}

/** A configuration to make ready. Its pieces have been sent before. */
export interface Preparation {
  readonly generation: number;
  /** With the ports that are in use, of which the process has made sure. */
  readonly listen: readonly ListenAddress[];
  /** What has been learned with the running configuration. */
  readonly lessons: readonly ModelLessons[];
}

/** A part of a configuration. */
export interface ConfigPiece {
  /** Whether it begins a configuration; what was received of another one is forgotten. */
  readonly isFirst: boolean;
  readonly piece: Piece;
}

/** What the control plane asks. */
export type ThreadAsks = {
  /** Answered when it has been read, so that requests are served between two pieces. */
  readonly piece: { readonly question: ConfigPiece; readonly answer: void };
  /** Opens sockets; rejects if one cannot be opened, and nothing has changed. */
  readonly prepare: { readonly question: Preparation; readonly answer: void };
  /** Answered when new credentials have been searched for. */
  readonly commit: { readonly question: undefined; readonly answer: void };
  /** Stops accepting connections; answered at once. */
  readonly leave: { readonly question: undefined; readonly answer: void };
  /**
   * Stops accepting; answered when every request has been answered, and everything about them has been sent. At the end
   * of the process, further requests on open connections are refused.
   */
  readonly drain: { readonly question: { readonly refuse: boolean }; readonly answer: void };
  /** Answered when everything about the requests that have ended has been sent; with the longest delay of the loop. */
  readonly flush: { readonly question: undefined; readonly answer: { readonly loopLagMs: number } };
  readonly inFlight: { readonly question: { readonly count: number }; readonly answer: InFlight };
};

/** What the control plane sends without waiting for an answer. */
export type ThreadNotices = {
  readonly undo: undefined;
  /** Ends every in-flight request. */
  readonly abort: undefined;
  readonly lesson: Lesson;
};

/** Something learned from a refusal, while a configuration was in use. */
export interface Lesson {
  readonly generation: number;
  readonly lessons: ModelLessons;
}

/** A key pair whose secrets are sealed. */
export interface SealedKeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: SealedSecret;
  readonly sessionToken: SealedSecret | undefined;
  readonly expiresAtMs: number | undefined;
}

/** What a thread asks. */
export type ControlAsks = {
  /** A key pair other than the known one, if there is another. */
  readonly keyPair: {
    readonly question: KeyPairQuestion;
    readonly answer: SealedKeyPair;
  };
  readonly usage: {
    readonly question: { readonly caller: string; readonly parameters: string };
    readonly answer: object;
  };
  readonly budgets: { readonly question: { readonly caller: string }; readonly answer: object };
  readonly emulate: { readonly question: RemoteRequest; readonly answer: RemoteResponse };
  /** The next bytes of a response; undefined at its end. */
  readonly emulatedBytes: {
    readonly question: { readonly stream: number };
    readonly answer: ArrayBuffer | undefined;
  };
  /** Answered when what was settled has been added to the log and the counts. */
  readonly settled: { readonly question: Settled; readonly answer: void };
};

/** Records of requests, as a JSON array, and lines of the log. */
export interface Settled {
  readonly records: string;
  readonly levels: readonly LogLevel[];
  /** One line for each level. */
  readonly lines: string;
  /** Budgets that requests have changed. */
  readonly budgets: readonly BudgetIdentity[];
  /** Lines and records that were dropped because the control plane was too slow. */
  readonly dropped: number;
}

/** What a thread sends without waiting for an answer. */
export type ControlNotices = {
  /** A response of the emulator is no longer read. */
  readonly abandon: { readonly stream: number };
  readonly learned: Lesson;
  /** A target or a limit is used for the first time, so that views can show it. */
  readonly usedTarget: { readonly place: string };
  readonly usedLimit: UsedSubject;
};
