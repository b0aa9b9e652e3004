/** The last lines of the log, kept in memory for the operator's page. */

import type { LogLevel } from "./log.ts";

/** A line as written, without line break. */
export interface TailLine {
  /** Counts up from 1. */
  readonly seq: number;
  readonly level: LogLevel;
  /** Empty if the line was too long to keep. */
  readonly line: string;
}

const MAX_LINES = 1000;
/** Characters of one line; longer ones contain the stack of a bug or a very long list. */
const MAX_LINE_CHARS = 8 * 1024;

/** Keeps references to the last thousand lines; nothing is formatted or copied. */
export class LogTail {
  readonly #lines: TailLine[] = [];
  #seq = 0;

  /** Number of the last line. */
  get lastSeq(): number {
    return this.#seq;
  }

  /** Keeps a line; used as `onLine` of a logger. */
  readonly add = (level: LogLevel, line: string): void => {
    const seq = ++this.#seq;
    this.#lines[(seq - 1) % MAX_LINES] = { seq, level, line: line.length > MAX_LINE_CHARS ? "" : line };
  };

  /** The lines after the one with this number that are still kept, oldest first. */
  after(seq: number): readonly TailLine[] {
    const first = Math.max(seq + 1, this.#seq - MAX_LINES + 1, 1);
    const lines: TailLine[] = [];
    for (let next = first; next <= this.#seq; next++) {
      const line = this.#lines[(next - 1) % MAX_LINES];
      if (line !== undefined) lines.push(line);
    }
    return lines;
  }
}
