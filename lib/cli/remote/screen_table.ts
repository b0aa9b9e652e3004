/** Tables for a terminal of any width. No text in a cell can control the terminal. */

export interface Column<Row> {
  readonly title: string;
  /** If the terminal is too narrow, columns with the highest rank are omitted first. */
  readonly rank: number;
  /** Whether it is aligned to the right. */
  readonly isNumber?: boolean;
  readonly text: (row: Row) => string;
}

const GAP = "  ";
/** Wider cells are cut, so that one long name leaves room for the other columns. */
const MAX_CELL = 40;

/** The header and a line for each row; the columns of rank 0 are always shown. */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
): readonly string[] {
  const cells = columns.map((column) => {
    const texts = [column.title, ...rows.map((row) => cut(printable(column.text(row)), MAX_CELL))];
    return { ...column, texts, width: Math.max(...texts.map(widthOf)) };
  });
  let shown = cells;
  while (lineWidth(shown) > width) {
    const highest = Math.max(...shown.map(({ rank }) => rank));
    if (highest === 0) break;
    shown = shown.toSpliced(shown.findLastIndex(({ rank }) => rank === highest), 1);
  }
  return Array.from({ length: rows.length + 1 }, (_, index) => {
    const line = shown.map(({ texts, width: cell, isNumber }) =>
      padded(texts[index] ?? "", cell, isNumber === true)
    );
    return fitted(line.join(GAP).trimEnd(), width);
  });
}

/** The text, cut to the given width. */
export function fitted(text: string, width: number): string {
  return cut(printable(text), width);
}

function lineWidth(columns: readonly { readonly width: number }[]): number {
  return columns.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length);
}

function padded(text: string, width: number, isNumber: boolean): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return isNumber ? space + text : text + space;
}

/** Control and invisible characters, which names from clients may contain, become question marks. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}

/** Characters that take two columns: East Asian scripts and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NO_WIDTH = /\p{M}/u;

function widthOfChar(char: string): number {
  return WIDE.test(char) ? 2 : NO_WIDTH.test(char) ? 0 : 1;
}

function widthOf(text: string): number {
  // Almost all names are ASCII.
  if (/^[ -~]*$/.test(text)) return text.length;
  return [...text].reduce((sum, char) => sum + widthOfChar(char), 0);
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const char of text) {
    used += widthOfChar(char);
    if (used > width - 1) break;
    kept += char;
  }
  return width < 1 ? "" : `${kept}…`;
}
