/** The configuration in use and its reloads, as types. */

/** `GET /admin/v1/configuration`: the configuration in use, and the results of the last reloads. */
export interface ConfigurationView {
  readonly file: string;
  /** 1 for the configuration at the start, and one more for each accepted reload. */
  readonly generation: number;
  readonly loaded_at: string;
  /** False if the last reload was refused. */
  readonly is_latest: boolean;
  /** Newest first, at most 20; the start counts as the first reload. */
  readonly reloads: readonly ReloadView[];
  /** Warnings of the running configuration. */
  readonly warnings: readonly string[];
  readonly counts: {
    readonly providers: number;
    readonly models: number;
    readonly callers: number;
    readonly rate_limits: number;
    readonly budgets: number;
  };
  readonly listeners: { readonly public: readonly string[]; readonly admin: readonly string[] };
  /** Whether entries can be changed through `/admin/v1/models` and so on, which requires `admin_api`. */
  readonly can_edit: boolean;
}

export interface ReloadView {
  readonly at: string;
  /** Such as `start`, `file change`, `SIGHUP`, `request`, `admin API`. */
  readonly reason: string;
  readonly ok: boolean;
  /** The reasons for a refusal, in the form `FILE:LINE:COLUMN: KEY: MESSAGE`. */
  readonly problems: readonly string[];
  /** Names by kind of change: `models_added`, `callers_changed`, `settings_changed`, …; at most 100 each. */
  readonly changes: Readonly<Record<string, readonly string[]>>;
}

/**
 * `GET /admin/v1/configuration/values?search=&limit=&cursor=`: every effective value, with defaults and without
 * secrets, in the order of the schema; `limit` defaults to 200.
 */
export interface ConfigurationValuesView {
  readonly values: readonly ConfigurationValueView[];
  /** Number that match the search in paths, values and origins. */
  readonly total: number;
  readonly next_cursor: string | null;
  /** The reason if the values cannot be shown, otherwise null. */
  readonly error: string | null;
}

export interface ConfigurationValueView {
  /** Such as `models.fast.id`. */
  readonly path: string;
  /** JSON of the value; a secret is `"[redacted]"`. */
  readonly value: string;
  /** `FILE:LINE`, `FILE:LINE ${env:NAME}`, or `default`. */
  readonly origin: string;
}
