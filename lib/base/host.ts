/** Host names in URLs, with brackets around an IPv6 address, and in socket calls, without. */

/** The host as written in a URL or before a port. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** The host without the brackets of an IPv6 address, which `URL.hostname` includes. */
export function unbracketed(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** An IPv4 address in 127.0.0.0/8; `node:net` would be loaded before the process is replaced at the start. */
const LOOPBACK_IPV4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/** Whether only this host can reach the address. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || LOOPBACK_IPV4.test(hostname);
}
