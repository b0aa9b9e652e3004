/** The figures as Markdown tables: medians, and ratios to the reference measured in the same run. */

import type { Machine } from "./machine.ts";
import { type CellResult, type Figures, median, type OpenStreamResult, type StreamResult } from "./rounds.ts";
import type { SigningResult } from "./signing.ts";
import type { StartResult } from "./startup.ts";

export interface Results {
  readonly machine: Machine;
  readonly effort: Readonly<Record<string, number>>;
  readonly cells: readonly CellResult[];
  readonly firstEvents: readonly StreamResult[];
  readonly openStreams: readonly OpenStreamResult[];
  /** By subject: bytes in memory `restMs` after the last open stream. */
  readonly restedBytes: Readonly<Record<string, number>>;
  readonly starts: readonly StartResult[];
  /** By runtime. */
  readonly signatures: Readonly<Record<string, readonly SigningResult[]>>;
}

/** Adit's names in the results, each with its reference. */
export const REFERENCES: Readonly<Record<string, string>> = {
  "Adit on Bun": "bare pipe on Bun",
  "Adit on Deno": "bare pipe on Deno",
};
const UPSTREAM = "upstream itself";

/** The cells of the README's summary, all with the same number of connections, and the subjects that it compares. */
const SUMMARY_CELLS: readonly string[] = ["chat, 1 KB", "chat, 100 KB", "chat stream", "native stream"];
const SUMMARY_CONNECTIONS = 32;
const SUMMARY_SUBJECTS: readonly string[] = ["nginx", "bare pipe on Bun", "Adit on Bun", "Portkey on Node"];

type Row = readonly string[];

/** The README's six lines: requests a second, µs of processor time for a request, and p99 in ms, in the main cells. */
export function summary({ cells }: Results): string {
  const results = byCell(cells);
  const rows = SUMMARY_CELLS.map((cell): Row => [
    cell,
    ...SUMMARY_SUBJECTS.map((subject) =>
      shortFigures(results.get(rowName(cell, SUMMARY_CONNECTIONS))?.get(subject))
    ),
  ]);
  return table([`${SUMMARY_CONNECTIONS} at once`, ...SUMMARY_SUBJECTS], rows);
}

function shortFigures(result: CellResult | undefined): string {
  if (result === undefined || result.rounds.length === 0) return "–";
  const { requestsPerSecond, cpuUs, p99Us } = mediansOf(result);
  return [requestsPerSecond, cpuUs, p99Us / 1000].map(count).join(" / ");
}

export function tables(results: Results): string {
  return [
    throughput(results.cells),
    latency(results.cells),
    streams(results),
    starts(results.starts),
    signatures(results.signatures),
    machine(results.machine),
  ].join("\n\n");
}

/** The medians of the rounds that were kept. */
export function mediansOf({ rounds }: CellResult): Figures {
  const of = (figure: (figures: Figures) => number) => median(rounds.map(figure));
  return {
    requestsPerSecond: of(({ requestsPerSecond }) => requestsPerSecond),
    p50Us: of(({ p50Us }) => p50Us),
    p99Us: of(({ p99Us }) => p99Us),
    cpuUs: of(({ cpuUs }) => cpuUs),
  };
}

/** The results by cell, in order, then by subject. */
export function byCell(cells: readonly CellResult[]): ReadonlyMap<string, ReadonlyMap<string, CellResult>> {
  const rows = new Map<string, Map<string, CellResult>>();
  for (const result of cells) {
    const key = rowName(result.cell, result.connections);
    rows.set(key, (rows.get(key) ?? new Map()).set(result.subject, result));
  }
  return rows;
}

function rowName(cell: string, connections: number): string {
  return `${cell}, ${connections} at once`;
}

function throughput(cells: readonly CellResult[]): string {
  const subjects = [...new Set(cells.map(({ subject }) => subject))];
  const rows = [...byCell(cells)].map(([cell, results]): Row => [
    cell,
    ...subjects.map((subject) => throughputOf(subject, results)),
  ]);
  return `Requests a second, with the ratio to the bare pipe on the same runtime in parentheses:\n\n${
    table(["", ...subjects.map(shortNameOf)], rows)
  }`;
}

/** Keeps a table with a column for each subject narrow. */
function shortNameOf(subject: string): string {
  return subject.replace(/^bare pipe on /, "pipe, ").replace(/ on /, ", ").replace(/ itself$/, "");
}

