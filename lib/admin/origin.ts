/** Determines whether a request to the admin listener comes from an operator's tool, our own page, or a foreign page. */

import { isIP } from "node:net";

/**
 * Whether another web page sent the request. A page in the operator's browser can send requests to this machine, but
 * cannot omit these headers.
 */
export function isFromOtherSite(request: Request): boolean {
  const origin = request.headers.get("origin");
  if (origin !== null && hostOfOrigin(origin) !== hostOf(request)) return true;
  // Another port of this machine is the same site, but not the same origin.
  return ["cross-site", "same-site"].includes(request.headers.get("sec-fetch-site") ?? "");
}

/** Whether the browser opens the address in a tab, for example because its user follows a link. */
export function isLinkFollowed({ method, headers }: Request): boolean {
  return method === "GET" && headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
}

/**
 * Whether a request from this machine names a host that a stranger could own. A page can make its host name resolve to
 * this machine (DNS rebinding). Its requests are then same-origin, and only the name distinguishes them from the
 * operator's.
 */
export function isFromUnknownHost(request: Request, remoteAddress: string): boolean {
  return isLoopback(remoteAddress) && !isLocalName(hostOf(request));
}

/** Requested host and port, from the header or the HTTP/2 authority. */
function hostOf({ headers, url }: Request): string {
  const [, authority = ""] = /^[a-z]+:\/\/([^/?#]*)/i.exec(url) ?? [];
  return (headers.get("host") ?? authority).toLowerCase();
}

function hostOfOrigin(origin: string): string | undefined {
  return /^https?:\/\/([^/?#]+)$/.exec(origin)?.[1]?.toLowerCase();
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\./.test(address);
}

function isLocalName(host: string): boolean {
  const name = host.replace(/:\d*$/, "");
  return !name.includes(".") || isIP(name) !== 0 || name.startsWith("[") || name.endsWith(".localhost");
}
