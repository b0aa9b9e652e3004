/** The configuration in use, and the results of all reloads. */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log/log.ts";
import { formatProblem, type Problem } from "../base/problems.ts";
import { type ConfigDigests, digestsInTurns } from "../config/changes.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { CheckedConfig } from "./check_messages.ts";
import { ReloadHistory } from "./page/reload_history.ts";
import { type ReloadResult, shortened } from "./reload_result.ts";
import { type ReloadOutcome, summaryOf } from "./status.ts";

export interface RunningConfigOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly configPath: string;
}

/** A configuration without problems. */
export type AcceptedConfig = Extract<CheckedConfig, { readonly ok: true }>;

/** The state of the configuration in use. */
export class RunningConfig {
  readonly #options: RunningConfigOptions;
  readonly #history: ReloadHistory;
  #snapshot: Snapshot;
  #generation = 1;
  #loadedAt: string;
  #lastReload: ReloadOutcome;
  #refused = 0;
  #warnings: readonly string[] = [];
  #digests: Promise<ConfigDigests> | undefined;
  /** The first configuration's values, until their digests have been computed. */
  #firstValue: unknown;

  constructor(snapshot: Snapshot, options: RunningConfigOptions) {
    this.#options = options;
    this.#snapshot = snapshot;
    this.#loadedAt = this.#now();
    this.#lastReload = { at: this.#loadedAt, ok: true, problems: [] };
    this.#history = new ReloadHistory(this.#loadedAt);
    options.logger.level = snapshot.log.level;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** 1 for the configuration at the start, and one more for each accepted reload. */
  get generation(): number {
    return this.#generation;
  }

  get loadedAt(): string {
    return this.#loadedAt;
  }

  get lastReload(): ReloadOutcome {
    return this.#lastReload;
  }

  /** Numbers of reloads. */
  get reloads(): { readonly accepted: number; readonly refused: number } {
    return { accepted: this.#generation - 1, refused: this.#refused };
  }

  /** For the operator's page. */
  get view() {
    return {
      file: this.#options.configPath,
      generation: this.#generation,
      loadedAt: this.#loadedAt,
      reloads: this.#history.all,
      warnings: this.#warnings,
    };
  }

  /** A line with these addresses, the number of models, and the result of the last reload. */
  summary(urls: readonly string[]): string {
    return summaryOf({ urls, models: this.#snapshot.models.size, lastReload: this.#lastReload });
  }

  /** Digests of the configuration in use; those of the first are computed when they are first needed. */
  digests(): Promise<ConfigDigests> {
    this.#digests ??= digestsInTurns(this.#firstValue);
    this.#firstValue = undefined;
    return this.#digests;
  }

  /** Keeps the first configuration's values, to compare them with later ones. */
  started({ warnings, written }: LoadedConfig): void {
    this.warn(warnings);
    this.#warnings = warnings.map(formatProblem);
    this.#firstValue = written.value;
  }

  /** Logs the warnings of a configuration. */
  warn(warnings: readonly Problem[]): void {
    for (const warning of warnings) {
      this.#options.logger.log("warn", "configuration warning", { problem: formatProblem(warning) });
    }
  }

  /** Replaces the configuration in use. */
  use({ digests, warnings }: AcceptedConfig, snapshot: Snapshot): void {
    this.#digests = Promise.resolve(digests);
    this.#snapshot = snapshot;
    this.#warnings = warnings.map(formatProblem);
    this.#options.logger.level = snapshot.log.level;
    this.#generation++;
    this.#loadedAt = this.#now();
  }

  /** Keeps and logs the result of a reload. */
  record(reason: string, { problems, changes }: ReloadResult): void {
    const { logger, configPath } = this.#options;
    this.#lastReload = { at: this.#now(), ok: problems.length === 0, problems, changes };
    this.#history.add({ ...this.#lastReload, changes, reason });
    if (problems.length === 0) {
      logger.log("info", "configuration reloaded", {
        reason,
        file: configPath,
        generation: this.#generation,
        ...shortened(changes),
      });
    } else {
      this.#refused++;
      logger.log("error", "configuration rejected; the previous one stays in use", { reason, problems });
    }
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}
