/** The terminal shows what `adit top` writes, also in lines of its full width. */

import { deepEqual } from "node:assert/strict";
import { frameText } from "../../../lib/cli/remote/terminal.ts";

const COLUMNS = 10;
const ROWS = 4;

/** The lines of a terminal that does not wrap, after a text is written over its earlier content. */
function shownBy(written: string, before: readonly string[]): readonly string[] {
  const cells = Array.from({ length: ROWS }, (_, row) => [...(before[row] ?? "").padEnd(COLUMNS)]);
  let [row, column] = [0, 0];
  const clear = (from: number) => cells[row]?.fill(" ", from);
  for (const [text] of written.replaceAll("\x1b", "␛").matchAll(/␛\[[HKJ]|[^]/g)) {
    switch (text) {
      case "␛[H":
        [row, column] = [0, 0];
        break;
      case "␛[K":
        clear(column);
        break;
      case "␛[J":
        clear(column);
        for (const line of cells.slice(row + 1)) line.fill(" ");
        break;
      case "\r":
        column = 0;
        break;
      case "\n":
        row++;
        break;
      default:
        cells[row]?.splice(column, 1, text);
        column = Math.min(column + 1, COLUMNS - 1);
    }
  }
  return cells.map((line) => line.join("").trimEnd());
}

const BEFORE = ["0123456789", "0123456789", "0123456789", "0123456789"];

const FRAMES: readonly (readonly [what: string, lines: readonly string[]])[] = [
  ["a line of the full width", ["total  201", "short", "", "in all  42"]],
  ["fewer lines than rows, the last of the full width", ["total  201", "in all  42"]],
];

for (const [what, lines] of FRAMES) {
  Deno.test(`a terminal shows ${what} as it is, and nothing of before`, () => {
    const expected = Array.from({ length: ROWS }, (_, row) => lines[row] ?? "");
    deepEqual(shownBy(frameText(lines, ROWS), BEFORE), expected);
  });
}

Deno.test("sections without rows are omitted", () => {
  deepEqual(shownBy(frameText(["1", "2", "3", "4", "5"], ROWS), BEFORE), ["1", "2", "3", "4"]);
});
