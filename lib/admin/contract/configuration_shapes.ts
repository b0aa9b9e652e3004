/** The configuration in use and its reloads, as types. */

/** `GET /admin/v1/configuration`: what is in use, and what became of the last edits. */
export interface ConfigurationView {
  readonly file: string;
  /** 1 for the configuration of the start, and one more for each reload that was accepted. */
  readonly generation: number;
  readonly loaded_at: string;
  /** False while a later version of the files is refused. */
  readonly is_latest: boolean;
  /** The newest first, at most 20; the start is the first of all. */
  readonly reloads: readonly ReloadView[];
  /** Of the running configuration. */
  readonly warnings: readonly string[];
  readonly counts: {
    readonly providers: number;
    readonly models: number;
    readonly callers: number;
    readonly rate_limits: number;
    readonly budgets: number;
  };
  readonly listeners: { readonly public: readonly string[]; readonly admin: readonly string[] };
  /** Whether entries can be changed with `/admin/v1/models` and so on, which needs `admin_api`. */
  readonly can_edit: boolean;
}

export interface ReloadView {
  readonly at: string;
  /** Such as `start`, `file change`, `SIGHUP`, `request`, `admin API`. */
  readonly reason: string;
  readonly ok: boolean;
  /** Why it was refused, as `FILE:LINE:COLUMN: KEY: MESSAGE`. */
  readonly problems: readonly string[];
  /** Names by what was done to them: `models_added`, `callers_changed`, `settings_changed`, …; each at most 100. */
  readonly changes: Readonly<Record<string, readonly string[]>>;
}

/**
 * `GET /admin/v1/configuration/values?search=&limit=&cursor=`: every effective value, with defaults and without secrets, in
 * the order of the schema; `limit` defaults to 200.
 */
export interface ConfigurationValuesView {
  readonly values: readonly ConfigurationValueView[];
  /** That match the search, which looks at paths, values and origins. */
  readonly total: number;
  readonly next_cursor: string | null;
  /** Null, or why the values cannot be shown. */
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
