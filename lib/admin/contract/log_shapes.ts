/** The last lines of the log, as types. */

/**
 * `GET /admin/v1/log?level=&search=&limit=`: the last lines of the log, at most 1000, the oldest first. With
 * `accept: text/event-stream` those and then each further line, as events `line` with a `LogLineView`; an event `missed`
 * with `{"lines": n}` where the viewer did not keep up.
 */
export interface LogView {
  readonly lines: readonly LogLineView[];
}

export interface LogLineView {
  /** Counts up; a gap means that lines were missed. */
  readonly seq: number;
  readonly level: "debug" | "info" | "warn" | "error";
  /** The line as it was written, without its end: JSON, or empty if it was longer than is kept. */
  readonly line: string;
}
