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
  /** Whether callers can see their usage and budgets; fixed for the life of the process. */
  readonly hasViews: boolean;
  /** When the process started, in milliseconds since the Unix epoch. */
  readonly startedMs: number;
  /** Unix time in milliseconds at which the main thread's monotonic clock was 0; other threads' clocks differ. */
  readonly clockOriginMs: number;
}

/** Prepares the configuration whose pieces have been sent. */
export interface Preparation {
  readonly generation: number;
  /** With the actual ports, which the process has already opened. */
  readonly listen: readonly ListenAddress[];
  /** Lessons learned with the running configuration. */
  readonly lessons: readonly ModelLessons[];
}

/** A part of a configuration. */
export interface ConfigPiece {
  /** Whether it begins a configuration; pieces of an unfinished one are discarded. */
  readonly isFirst: boolean;
  readonly piece: Piece;
}

/** Questions from the control plane. */
export type ThreadAsks = {
  /** Answered once the piece has been read, so that requests are served in between. */
  readonly piece: { readonly question: ConfigPiece; readonly answer: void };
  /** Opens sockets. Fails if one cannot be opened; then nothing has changed. */
  readonly prepare: { readonly question: Preparation; readonly answer: void };
  /** Answered when new credentials have been searched for. */
  readonly commit: { readonly question: undefined; readonly answer: void };
  /** Stops accepting connections; answered when it has. */
  readonly leave: { readonly question: undefined; readonly answer: void };
  /**
   * Stops accepting; answered when all requests have been answered and reported. `refuse` refuses further requests on
   * open connections, for the end of the process.
   */
  readonly drain: { readonly question: { readonly refuse: boolean }; readonly answer: void };
  /** Answered when all ended requests have been reported, with the longest event loop delay. */
  readonly flush: { readonly question: undefined; readonly answer: { readonly loopLagMs: number } };
  readonly inFlight: { readonly question: { readonly count: number }; readonly answer: InFlight };
};

/** Notices from the control plane. */
export type ThreadNotices = {
  readonly undo: undefined;
  /** Ends every in-flight request. */
  readonly abort: undefined;
  readonly lesson: Lesson;
};

/** A lesson learned from a refusal, and the configuration in use at the time. */
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

/** Questions from a thread. */
export type ControlAsks = {
  /** A key pair that differs from the known one, if there is one. */
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
  /** Answered when the batch has been added to the log and the counts. */
  readonly settled: { readonly question: Settled; readonly answer: void };
};

/** A batch of reports on requests. */
export interface Settled {
  /** Records, as a JSON array. */
  readonly records: string;
  readonly levels: readonly LogLevel[];
  /** One line for each level. */
  readonly lines: string;
  /** Budgets that requests have changed. */
  readonly budgets: readonly BudgetIdentity[];
  /** Number of lines and records dropped because the control plane was too slow. */
  readonly dropped: number;
}

/** Notices from a thread. */
export type ControlNotices = {
  /** A response of the emulator is no longer read. */
  readonly abandon: { readonly stream: number };
  readonly learned: Lesson;
  /** A target or a limit has been used for the first time, so views must show it. */
  readonly usedTarget: { readonly place: string };
  readonly usedLimit: UsedSubject;
};
