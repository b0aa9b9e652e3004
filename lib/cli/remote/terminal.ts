/** The terminal of `adit top`: the alternate screen and single keys; everything is restored at the end. */

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
 * Text that replaces everything on the screen. Each line is cleared before it is written, because after a line as wide
 * as the terminal the cursor is still on its last character.
 */
export function frameText(lines: readonly string[], rows: number): string {
  const shown = lines.slice(0, rows).map((line) => `${CLEAR_LINE}${line}`);
  return `${HOME}${shown.join("\r\n")}${shown.length < rows ? `\r\n${CLEAR_REST}` : ""}`;
}

/** Takes over the terminal until `close`, or until the process exits. */
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
      // In raw mode, Ctrl-C is an ordinary byte.
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

  /** Replaces the lines on the screen. */
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
