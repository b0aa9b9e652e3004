/** Well-formed JSON text: a lone surrogate becomes U+FFFD. */

/**
 * `JSON.stringify` with U+FFFD in place of lone surrogates. Those are valid in JavaScript strings and JSON escapes, but
 * not in any Unicode encoding, and Bedrock and most clients reject them.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  // JSON.stringify only escapes lone surrogates, never whole pairs.
  return text.includes("\\ud") ? replaceLoneEscapes(text) : text;
}

/** An escaped pair, an escaped lone surrogate, or any other escape, which is skipped as a whole. */
const ESCAPES = /\\(?:(ud[89ab][\da-f]{2}\\ud[c-f][\da-f]{2})|(ud[89a-f][\da-f]{2})|[^])/gi;

/** JSON text with each escaped lone surrogate replaced by U+FFFD. */
export function replaceLoneEscapes(text: string): string {
  return text.replaceAll(ESCAPES, (escape, _pair, half) => half === undefined ? escape : "\\ufffd");
}

/** Makes text in pieces well-formed: a high surrogate at the end of a piece waits for the next one. */
export class WellFormedText {
  #held = "";

  push(piece: string): string {
    if (this.#held === "" && piece.isWellFormed()) return piece;
    const text = this.#held + piece;
    const end = endsInHighSurrogate(text) ? text.length - 1 : text.length;
    this.#held = text.slice(end);
    return text.slice(0, end).toWellFormed();
  }

  /** The rest if no piece follows. */
  end(): string {
    const left = this.#held.toWellFormed();
    this.#held = "";
    return left;
  }
}

/** The same for JSON text in pieces, where half a pair may also be an escape, and a piece may end within one. */
export class WellFormedJsonText {
  #held = "";

  push(piece: string): string {
    if (this.#held === "" && !piece.includes("\\") && piece.isWellFormed()) return piece;
    const text = this.#held + piece;
    const end = endOfWholeEscapes(text);
    this.#held = text.slice(end);
    return replaceLoneEscapes(text.slice(0, end)).toWellFormed();
  }

  /** The rest if no piece follows. */
  end(): string {
    const left = replaceLoneEscapes(this.#held).toWellFormed();
    this.#held = "";
    return left;
  }
}

function endsInHighSurrogate(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}

/** The start of a trailing escape that the next piece may complete; the text's length if there is none. */
function endOfWholeEscapes(text: string): number {
  let at = text.indexOf("\\");
  while (at !== -1) {
    const rest = text.slice(at, at + 12);
    if (/^\\(?:u[\da-f]{0,3})?$/i.test(rest)) return at;
    if (/^\\ud[89ab][\da-f]{2}(?:\\(?:u(?:d(?:[c-f][\da-f]?)?)?)?)?$/i.test(rest)) return at;
    const isPair = /^\\ud[89ab][\da-f]{2}\\ud[c-f]/i.test(rest);
    at = text.indexOf("\\", at + (isPair ? 12 : rest[1] === "u" ? 6 : 2));
  }
  return endsInHighSurrogate(text) ? text.length - 1 : text.length;
}
