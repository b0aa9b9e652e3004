/** Host names in URLs, with brackets around an IPv6 address, and in socket calls, without. */

import { isIPv4 } from "node:net";

/** The host as written in a URL or before a port. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** The host without the brackets of an IPv6 address, which `URL.hostname` includes. */
export function unbracketed(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** Whether only this host can reach the address. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || (isIPv4(hostname) && hostname.startsWith("127."));
}
