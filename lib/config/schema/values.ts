/** Parsers for strings in the configuration: durations, sizes, addresses, dates, endpoints, names. */

import { Buffer } from "node:buffer";
import { isIP, isIPv4, isIPv6 } from "node:net";

import type { ListenAddress, SocketAddress } from "../../snapshot/snapshot.ts";

/** The number or boolean that a string would be in YAML without quotes. */
export function parseScalar(text: string): number | boolean | undefined {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : undefined;
}

/** One or more numbers with units, largest unit first: `1h30m`, `250ms`. */
export const DURATION = /^(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;

/** Milliseconds of a string such as `1h30m`, `5s` or `250ms`. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null || text === "") return undefined;
  const [, hours, minutes, seconds, milliseconds] = match.map((part) => Number(part ?? 0));
  return (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000 + (milliseconds ?? 0);
}

const DURATION_UNITS = [["h", 3_600_000], ["m", 60_000], ["s", 1000], ["ms", 1]] as const;

/** The inverse of `parseDuration`: `90000` is `1m30s`. */
export function formatDuration(milliseconds: number): string {
  let rest = milliseconds;
  let text = "";
  for (const [unit, size] of DURATION_UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === "" ? "0s" : text;
}

const COUNT_UNITS = { "": 1, k: 1_000, K: 1_000, M: 1_000_000, G: 1_000_000_000 } as const;

export const COUNT = /^(\d{1,9}(?:\.\d{1,3})?)([kKMG]?)$/;

/** The number in `60`, `200k` or `1.5M`; undefined unless it is a positive integer. */
export function parseCount(text: string): number | undefined {
  const match = COUNT.exec(text);
  if (match === null) return undefined;
  const unit = (match[2] ?? "") as keyof typeof COUNT_UNITS;
  const count = Math.round(Number(match[1]) * COUNT_UNITS[unit] * 1000) / 1000;
  return Number.isInteger(count) && count > 0 && count <= 1e12 ? count : undefined;
}

const PERIODS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A number, a slash, and a unit of time: second, minute, hour or day. */
export const RATE = /^(\d{1,9}(?:\.\d{1,3})?[kKMG]?)\/([smhd])$/;

/** The rate in `60/m` or `200k/d`. */
export function parseRate(text: string): { limit: number; periodMs: number } | undefined {
  const match = RATE.exec(text);
  const limit = parseCount(match?.[1] ?? "");
  if (limit === undefined) return undefined;
  return { limit, periodMs: PERIODS_MS[(match?.[2] ?? "m") as keyof typeof PERIODS_MS] };
}

const SIZE_UNITS = {
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
} as const;

export const SIZE = /^(\d{1,12}) ?(B|kB|KB|MB|GB|KiB|MiB|GiB)?$/;

/** Bytes of a string such as `25MiB`, `10MB` or `4096`. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (match === null) return undefined;
  const unit = (match[2] ?? "B") as keyof typeof SIZE_UNITS;
  return Number(match[1]) * SIZE_UNITS[unit];
}

/** The shortest exact string for `parseSize`: `25MiB` for 26214400. */
export function formatSize(bytes: number): string {
  const unit = (["GiB", "MiB", "KiB"] as const).find((name) => bytes > 0 && bytes % SIZE_UNITS[name] === 0);
  return unit === undefined ? String(bytes) : `${bytes / SIZE_UNITS[unit]}${unit}`;
}

export const LISTEN_ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;

/** Address and port of `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = LISTEN_ADDRESS.exec(text);
  if (match === null) return undefined;
  const [, ipv6, name = "", portText] = match;
  const port = Number(portText);
  if (port > 65535) return undefined;
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { hostname: ipv6, port } : undefined;
  // Digits and dots that are not an IPv4 address are a mistake, not a host name.
  if (/^[\d.]+$/.test(name) && !isIPv4(name)) return undefined;
  return { hostname: name, port };
}

/** The maximum length of a socket path on the supported systems. */
const MAX_SOCKET_PATH_BYTES = 103;

/** The path in `unix:/run/adit/admin.sock`. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const path = text.slice("unix:".length);
  const isSound = text.startsWith("unix:") && /^\/[^\0]*[^/\0]$/.test(path);
  return isSound && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES ? { path } : undefined;
}

export const EXPIRY = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** The beginning (UTC) of a day such as `2027-06-30`; undefined if the calendar has no such day. */
export function parseDay(day: string): number | undefined {
  const dayMs = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : NaN;
  // `Date.parse` turns 30 February into 2 March.
  return Number.isNaN(dayMs) || new Date(dayMs).toISOString().slice(0, 10) !== day ? undefined : dayMs;
}

/**
 * The first moment of expiry: the end of the day (UTC) for `2027-06-30`, the moment itself for a date with a time.
 */
export function parseExpiry(text: string): number | undefined {
  if (!EXPIRY.test(text)) return undefined;
  const dayMs = parseDay(text.slice(0, 10));
  if (dayMs === undefined) return undefined;
  if (text.length === 10) return dayMs + 24 * 3_600_000;
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? undefined : moment;
}

/** Scheme, host and path prefix of an endpoint, without a trailing slash; nothing else is allowed. */
export function parseEndpoint(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") return undefined;
  if (url.username !== "" || url.password !== "" || /[?#]/.test(text)) return undefined;
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

/** URL of a forward proxy, possibly with a user name and a password; nothing else is allowed. */
export function parseProxy(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:\/\//.test(text) || url.port === "0") return undefined;
  if (url.pathname !== "/" || /[?#\s]/.test(text)) return undefined;
  if (url.username === "" && url.password !== "") return undefined;
  try {
    // User name and password are decoded before they are sent.
    decodeURIComponent(url.username + url.password);
  } catch {
    return undefined;
  }
  return url.href;
}

/** An http or https URL, without user info and fragment. */
export function parseWebhook(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:\/\//.test(text) || /[#\s]/.test(text)) return undefined;
  return url.username === "" && url.password === "" ? url.href : undefined;
}

/** A path whose last part may contain `*` for any characters of a file name. */
export const INCLUDE = /^(?:[^*\0]*\/)?[^/\0]+$/;

/** Names of providers and callers: they appear in log lines and metric labels. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Names of models, which clients send as `model`; `vendor/name`, `name:tag` and `name@date` are allowed. */
export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@\/-]{0,127}$/;
export const ROUTE_PATH = /^(?:\/[A-Za-z0-9._~-]+){1,8}$/;

/** The hash of a key: `sha256:` and 64 hexadecimal digits. */
export const KEY_HASH = /^sha256:[0-9A-Fa-f]{64}$/;

/** The digits of such a hash in lower case, to look the key up. */
export function parseKeyHash(text: string): string {
  return text.slice("sha256:".length).toLowerCase();
}

/** An origin as browsers send it, in lower case and without the usual port, or `*`; undefined for anything else. */
export function parseOrigin(text: string): string | undefined {
  if (text === "*") return text;
  const origin = /^https?:\/\/[^/?#@*\\\s]+$/i.test(text) ? URL.parse(text)?.origin : undefined;
  return origin === "null" ? undefined : origin;
}

/** An IP address, or one with the number of bits of its network, such as `10.0.0.0/8`; undefined for anything else. */
export function parseNetwork(text: string): string | undefined {
  // A zone after "%" is an interface of this host and has no meaning in another host's header.
  const [, address = "", bits = "0"] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 6 ? 128 : 32) ? text : undefined;
}
