/** The terminal of `adit top`: a screen of its own, keys without Enter, and everything as it was at the end. */

import process from "node:process";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_REST = "\x1b[J";
/** q, Ctrl-C and Ctrl-D. */
const LEAVING = ["q", "Q", "\x03", "\x04"] as const;
const END_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Whether standard output is a terminal. */
export function isTerminal(): boolean {
  return process.stdout.isTTY === true;
}

/**
 * What replaces all that the terminal shows. After a line that is as wide as the terminal the cursor is still at its last
 * character, so that each line is cleared before it is written.
 */
export function frameText(lines: readonly string[], rows: number): string {
  const shown = lines.slice(0, rows).map((line) => `${CLEAR_LINE}${line}`);
  return `${HOME}${shown.join("\r\n")}${shown.length < rows ? `\r\n${CLEAR_REST}` : ""}`;
}

/** Takes over the terminal; `close` gives it back, and so does the end of the process. */
export class Terminal {
  /** Resolves when the user wants to leave. */
  readonly left: Promise<void>;
  readonly #leave: () => void;
  readonly #onKey: (bytes: Uint8Array | string) => void;
  #onResize: (() => void) | undefined;
  #isOpen = true;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.left = promise;
    this.#leave = resolve;
    this.#onKey = (bytes) => {
      // While the terminal is raw, Ctrl-C is a byte like any other.
      if (LEAVING.some((key) => String(bytes).includes(key))) this.#leave();
    };
    if (process.stdin.isTTY === true) process.stdin.setRawMode(true);
    process.stdin.on("data", this.#onKey);
    process.stdin.resume();
    for (const signal of END_SIGNALS) process.on(signal, this.#leave);
    process.on("exit", this.#restore);
    process.stdout.write(ENTER);
  }

  get size(): Size {
    return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  }

  /** Calls back whenever the size has changed. */
  onResize(callback: () => void): void {
    this.#onResize = callback;
    process.stdout.on("resize", callback);
  }

  /** Shows the lines in place of those before. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    process.stdout.write(frameText(lines, this.size.rows));
  }

  close(): void {
    this.#restore();
    process.stdin.off("data", this.#onKey);
    process.stdin.pause();
    if (this.#onResize !== undefined) process.stdout.off("resize", this.#onResize);
    for (const signal of END_SIGNALS) process.off(signal, this.#leave);
    process.off("exit", this.#restore);
  }

  readonly #restore = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.stdout.write(LEAVE);
    if (process.stdin.isTTY === true) process.stdin.setRawMode(false);
  };
}
