/** The screen of `adit top`, as lines that fit the terminal. */

import type {
  CallerUseView,
  ErrorUseView,
  InFlightView,
  ModelUseView,
  NowView,
  TargetView,
} from "../../admin/contract/contract.ts";
import { type Column, fitted, tableLines } from "./screen_table.ts";
import type { Size } from "./terminal.ts";

export interface ScreenOptions {
  /** Undefined to show everything at any size. */
  readonly size: Size | undefined;
  /** Whether titles are bold. */
  readonly isBold: boolean;
  /** Why the connection to the gateway was lost. */
  readonly lost: string | undefined;
}

/** A part of the screen. */
interface Section {
  readonly title: string;
  /** The column header, then the rows. */
  readonly lines: readonly string[];
}

/** The lines of the screen, no more than the terminal has. */
export function topScreen(view: NowView, { size, isBold, lost }: ScreenOptions): readonly string[] {
  const columns = size?.columns ?? Infinity;
  const head = [
    joined(titleParts(view), columns),
    joined(rateParts(view), columns),
    ...(size === undefined ? [] : [chartLine(view, columns)]),
  ];
  const state = lost === undefined ? stateLine(view) : `LOST: ${lost}; trying again`;
  const sections = sectionsOf(view, columns);
  const room = size === undefined ? Infinity : size.rows - head.length - (state === "" ? 0 : 1);
  const lines = [...head, ...(state === "" ? [] : [state])].map((line) => fitted(line, columns));
  const bold = (text: string) => isBold ? `\x1b[1m${text}\x1b[m` : text;
  for (const [index, count] of shares(sections, room).entries()) {
    const section = sections[index];
    if (section === undefined || count < 3) continue;
    lines.push("", bold(fitted(section.title, columns)), ...section.lines.slice(0, count - 2));
  }
  return lines;
}

/** Number of lines of each section, with its title and an empty line: a few for each, then the rest in order. */
function shares(sections: readonly Section[], room: number): readonly number[] {
  const wanted = sections.map(({ lines }) => lines.length + 2);
  const given = sections.map(() => 0);
  let left = room;
  for (const least of [5, Infinity]) {
    for (const [index, want] of wanted.entries()) {
      const more = Math.min(left, Math.min(want, least) - (given[index] ?? 0));
      if (more <= 0 || (given[index] === 0 && more < 4)) continue;
      given[index] = (given[index] ?? 0) + more;
      left -= more;
    }
  }
  return given;
}

function titleParts({ version, uptime_s, threads, memory_bytes, at, draining }: NowView): readonly string[] {
  return [
    ...(draining ? ["DRAINING"] : []),
    `adit ${version}`,
    `up ${duration(uptime_s * 1000)}`,
    `${threads} ${threads === 1 ? "thread" : "threads"}`,
    `${Math.round(memory_bytes / 1024 ** 2)} MiB`,
    at.slice(0, 19).replace("T", " ") + " UTC",
  ];
}

function rateParts({ rate, in_flight, requests_total }: NowView): readonly string[] {
  return [
    `requests ${short(rate.requests_per_s)}/s`,
    `errors ${short(rate.errors_per_s)}/s`,
    `in flight ${in_flight.total}`,
    `tokens in ${short(rate.input_tokens_per_s)}/s out ${short(rate.output_tokens_per_s)}/s`,
    `total ${short(requests_total)}`,
  ];
}

/** As many parts as fit. */
function joined(parts: readonly string[], columns: number): string {
  let line = "";
  for (const part of parts) {
    const longer = line === "" ? part : `${line}  ${part}`;
    if (line !== "" && longer.length > columns) break;
    line = longer;
  }
  return line;
}

const BARS = "▁▂▃▄▅▆▇█";

/** Requests by second, the newest at the right. */
function chartLine({ seconds }: NowView, columns: number): string {
  const shown = seconds.slice(-Math.min(seconds.length, columns));
  const most = Math.max(1, ...shown.map(({ requests }) => requests));
  return shown.map(({ requests }) =>
    requests === 0 ? " " : BARS[Math.min(BARS.length - 1, Math.floor(requests / most * BARS.length))]
  ).join("");
}

/** Problems other than failed requests. */
function stateLine({ ledger }: NowView): string {
  if (ledger === null || (ledger.error === null && ledger.dropped === 0)) return "";
  return `LEDGER: ${ledger.error ?? "rows were dropped"}; queued ${ledger.queued}, dropped ${ledger.dropped}`;
}

function sectionsOf(view: NowView, columns: number): readonly Section[] {
  const { in_flight, models, callers, errors, targets, targets_total } = view;
  const all: readonly Section[] = [
    {
      title: `IN FLIGHT ${in_flight.total}`,
      lines: tableLines(in_flight.requests, IN_FLIGHT, columns),
    },
    { title: "ERRORS, 5 MINUTES", lines: tableLines(errors, ERRORS, columns) },
    { title: `TARGETS ${targets_total}`, lines: tableLines(targets, TARGETS, columns) },
    { title: "MODELS, 5 MINUTES", lines: tableLines(models, MODELS, columns) },
    { title: "CALLERS, 5 MINUTES", lines: tableLines(callers, CALLERS, columns) },
  ];
  return all.filter(({ lines }) => lines.length > 1);
}

