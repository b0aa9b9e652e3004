/** Binary data as text: base64, bare or in a `data:` URL. Errors include the path of the field. */

import { Buffer } from "node:buffer";
import { invalidField } from "../../../base/errors.ts";

/** The value as received. */
export interface TextData {
  /** In lower case; empty if there is none. */
  readonly mediaType: string;
  /** In the form that AWS accepts. */
  readonly base64: string;
}

/** A `data:` URL or plain base64. */
export function readData(value: string, path: string): TextData {
  return value.startsWith("data:")
    ? readDataUrl(value, path)
    : { mediaType: "", base64: readBase64(value, path) };
}

/** Media type and data of a `data:` URL (RFC 2397); throws `invalid_request` for any other URL. */
export function readDataUrl(value: string, path: string): TextData {
  const comma = value.indexOf(",");
  // The head is split off first, so that no pattern runs over the data.
  const head = /^data:([^;,]*)((?:;[^;,]*)*)$/i.exec(value.slice(0, Math.max(0, Math.min(comma, 256))));
  if (head === null) throw invalidField(path, 'expected a data URL such as "data:image/png;base64,…"');
  const [, mediaType = "", parameters = ""] = head;
  const data = value.slice(comma + 1);
  const base64 = /;base64$/i.test(parameters)
    ? readBase64(data, path)
    : Buffer.from(decodePercent(data, path)).toString("base64");
  if (base64 === "") throw invalidField(path, "the data URL is empty");
  return { mediaType: mediaType.trim().toLowerCase(), base64 };
}

/** The data as base64 that AWS accepts: padded, without white space, in the standard alphabet. */
export function readBase64(data: string, path: string): string {
  const base64 = isBase64(data) ? data : toStandardAlphabet(decodePercent(data, path));
  if (!isBase64(base64)) throw invalidField(path, "invalid base64");
  const digits = withoutPadding(base64);
  const padded = digits.length + (4 - digits.length % 4) % 4;
  return padded === base64.length ? base64 : digits.padEnd(padded, "=");
}

function toStandardAlphabet(base64: string): string {
  return base64.replaceAll(/\s/g, "").replaceAll("-", "+").replaceAll("_", "/");
}

/** Whether the string is base64, with or without padding. */
export function isBase64(text: string): boolean {
  const digits = withoutPadding(text);
  // Searches for invalid characters, because matching many megabytes can overflow a regular expression's stack.
  return digits !== "" && digits.length % 4 !== 1 && !/[^A-Za-z0-9+/]/.test(digits);
}

function withoutPadding(base64: string): string {
  if (base64.endsWith("==")) return base64.slice(0, -2);
  return base64.endsWith("=") ? base64.slice(0, -1) : base64;
}

function decodePercent(data: string, path: string): string {
  try {
    return data.includes("%") ? decodeURIComponent(data) : data;
  } catch {
    throw invalidField(path, "invalid percent-encoding");
  }
}
