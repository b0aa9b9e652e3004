/**
 * The chart of docs/benchmark.md: requests a second as a share of what the bare pipe on Bun carries in the same cell.
 */

import { byCell, mediansOf } from "./report.ts";
import type { CellResult } from "./rounds.ts";

const BASE = "bare pipe on Bun";
/** The colours are readable on white and on black. */
const COLOURS: Readonly<Record<string, string>> = {
  "Adit on Bun": "#c2410c",
  "Adit on Deno": "#f59e0b",
  [BASE]: "#6b7280",
  "bare pipe on Deno": "#9ca3af",
  "nginx": "#15803d",
};
const OTHER_COLOUR = "#2563eb";
const NOT_SHOWN = "upstream itself";

const WIDTH = 860;
const LABEL_WIDTH = 250;
const BAR_HEIGHT = 12;
const GROUP_GAP = 16;
const TITLE_HEIGHT = 34;
const VALUE_WIDTH = 170;

/** The chart as SVG. */
export function chart(cells: readonly CellResult[]): string {
  const groups = [...byCell(cells)].map(([cell, results]) => ({ cell, bars: barsOf(results) }));
  const longest = Math.max(1, ...groups.flatMap(({ bars }) => bars.map(({ part }) => part)));
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / longest;
  let y = TITLE_HEIGHT;
  const drawn = groups.map(({ cell, bars }) => {
    const label = textAt(LABEL_WIDTH - 10, y + BAR_HEIGHT - 2, cell, `text-anchor="end"`);
    const lines = bars.map(({ subject, part, requestsPerSecond }, index) => {
      const top = y + index * BAR_HEIGHT;
      const width = Math.max(1, part * scale);
      const colour = COLOURS[subject] ?? OTHER_COLOUR;
      return `<rect x="${LABEL_WIDTH}" y="${top}" width="${width.toFixed(1)}" height="${
        BAR_HEIGHT - 2
      }" fill="${colour}"/>` +
        textAt(
          LABEL_WIDTH + width + 4,
          top + BAR_HEIGHT - 3,
          `${subject}: ${Math.round(requestsPerSecond)}/s`,
        );
    });
    y += bars.length * BAR_HEIGHT + GROUP_GAP;
    return [label, ...lines].join("\n");
  });
  const title = textAt(
    10,
    18,
    "Requests a second; the length is relative to the bare pipe on Bun in the same run",
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" ` +
    `font-family="sans-serif" font-size="11" fill="#6b7280">\n${[title, ...drawn].join("\n")}\n</svg>\n`;
}

interface Bar {
  readonly subject: string;
  readonly requestsPerSecond: number;
  readonly part: number;
}

function barsOf(results: ReadonlyMap<string, CellResult>): readonly Bar[] {
  const base = results.get(BASE);
  const whole = base === undefined ? NaN : mediansOf(base).requestsPerSecond;
  return [...results.values()].flatMap((result) => {
    if (result.subject === NOT_SHOWN || result.rounds.length === 0) return [];
    const { requestsPerSecond } = mediansOf(result);
    return [{ subject: result.subject, requestsPerSecond, part: requestsPerSecond / whole }];
  });
}

function textAt(x: number, y: number, text: string, attributes = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${text}</text>`;
}