/** Columns from left to right; `rank` says which are omitted first. */
const IN_FLIGHT: readonly Column<InFlightView>[] = [
  { title: "AGE", rank: 0, isNumber: true, text: ({ age_ms }) => duration(age_ms) },
  { title: "CALLER", rank: 1, text: ({ caller }) => caller ?? "-" },
  { title: "MODEL", rank: 1, text: ({ model }) => model ?? "-" },
  {
    title: "API",
    rank: 3,
    text: ({ endpoint, stream }) => `${endpoint ?? "-"}${stream === true ? " stream" : ""}`,
  },
  { title: "TARGET", rank: 2, text: ({ target }) => target ?? "-" },
  { title: "FAILED", rank: 5, isNumber: true, text: ({ failed_attempts }) => String(failed_attempts) },
  { title: "SENT", rank: 4, isNumber: true, text: ({ sent_bytes }) => short(sent_bytes) },
  {
    title: "B/S",
    rank: 5,
    isNumber: true,
    text: ({ bytes_per_s }) => bytes_per_s === null ? "-" : short(bytes_per_s),
  },
  { title: "TOKENS", rank: 6, isNumber: true, text: ({ output_tokens }) => String(output_tokens ?? "-") },
  { title: "REQUEST", rank: 7, text: ({ request_id }) => request_id },
];

const ERRORS: readonly Column<ErrorUseView>[] = [
  { title: "ERROR", rank: 0, text: ({ error }) => error },
  { title: "REQUESTS", rank: 0, isNumber: true, text: ({ requests }) => String(requests) },
  { title: "MOST BY", rank: 1, text: ({ caller }) => caller === "" ? "-" : caller },
];

const TARGETS: readonly Column<TargetView>[] = [
  { title: "MODEL", rank: 0, text: ({ model }) => model },
  { title: "TARGET", rank: 1, text: ({ target }) => target },
  {
    title: "STATE",
    rank: 0,
    text: ({ state, rests_ms }) => rests_ms > 0 ? `${state} ${duration(rests_ms)}` : state,
  },
  { title: "IN FLIGHT", rank: 2, isNumber: true, text: ({ in_flight }) => String(in_flight) },
  {
    title: "LATENCY",
    rank: 3,
    isNumber: true,
    text: ({ latency_ms }) => latency_ms === null ? "-" : `${latency_ms} ms`,
  },
  { title: "LAST ERROR", rank: 2, text: ({ last_error }) => last_error ?? "-" },
];

/** The columns that models and callers have in common. */
type Use = Omit<CallerUseView, "caller">;

/** An unknown price is not zero. */
function cost({ cost_usd, requests, unpriced_requests }: Use): string {
  if (unpriced_requests === 0) return cost_usd;
  return unpriced_requests === requests ? "?" : `>=${cost_usd}`;
}

const USE: readonly Column<Use>[] = [
  { title: "REQUESTS", rank: 0, isNumber: true, text: ({ requests }) => short(requests) },
  { title: "ERRORS", rank: 1, isNumber: true, text: ({ errors }) => short(errors) },
  { title: "TOKENS IN", rank: 3, isNumber: true, text: ({ input_tokens }) => short(input_tokens) },
  { title: "OUT", rank: 3, isNumber: true, text: ({ output_tokens }) => short(output_tokens) },
  { title: "USD", rank: 2, isNumber: true, text: cost },
];

const MODELS: readonly Column<ModelUseView>[] = [
  { title: "MODEL", rank: 0, text: ({ model }) => model },
  ...USE,
  {
    title: "FIRST BYTE",
    rank: 4,
    isNumber: true,
    text: ({ first_byte_ms_avg }) => first_byte_ms_avg === null ? "-" : `${first_byte_ms_avg} ms`,
  },
];

const CALLERS: readonly Column<CallerUseView>[] = [
  { title: "CALLER", rank: 0, text: ({ caller }) => caller },
  ...USE,
];

const UNITS = ["", "k", "M", "G", "T"];

/** A number in at most five characters. */
function short(value: number): string {
  let unit = 0;
  let scaled = value;
  while (scaled >= 10_000 && unit < UNITS.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const digits = Number.isInteger(scaled) || scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2;
  return `${Number(scaled.toFixed(digits))}${UNITS[unit] ?? ""}`;
}

/** Such as `350 ms`, `12 s`, `3 min 5 s`, `2 h 10 min` or `4 d 3 h`. */
function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor(s % 86_400 / 3600)} h`;
}
