/** The address of a client behind trusted proxies. */

import { BlockList, isIP } from "node:net";

/** By the list in the snapshot: building one takes longer than a request. */
const known = new WeakMap<readonly string[], BlockList>();

/**
 * The nearest address that is not a trusted proxy. Only trusted proxies are believed about their clients. A proxy
 * appends to `x-forwarded-for` or `forwarded` (RFC 7239), so both are read from the end.
 */
export function clientAddress(peer: string, headers: Headers, trusted: readonly string[]): string {
  if (trusted.length === 0) return peer;
  const proxies = blockListOf(trusted);
  let address = peer;
  for (const hop of forwardedFor(headers).reverse()) {
    if (!contains(proxies, address) || isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

function forwardedFor(headers: Headers): string[] {
  const list = headers.get("x-forwarded-for");
  if (list !== null) return list.split(",").map(bareAddress);
  return forwardedElements(headers.get("forwarded") ?? "").map((element) => bareAddress(element));
}

/**
 * A parameter of RFC 7239, or the comma between two elements; a quoted value may contain both. A name is only tried at
 * its first character, so that the time stays linear in a long header.
 */
const PART = /(?<![\w!#$%&'*+.^`|~-])([\w!#$%&'*+.^`|~-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^",;]*)|,/g;

/** The value of `for` in each element; "" if there is none. */
function forwardedElements(header: string): string[] {
  const elements = [""];
  for (const [part, name, value = ""] of header.matchAll(PART)) {
    if (part === ",") elements.push("");
    else if (name?.toLowerCase() === "for") elements[elements.length - 1] = value;
  }
  return elements;
}

/** The address without quotes, brackets and port. */
function bareAddress(text: string): string {
  const plain = text.trim().replace(/^"(.*)"$/, "$1");
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(plain) ?? [];
  return bracketed ?? plain.replace(/^(\d+(?:\.\d+){3}):\d+$/, "$1");
}

function contains(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
}

function blockListOf(trusted: readonly string[]): BlockList {
  let list = known.get(trusted);
  if (list === undefined) {
    list = new BlockList();
    for (const each of trusted) {
      const [address = "", bits] = each.split("/");
      const family = isIP(address) === 6 ? "ipv6" : "ipv4";
      list.addSubnet(address, Number(bits ?? (family === "ipv6" ? 128 : 32)), family);
    }
    known.set(trusted, list);
  }
  return list;
}
