/** Locates a JSON syntax error. Simple and slow, because it only runs after `JSON.parse` has failed. */

export interface JsonError {
  /** Starts at 1. */
  readonly line: number;
  /** Starts at 1, in UTF-16 code units. */
  readonly column: number;
  /** The expected syntax, such as `"," or "}"`. */
  readonly expected: string;
}

/** The first syntax error in `text`, which is known not to be JSON. */
export function locateJsonError(text: string): JsonError {
  const scanner = new Scanner(text);
  scanner.document();
  const { at, expected } = scanner.problem ?? { at: text.length, expected: "JSON" };
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  return { line, column: at - before.lastIndexOf("\n"), expected };
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const PLAIN_CHARACTERS = /[ !#-[\]-\uffff]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** A recogniser whose methods return false at the first problem and record it in `problem`. */
class Scanner {
  problem: { readonly at: number; readonly expected: string } | undefined;
  #at = 0;

  constructor(private readonly text: string) {}

  document(): boolean {
    return this.#value("a value") &&
      (this.#skip(SPACE), this.#at === this.text.length || this.#fail("the end"));
  }

  #value(expected: string): boolean {
    this.#skip(SPACE);
    switch (this.text[this.#at]) {
      case "{":
        return this.#list("}", () => this.#member());
      case "[":
        return this.#list("]", () => this.#value('a value or "]"'));
      case '"':
        return this.#string();
    }
    return this.#skip(WORD) || this.#skip(NUMBER) || this.#fail(expected);
  }

  #list(close: "}" | "]", item: () => boolean): boolean {
    this.#at++;
    this.#skip(SPACE);
    if (this.#take(close)) return true;
    while (item()) {
      this.#skip(SPACE);
      if (this.#take(close)) return true;
      if (!this.#take(",")) return this.#fail(`"," or "${close}"`);
    }
    return false;
  }

  #member(): boolean {
    this.#skip(SPACE);
    if (this.text[this.#at] !== '"') return this.#fail("a member name in double quotes");
    if (!this.#string()) return false;
    this.#skip(SPACE);
    return this.#take(":") ? this.#value("a value") : this.#fail('":"');
  }

  #string(): boolean {
    this.#at++;
    for (;;) {
      this.#skip(PLAIN_CHARACTERS);
      if (this.#take('"')) return true;
      if (this.text[this.#at] !== "\\") {
        return this.#fail(
          this.#at === this.text.length ? "the end of a string" : "control characters in strings escaped",
        );
      }
      if (!this.#skip(ESCAPE)) return this.#fail("a valid escape sequence");
    }
  }

  #take(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** Advances past a match; false if there is none or it is empty. */
  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const length = pattern.exec(this.text)?.[0].length ?? 0;
    this.#at += length;
    return length > 0;
  }

  #fail(expected: string): false {
    this.problem ??= { at: this.#at, expected };
    return false;
  }
}
