/** Where a request to the admin listener comes from: an operator's tool, our own page, or somebody else's. */

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

/** Whether a browser opens the address itself, in a tab of its own, as when its user follows a link. */
export function isLinkFollowed({ method, headers }: Request): boolean {
  return method === "GET" && headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
}

/**
 * Whether a request on this machine names a host that a stranger can own. A page may make its own host name resolve to
 * this machine (DNS rebinding); its requests are then same-origin, and only that name distinguishes them from the
 * operator's.
 */
export function isFromUnknownHost(request: Request, remoteAddress: string): boolean {
  return isLoopback(remoteAddress) && !isLocalName(hostOf(request));
}

/** Host and port that the client asked for: the header, or the authority of HTTP/2. */
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