function throughputOf(subject: string, results: ReadonlyMap<string, CellResult>): string {
  const result = results.get(subject);
  if (result === undefined) return "–";
  const notes = result.discarded === 0 ? "" : ` (${result.discarded} rounds discarded)`;
  if (result.rounds.length === 0) return `failed${notes}`;
  const { requestsPerSecond } = mediansOf(result);
  const reference = results.get(REFERENCES[subject] ?? "");
  const ratio = reference === undefined
    ? ""
    : ` (${(requestsPerSecond / mediansOf(reference).requestsPerSecond).toFixed(2)})`;
  return `${count(requestsPerSecond)}${ratio}${notes}`;
}

/** Added latency is only shown for a single connection: with more, it depends on the length of the queue. */
function latency(cells: readonly CellResult[]): string {
  const rows = [...byCell(cells)].flatMap(([cell, results]): Row[] => {
    const floor = results.get(UPSTREAM);
    const measured = [...results.values()].filter(({ subject, rounds }) =>
      subject !== UPSTREAM && rounds.length > 0
    );
    if (floor === undefined) return [];
    const { p50Us, p99Us } = mediansOf(floor);
    return measured.map((result) => {
      const own = mediansOf(result);
      return [
        cell,
        result.subject,
        count(own.cpuUs),
        result.connections === 1 ? `${count(own.p50Us - p50Us)} / ${count(own.p99Us - p99Us)}` : "",
        `${count(own.p50Us)} / ${count(own.p99Us)}`,
      ];
    });
  });
  const head = [
    "",
    "",
    "CPU per request",
    "added latency p50 / p99",
    "latency p50 / p99",
  ];
  return `<details><summary>CPU time and latency in µs</summary>\n\n${table(head, rows)}\n\n</details>`;
}

function streams({ firstEvents, openStreams, restedBytes, effort }: Results): string {
  const floor = firstEvents.find(({ subject }) => subject === UPSTREAM);
  const openFloor = openStreams.find(({ subject }) => subject === UPSTREAM);
  const rows = openStreams.filter(({ subject }) => subject !== UPSTREAM).map((open): Row => {
    const first = firstEvents.find(({ subject }) => subject === open.subject);
    const added = (part: "firstEventP50Us" | "firstEventP99Us") =>
      count((first?.[part] ?? NaN) - (floor?.[part] ?? NaN));
    const late = (part: "p50Us" | "p99Us") => count(open[part] - (openFloor?.[part] ?? NaN));
    return [
      open.subject,
      `${added("firstEventP50Us")} / ${added("firstEventP99Us")}`,
      `${late("p50Us")} / ${late("p99Us")}`,
      count(open.cpuUsPerEvent),
      [open.idleBytes, open.openBytes, open.closedBytes, restedBytes[open.subject] ?? NaN].map(mebibytes)
        .join(" / "),
      count((open.openBytes - open.idleBytes) / 1024 / (effort["openStreams"] ?? NaN)),
      String(open.failed),
    ];
  });
  const head = [
    "",
    "first event, µs",
    "event delay, µs",
    "CPU per event, µs",
    "memory, MiB",
    "KiB per stream",
    "failed",
  ];
  return [
    `${
      effort["openStreams"]
    } open streams of 20 events a second each. Added time to the first event and added delay of`,
    "an event are p50 / p99; memory is before / during / a minute after / ten minutes after:\n",
    table(head, rows),
  ].join("\n");
}

function starts(results: readonly StartResult[]): string {
  const rows = results.map(({ subject, firstAnswerMs, binaryBytes }): Row => [
    subject,
    `${count(firstAnswerMs)} ms`,
    binaryBytes === undefined ? "–" : `${mebibytes(binaryBytes)} MiB`,
  ]);
  return table(["", "start to first answer", "binary"], rows);
}

function signatures(results: Results["signatures"]): string {
  const rows = Object.entries(results).flatMap(([runtime, sizes]) =>
    sizes.map(({ bodyBytes, us, aws4fetchUs }): Row => [
      `${runtime}, ${count(bodyBytes / 1000)} KB`,
      count(us),
      count(aws4fetchUs),
      (us / aws4fetchUs).toFixed(2),
    ])
  );
  return table(["one signature, µs", "Adit", "aws4fetch unchanged", "ratio"], rows);
}

function machine({ processor, cores, memoryGiB, kernel, pinning, versions }: Machine): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return `Measured on ${processor}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}; ${programs}; ${pinning}.`;
}

function table(head: Row, rows: readonly Row[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Only three digits are reliable. */
function count(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) < 100) return String(Number(value.toPrecision(2)));
  return Number(value.toPrecision(3)).toLocaleString("en");
}

function mebibytes(bytes: number): string {
  return Number.isFinite(bytes) ? (bytes / 2 ** 20).toFixed(0) : "–";
}
