/** Which addresses belong to the public internet. */

import { BlockList, isIPv4 } from "node:net";

/**
 * https://www.iana.org/assignments/iana-ipv4-special-registry: addresses that are not globally reachable, and
 * multicast.
 */
const NOT_PUBLIC_IPV4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  // Carrier-grade NAT.
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  // Link-local, including the cloud's metadata service.
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  // Multicast, and reserved addresses above it.
  ["224.0.0.0", 3],
] as const;

/**
 * https://www.iana.org/assignments/iana-ipv6-special-registry: exceptions inside the one block of global unicast.
 */
const NOT_PUBLIC_IPV6 = [
  // Protocol assignments, including Teredo, and 6to4: both lead to IPv4 addresses.
  ["2001::", 23],
  ["2002::", 16],
  // Documentation.
  ["2001:db8::", 32],
  ["3fff::", 20],
] as const;

const refused = new BlockList();
for (const [network, prefix] of NOT_PUBLIC_IPV4) refused.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of NOT_PUBLIC_IPV6) refused.addSubnet(network, prefix, "ipv6");

const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");

/** Whether an IPv4 or IPv6 address is public: not private, local, shared, mapped or reserved. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !refused.check(address, "ipv4");
  // With a zone, as in fe80::1%eth0, an address cannot be public.
  if (!/^[0-9a-f:]+$/i.test(address)) return false;
  return globalUnicast.check(address, "ipv6") && !refused.check(address, "ipv6");
}
