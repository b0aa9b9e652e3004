/** The state of the running gateway that the metrics show. */

export interface GatewayFacts {
  readonly version: string;
  /** Name and version. */
  readonly runtime: string;
  readonly startedAtMs: number;
  readonly inFlight: number;
  /** Threads that serve requests. */
  readonly threads: number;
  readonly loopLagMs: number;
  /** The targets that have been used. */
  readonly targets: readonly TargetFacts[];
  readonly reloads: { readonly accepted: number; readonly refused: number };
  readonly isConfigRefused: boolean;
  readonly credentials: readonly CredentialFacts[];
  readonly certificates: readonly CertificateFacts[];
  /** The amounts spent and reserved of each budget, by subject. */
  readonly budgets: readonly BudgetFacts[];
  /** Undefined without a ledger. */
  readonly ledger: LedgerFacts | undefined;
  /** Spans since the start. */
  readonly traces: { readonly exported: number; readonly dropped: number };
  readonly process: { readonly residentBytes: number; readonly cpuSeconds: number };
}

export interface TargetFacts {
  readonly model: string;
  readonly target: string;
  readonly available: boolean;
  readonly inFlight: number;
}

export interface CredentialFacts {
  readonly provider: string;
  readonly isFailing: boolean;
  /** Undefined for credentials that do not expire. */
  readonly expiresAtMs: number | undefined;
}

export interface CertificateFacts {
  readonly listener: "public" | "admin";
  readonly expiresAtMs: number;
}

/** Amounts in the budget's unit. */
export interface BudgetFacts {
  readonly budget: string;
  readonly subject: string;
  readonly unit: "usd" | "tokens" | "requests";
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
}

export interface LedgerFacts {
  /** Rows waiting to be written. */
  readonly queued: number;
  /** Rows lost since the start. */
  readonly dropped: number;
  readonly isFailing: boolean;
}
