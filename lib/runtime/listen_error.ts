/** One wording for errors when opening a listener, on both runtimes. */

import { bracketed } from "../base/host.ts";
import type { ServeOptions, ServeSocketOptions } from "./runtime.ts";

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is already in use",
  EADDRNOTAVAIL: "the address does not belong to this host",
  EACCES: "permission denied",
};

/** An error such as `Cannot listen on "127.0.0.1:8080": the address is already in use`, with its cause. */
export function listenError({ hostname, port }: ServeOptions, cause: unknown): Error {
  return errorOf(`${bracketed(hostname)}:${port}`, cause);
}

/** The same for a Unix socket. */
export function listenSocketError({ path }: ServeSocketOptions, cause: unknown): Error {
  return errorOf(`unix:${path}`, cause);
}

function errorOf(address: string, cause: unknown): Error {
  return new Error(`Cannot listen on "${address}": ${reasonOf(cause)}`, { cause });
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  return REASONS[code] ?? cause.message;
}
