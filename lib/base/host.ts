/** Host names in URLs, which have brackets around IPv6 addresses, and in socket calls, which do not. */

/** The host as written in a URL or before a port. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** The host without the brackets of an IPv6 address, which `URL.hostname` includes. */
export function unbracketed(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/**
 * An IPv4 address in 127.0.0.0/8. Not `node:net`, which would be loaded before the process is replaced at the start.
 */
const LOOPBACK_IPV4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/** Whether only this host can reach the address. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || LOOPBACK_IPV4.test(hostname);
}
