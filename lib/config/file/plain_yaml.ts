/**
 * Reads plain YAML many times faster than the YAML parser, and in a fraction of the memory: block mappings whose values
 * are scalars, or lists and mappings in brackets on one line. Large configurations consist of these. The YAML parser
 * reads all other files, and every file with a problem, because it knows lines and columns.
 */

/** A scalar, list or mapping; references in strings are unresolved. */
export type PlainValue = string | number | boolean | null | PlainValue[] | PlainMapping;

export interface PlainMapping {
  [key: string]: PlainValue;
}

/** The content of a plain text. */
export interface PlainText {
  readonly root: PlainMapping;
  /** Lines on which mappings and lists begin, starting at 1; those inside brackets are on the line of the brackets. */
  readonly lines: ReadonlyMap<PlainValue, number>;
  /** Lines of the keys of each block mapping, if requested. */
  readonly keyLines: ReadonlyMap<PlainMapping, ReadonlyMap<string, number>>;
}

export interface PlainOptions {
  /** Whether to record the line of each key, which is needed to show the origin of values. */
  readonly withKeyLines?: boolean;
}

/** The content of the text; undefined if it is not plain, so that the YAML parser must read it. */
export function readPlainYaml(text: string, options: PlainOptions = {}): PlainText | undefined {
  // Tabs, carriage returns and non-ASCII characters have special rules in YAML.
  if (/[^\n\x20-\x7e]/.test(text)) return undefined;
  try {
    return new PlainReader(text, options).read();
  } catch (error) {
    if (error === NOT_PLAIN) return undefined;
    throw error;
  }
}

const NOT_PLAIN = new Error("Not plain YAML");

/** A key, its colon, and the spaces after it. */
const KEY = /([A-Za-z_\/][\w.\/@-]{0,127}):(?: +|(?=\n|$))/y;
const SPACES = / */y;
/** An optional comment up to the end of the line; the comment needs a space before it. */
const END_OF_LINE = / *(?: #[^\n]*)?(?:\n|$)/y;
const EMPTY_LINE = / *(?:#[^\n]*)?\n/y;
const QUOTED = /"([^"\\\n]*)"|'([^'\n]*)'(?!')/y;
/** A colon belongs to a scalar only if the scalar continues after it. */
const BARE = /[A-Za-z0-9_\/](?:[\w.\/@+*-]|:(?=[\w.\/@+*-]))*(?=[ ,\]}\n]|$)/y;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
  ...["null", "Null", "NULL"].map((word) => [word, null] as const),
]);
const NUMBER = /^(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?$/;
/** May be a number in another notation. */
const NUMERIC = /^\d[\da-fA-FxXoOeE.+_-]*$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

const MAX_NESTING = 16;

interface OpenMapping {
  readonly indent: number;
  readonly mapping: PlainMapping;
}

class PlainReader {
  readonly #text: string;
  readonly #lines = new Map<PlainValue, number>();
  readonly #withKeyLines: boolean;
  readonly #keyLines = new Map<PlainMapping, Map<string, number>>();
  #at = 0;
  #line = 0;

  constructor(text: string, { withKeyLines = false }: PlainOptions) {
    this.#text = text;
    this.#withKeyLines = withKeyLines;
  }

  read(): PlainText {
    const root: PlainMapping = {};
    let open: OpenMapping[] = [{ indent: 0, mapping: root }];
    /** The last key of a mapping, if nothing followed its colon. */
    let pending: { readonly mapping: PlainMapping; readonly key: string } | undefined;
    while (this.#at < this.#text.length) {
      this.#line++;
      if (this.#match(EMPTY_LINE) !== undefined) continue;
      const indent = (this.#match(SPACES) ?? "").length;
      const innermost = open.at(-1);
      if (innermost === undefined) throw NOT_PLAIN;
      if (indent > innermost.indent) {
        if (pending === undefined || open.length > MAX_NESTING) throw NOT_PLAIN;
        const mapping: PlainMapping = {};
        pending.mapping[pending.key] = mapping;
        this.#lines.set(mapping, this.#line);
        open.push({ indent, mapping });
      } else {
        open = open.filter((each) => each.indent <= indent);
        if (open.at(-1)?.indent !== indent) throw NOT_PLAIN;
      }
      if (!this.#lines.has(root)) this.#lines.set(root, this.#line);
      pending = this.#readPair(open.at(-1)?.mapping ?? root);
    }
    if (Object.keys(root).length === 0) throw NOT_PLAIN;
    return { root, lines: this.#lines, keyLines: this.#keyLines };
  }

  /** Reads a line; returns the key if there is no value on the line. */
  #readPair(mapping: PlainMapping): { readonly mapping: PlainMapping; readonly key: string } | undefined {
    const key = this.#key(mapping);
    if (this.#withKeyLines) this.#noteLine(mapping, key);
    if (this.#match(END_OF_LINE) !== undefined) {
      mapping[key] = null;
      return { mapping, key };
    }
    const value = this.#value(0);
    mapping[key] = value;
    if (typeof value === "object" && value !== null) this.#lines.set(value, this.#line);
    if (this.#match(END_OF_LINE) === undefined) throw NOT_PLAIN;
    return undefined;
  }

  #noteLine(mapping: PlainMapping, key: string): void {
    const lines = this.#keyLines.get(mapping) ?? new Map<string, number>();
    this.#keyLines.set(mapping, lines.set(key, this.#line));
  }

  #key(mapping: PlainMapping): string {
    const key = this.#match(KEY);
    if (key === undefined || key === "__proto__" || Object.hasOwn(mapping, key)) throw NOT_PLAIN;
    return key;
  }

  #value(nesting: number): PlainValue {
    if (nesting > MAX_NESTING) throw NOT_PLAIN;
    const first = this.#text[this.#at];
    if (first === "{") return this.#flowMapping(nesting);
    if (first === "[") return this.#flowList(nesting);
    const quoted = this.#match(QUOTED);
    return quoted ?? bareValue(this.#match(BARE));
  }

  #flowMapping(nesting: number): PlainMapping {
    const mapping: PlainMapping = {};
    this.#items("}", () => {
      const key = this.#key(mapping);
      mapping[key] = this.#value(nesting + 1);
    });
    return mapping;
  }

  #flowList(nesting: number): PlainValue[] {
    const list: PlainValue[] = [];
    this.#items("]", () => list.push(this.#value(nesting + 1)));
    return list;
  }

  /** Reads the brackets and the items between them, separated by commas. */
  #items(close: string, readItem: () => void): void {
    this.#at++;
    this.#match(SPACES);
    for (let count = 0; this.#text[this.#at] !== close; count++) {
      if (count > 0) {
        if (this.#text[this.#at] !== ",") throw NOT_PLAIN;
        this.#at++;
        this.#match(SPACES);
      }
      readItem();
      this.#match(SPACES);
    }
    this.#at++;
  }

  /** Moves past a match; returns its first group that matched, or all of it. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[1] ?? match[2] ?? match[0];
  }
}

/** The value of an unquoted scalar in YAML's core schema. */
function bareValue(text: string | undefined): PlainValue {
  if (text === undefined) throw NOT_PLAIN;
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (!/^\d/.test(text) || DATE.test(text)) return text;
  if (NUMBER.test(text)) return Number(text);
  if (NUMERIC.test(text)) throw NOT_PLAIN;
  return text;
}
