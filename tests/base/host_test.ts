import { equal } from "node:assert/strict";
import { bracketed, unbracketed } from "../../lib/base/host.ts";

Deno.test("an IPv6 address has brackets in a URL, names and IPv4 addresses do not", () => {
  for (const host of ["localhost", "gateway.example", "127.0.0.1"]) {
    equal(bracketed(host), host);
    equal(unbracketed(host), host);
  }
  for (const address of ["::", "::1", "2001:db8::1"]) {
    equal(bracketed(address), `[${address}]`);
    equal(unbracketed(new URL(`http://${bracketed(address)}:80/`).hostname), address);
  }
});
