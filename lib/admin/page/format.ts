/** Formats numbers, money and times for people. */

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const NONE = "–";

/** `12,345`. */
export function count(value: number | undefined | null): string {
  return value === undefined || value === null ? NONE : WHOLE.format(value);
}

/** `12.3K`, where space is limited. */
export function short(value: number | undefined | null): string {
  if (value === undefined || value === null) return NONE;
  return Math.abs(value) < 10_000 ? WHOLE.format(value) : SHORT.format(value);
}

/** A rate, with two significant digits below 10: `0.25`, `3.4`, `120`. */
export function rate(value: number): string {
  if (value === 0) return "0";
  const digits = value < 1 ? 2 : value < 10 ? 1 : 0;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Money from a decimal string: `$1,234.56`, down to `$0.000012` for a single request. */
export function usd(decimal: string | number | undefined | null): string {
  if (decimal === undefined || decimal === null) return NONE;
  const value = Number(decimal);
  if (value === 0) return "$0";
  const size = Math.abs(value);
  const digits = size >= 1 ? 2 : Math.min(9, 1 - Math.floor(Math.log10(size)));
  const text = size.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: digits });
  return `${value < 0 ? "−" : ""}$${text}`;
}

/** `340 ms`, `2.4 s`, `3 min 05 s`, `2 h 10 min`, `4 d 3 h`. */
export function duration(ms: number | undefined | null): string {
  if (ms === undefined || ms === null) return NONE;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A share as a percentage: `12%`, `0.4%`, `<0.1%`. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return "<0.1%";
  return `${value > 0 && value < 1 ? value.toFixed(1) : Math.round(value)}%`;
}

/** The time of day in the viewer's zone: `14:03:09`. */
export function timeOfDay(at: string | number): string {
  return new Date(at).toLocaleTimeString("en-GB");
}

/** Date and time in the viewer's zone: `2027-01-31 14:03:09`. */
export function dateTime(at: string | number): string {
  return `${localDay(at)} ${timeOfDay(at)}`;
}

/** The date in the viewer's zone: `2027-01-31`. */
export function localDay(at: string | number): string {
  return new Date(at).toLocaleDateString("sv-SE");
}

/** The viewer's time zone, such as `Europe/Berlin`. */
export function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** A relative time: `3 min ago`. */
export function ago(at: string | number, nowMs: number): string {
  const ms = Math.max(0, nowMs - new Date(at).getTime());
  if (ms < 5000) return "just now";
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s ago`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}

/** A number and a noun: `1 request`, `3 requests`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}
