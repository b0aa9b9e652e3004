/** Hosts as URLs write them, with an IPv6 address in brackets, and as the network's own calls take them, without. */

/** The host as it stands in a URL or ahead of a port. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** The host without the brackets that `URL.hostname` puts around an IPv6 address. */
export function unbracketed(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}
