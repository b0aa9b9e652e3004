/** The last lines of the log, as types. */

/**
 * `GET /admin/v1/log?level=&search=&limit=`: the last lines of the log, at most 1000, oldest first. With
 * `accept: text/event-stream`, these lines and then new ones, as `line` events with a `LogLineView`; a `missed` event
 * with `{"lines": n}` if the viewer did not keep up.
 */
export interface LogView {
  readonly lines: readonly LogLineView[];
}

export interface LogLineView {
  /** Sequence number; a gap means that lines were missed. */
  readonly seq: number;
  readonly level: "debug" | "info" | "warn" | "error";
  /** The line as written, without line break: JSON, or empty if it was too long to keep. */
  readonly line: string;
}
