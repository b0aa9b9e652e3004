/** JSON log lines, written in batches. Memory is bounded: if the reader stalls, lines are dropped and counted. */

import type { Clock } from "../clock.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type LogValue = string | number | boolean | null | undefined;

export type LogFields = Readonly<
  Record<string, LogValue | readonly string[] | readonly Readonly<Record<string, LogValue>>[]>
>;

export interface Logger {
  level: LogLevel;
  log(level: LogLevel, message: string, fields?: LogFields): void;
  /** Writes a line formatted by another thread, without priority and line break. */
  add(level: LogLevel, line: string): void;
  /** Resolves when all lines so far have been written. */
  flush(): Promise<void>;
}

/** Writes to the log; resolves when the text has been accepted. */
export type WriteText = (text: string) => Promise<void>;

export interface LoggerOptions {
  readonly clock: Clock;
  readonly level?: LogLevel;
  /** Prefixes each line with its priority for systemd's journal; see sd-daemon(3). */
  readonly priorities?: boolean;
  /** Called with each line to be written, without priority and line break. */
  readonly onLine?: (level: LogLevel, line: string) => void;
  /** Maximum number of characters waiting for the writer. */
  readonly maxPendingChars?: number;
}

/** See syslog(3). */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

/** How long lines wait so that several share one write. */
const BATCH_MS = 10;

/**
 * Characters that JSON allows unescaped, but that can make a terminal or viewer misrepresent a line: further control
 * characters, line separators, direction marks and zero-width characters.
 */
const UNSEEN = /[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function escapeUnseen(json: string): string {
  return json.replace(UNSEEN, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
  readonly nowMs: number;
}

const DROPPED = { level: "warn", message: "log lines dropped; the log reader was too slow" } as const;

function lineOf({ level, message, fields, nowMs }: Line): string {
  const time = new Date(nowMs).toISOString();
  // Joining strings is cheaper than merging objects.
  const head = `{"time":"${time}","level":"${level}","message":${JSON.stringify(message)}`;
  const rest = JSON.stringify(fields);
  return rest === "{}" ? `${head}}` : escapeUnseen(`${head},${rest.slice(1)}`);
}

/** A logger that forwards each line, for example to another thread. */
export function forwardingLogger(clock: Clock, forward: (level: LogLevel, line: string) => void): Logger {
  const logger: Logger = {
    level: "info",
    log(level, message, fields = {}) {
      if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(logger.level)) return;
      forward(level, lineOf({ level, message, fields, nowMs: clock.now() }));
    },
    add: forward,
    flush: () => Promise.resolve(),
  };
  return logger;
}

/** A logger that passes `write` one batch at a time; lines logged meanwhile form the next batch. */
export function createLogger(write: WriteText, options: LoggerOptions): Logger {
  const maxPending = options.maxPendingChars ?? 4 * 1024 * 1024;
  let pending = "";
  let dropped = 0;
  let writing: Promise<void> | undefined;

  function append(level: LogLevel, line: string): void {
    options.onLine?.(level, line);
    pending += options.priorities === true ? `<${PRIORITIES[level]}>${line}\n` : `${line}\n`;
  }

  async function drain(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, BATCH_MS));
    while (pending !== "") {
      if (dropped > 0) {
        append("warn", lineOf({ ...DROPPED, nowMs: options.clock.now(), fields: { dropped } }));
        dropped = 0;
      }
      const batch = pending;
      pending = "";
      try {
        await write(batch);
      } catch {
        // A closed log stream must not stop the service, and there is nowhere to report it.
      }
    }
    writing = undefined;
  }

  const logger: Logger = {
    level: options.level ?? "info",
    log(level, message, fields = {}) {
      if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(logger.level)) return;
      if (pending.length > maxPending) dropped++;
      else append(level, lineOf({ level, message, fields, nowMs: options.clock.now() }));
      writing ??= drain();
    },
    add(level, line) {
      if (pending.length > maxPending) dropped++;
      else append(level, line);
      writing ??= drain();
    },
    async flush() {
      await writing;
    },
  };
  return logger;
}
