/** Whose address a request is said to come from. */

import { equal } from "node:assert/strict";
import { clientAddress } from "../../lib/server/client_address.ts";

const TRUSTED = ["10.0.0.0/8", "192.0.2.1", "fd00::/8"];

interface Row {
  readonly peer: string;
  readonly headers: Record<string, string>;
  readonly address: string;
}

const ROWS: readonly Row[] = [
  { peer: "10.0.0.1", headers: {}, address: "10.0.0.1" },
  { peer: "10.0.0.1", headers: { "x-forwarded-for": "203.0.113.9" }, address: "203.0.113.9" },
  { peer: "203.0.113.5", headers: { "x-forwarded-for": "203.0.113.9" }, address: "203.0.113.5" },
  {
    peer: "10.0.0.1",
    headers: { "x-forwarded-for": "198.51.100.1, 203.0.113.9, 10.2.0.1" },
    address: "203.0.113.9",
  },
  { peer: "::ffff:10.0.0.1", headers: { "x-forwarded-for": "203.0.113.9:4711" }, address: "203.0.113.9" },
  { peer: "192.0.2.1", headers: { "x-forwarded-for": "[2001:db8::1]:80" }, address: "2001:db8::1" },
  { peer: "192.0.2.2", headers: { "x-forwarded-for": "203.0.113.9" }, address: "192.0.2.2" },
  { peer: "10.0.0.1", headers: { "x-forwarded-for": "203.0.113.9, unknown" }, address: "10.0.0.1" },
  { peer: "10.0.0.1", headers: { "x-forwarded-for": "10.0.0.3, 10.0.0.2" }, address: "10.0.0.3" },
  {
    peer: "fd12::1",
    headers: { forwarded: 'for=198.51.100.1, proto=https;for="[2001:db8::2]:443";by=_x' },
    address: "2001:db8::2",
  },
  { peer: "10.0.0.1", headers: { forwarded: "for=_hidden" }, address: "10.0.0.1" },
  // A client chooses the host that a proxy repeats.
  {
    peer: "10.0.0.1",
    headers: { forwarded: 'host="x;for=6.6.6.6,for=6.6.6.7";for=203.0.113.9' },
    address: "203.0.113.9",
  },
  { peer: "10.0.0.1", headers: { forwarded: 'for=6.6.6.6, host="a\\"b;for=6.6.6.7"' }, address: "10.0.0.1" },
  { peer: "10.0.0.1", headers: { forwarded: 'for="6.6.6.6, for=203.0.113.9' }, address: "203.0.113.9" },
  { peer: "10.0.0.1", headers: { forwarded: "For=203.0.113.9:47011;proto=http" }, address: "203.0.113.9" },
  { peer: "10.0.0.1", headers: { forwarded: 'for = "[2001:db8::3]"' }, address: "2001:db8::3" },
  { peer: "10.0.0.1", headers: { forwarded: "by=203.0.113.9;xfor=6.6.6.6" }, address: "10.0.0.1" },
  {
    peer: "10.0.0.1",
    headers: { "x-forwarded-for": "203.0.113.9", forwarded: "for=6.6.6.6" },
    address: "203.0.113.9",
  },
  { peer: "10.0.0.1", headers: { "x-forwarded-for": "6.6.6.6, 010.0.0.1" }, address: "10.0.0.1" },
  { peer: "10.0.0.1", headers: { "x-forwarded-for": "6.6.6.6,,10.0.0.2" }, address: "10.0.0.2" },
  { peer: "10.0.0.1", headers: { "x-forwarded-for": "fe80::1%eth0" }, address: "fe80::1%eth0" },
  { peer: "", headers: { "x-forwarded-for": "203.0.113.9" }, address: "" },
];

for (const { peer, headers, address } of ROWS) {
  Deno.test(`"${peer}" with ${JSON.stringify(headers)} is the address "${address}"`, () => {
    equal(clientAddress(peer, new Headers(headers), TRUSTED), address);
    equal(clientAddress(peer, new Headers(headers), []), peer);
  });
}

Deno.test("a long header is read in linear time", () => {
  // In quadratic time, this would take minutes.
  const forwarded = `${"a".repeat(500_000)};for=203.0.113.9`;
  equal(clientAddress("10.0.0.1", new Headers({ forwarded }), TRUSTED), "203.0.113.9");
});
