import { deepEqual, equal } from "node:assert/strict";

import { didYouMean, editDistance } from "../../../lib/config/schema/suggest.ts";
import {
  formatDuration,
  formatSize,
  parseDuration,
  parseEndpoint,
  parseExpiry,
  parseListenAddress,
  parseNetwork,
  parseOrigin,
  parseScalar,
  parseSize,
} from "../../../lib/config/schema/values.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

Deno.test("durations are numbers with units, largest unit first", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["250ms", 250],
    ["30s", 30 * SECOND],
    ["5m", 5 * MINUTE],
    ["1h30m", 90 * MINUTE],
    ["1h1m1s1ms", HOUR + MINUTE + SECOND + 1],
    ["1m500ms", MINUTE + 500],
    ["90s", 90 * SECOND],
    ["0s", 0],
    ["", undefined],
    ["5", undefined],
    ["5 s", undefined],
    ["s", undefined],
    ["-5s", undefined],
    ["1.5s", undefined],
    ["1m1h", undefined],
    ["1s1s", undefined],
    ["5S", undefined],
    ["1d", undefined],
  ];
  for (const [text, expected] of cases) equal(parseDuration(text), expected, text);
});

Deno.test("a formatted duration is read back as it was", () => {
  for (const ms of [0, 1, 999, SECOND, 90 * SECOND, 5 * MINUTE, HOUR + 1, 25 * HOUR]) {
    equal(parseDuration(formatDuration(ms)), ms);
  }
});

Deno.test("units of sizes are multiples of 1000 or 1024; a size without a unit is in bytes", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["4096", 4096],
    ["0", 0],
    ["7B", 7],
    ["1kB", 1000],
    ["1KB", 1000],
    ["10MB", 10_000_000],
    ["1GB", 1_000_000_000],
    ["16KiB", 16_384],
    ["25MiB", 26_214_400],
    ["25 MiB", 26_214_400],
    ["1GiB", 1_073_741_824],
    ["", undefined],
    ["MiB", undefined],
    ["1.5MiB", undefined],
    ["-1", undefined],
    ["1mib", undefined],
    ["1PB", undefined],
  ];
  for (const [text, expected] of cases) equal(parseSize(text), expected, text);
});

Deno.test("a formatted size is read back as it was", () => {
  for (const bytes of [0, 1, 1000, 1024, 1536, 26_214_400, 1_073_741_824]) {
    equal(parseSize(formatSize(bytes)), bytes);
  }
});

Deno.test("addresses have a host and a port", () => {
  const cases: readonly (readonly [string, string | undefined, number?])[] = [
    ["127.0.0.1:8080", "127.0.0.1", 8080],
    ["0.0.0.0:0", "0.0.0.0", 0],
    ["[::]:8080", "::", 8080],
    ["[::1]:65535", "::1", 65535],
    ["localhost:80", "localhost", 80],
    ["gateway.internal.example:80", "gateway.internal.example", 80],
    [":8080", undefined],
    ["8080", undefined],
    ["127.0.0.1", undefined],
    ["127.0.0.1:", undefined],
    ["127.0.0.1:65536", undefined],
    ["127.0.0.256:80", undefined],
    ["127.1:80", undefined],
    ["::1:80", undefined],
    ["[::1]", undefined],
    ["[nonsense]:80", undefined],
    ["[1.2.3.4]:80", undefined],
    ["http://localhost:80", undefined],
    ["local host:80", undefined],
  ];
  for (const [text, hostname, port] of cases) {
    deepEqual(parseListenAddress(text), hostname === undefined ? undefined : { hostname, port }, text);
  }
});

Deno.test("a date expires at the end of its day in UTC, a time at that moment", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["2027-06-30", Date.UTC(2027, 6, 1)],
    ["2028-02-29", Date.UTC(2028, 2, 1)],
    ["2027-06-30T12:00:00Z", Date.UTC(2027, 5, 30, 12)],
    ["2027-06-30T12:00Z", Date.UTC(2027, 5, 30, 12)],
    ["2027-06-30T12:00:00+02:00", Date.UTC(2027, 5, 30, 10)],
    ["2027-02-29", undefined],
    ["2027-13-01", undefined],
    ["2027-6-30", undefined],
    ["2027-06-30T12:00:00", undefined],
    ["2027-06-30T25:00:00Z", undefined],
    ["30.06.2027", undefined],
  ];
  for (const [text, expected] of cases) equal(parseExpiry(text), expected, text);
});

Deno.test("endpoints consist of scheme, host and path only", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["https://vpce.example", "https://vpce.example"],
    ["https://vpce.example/", "https://vpce.example"],
    ["https://proxy.example:8443/bedrock//", "https://proxy.example:8443/bedrock"],
    ["http://[::1]:4566", "http://[::1]:4566"],
    ["https://user:password@host", undefined],
    ["https://host?x=1", undefined],
    ["https://host/#x", undefined],
    ["ftp://host", undefined],
    ["host:443", undefined],
    ["vpce.example", undefined],
  ];
  for (const [text, expected] of cases) equal(parseEndpoint(text), expected, text);
});

Deno.test("origins are compared as browsers send them", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["*", "*"],
    ["https://app.example.com", "https://app.example.com"],
    ["HTTPS://App.Example.com:443", "https://app.example.com"],
    ["http://localhost:80", "http://localhost"],
    ["http://localhost:5173", "http://localhost:5173"],
    ["https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"],
    ["https://b\u00fccher.example", "https://xn--bcher-kva.example"],
    ["https://app.example.com/", undefined],
    ["https://*.example.com", undefined],
    ["https://user@app.example.com", undefined],
    ["https://app.example.com:99999", undefined],
    ["file://", undefined],
    ["null", undefined],
    ["app.example.com", undefined],
  ];
  for (const [text, expected] of cases) equal(parseOrigin(text), expected, text);
});

Deno.test("networks have an address without an interface", () => {
  const cases = ["10.0.0.0/8", "192.0.2.1", "fd00::/8", "::ffff:10.0.0.0/104"];
  for (const text of cases) equal(parseNetwork(text), text);
  for (
    const text of ["fe80::1%eth0", "fe80::%1/64", "10.0.0.0/33", "10.0.0", "localhost", "10.0.0.1:80", ""]
  ) {
    equal(parseNetwork(text), undefined, text);
  }
});

Deno.test("scalars are read from text as YAML reads them without quotes", () => {
  const cases: readonly (readonly [string, number | boolean | undefined])[] = [
    ["5", 5],
    ["-1.5", -1.5],
    ["true", true],
    ["false", false],
    ["yes", undefined],
    ["", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    [" 5", undefined],
  ];
  for (const [text, expected] of cases) equal(parseScalar(text), expected, text);
});

Deno.test("edit distance counts a swap of neighbours as one edit", () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["", "", 0],
    ["", "abc", 3],
    ["east", "east", 0],
    ["est", "east", 1],
    ["esat", "east", 1],
    ["modles", "models", 1],
    ["conect", "connect", 1],
    ["kitten", "sitting", 3],
  ];
  for (const [a, b, expected] of cases) {
    equal(editDistance(a, b), expected, `${a}, ${b}`);
    equal(editDistance(b, a), expected, `${b}, ${a}`);
  }
});

Deno.test("a suggestion is the closest name, or none if no name is close", () => {
  equal(didYouMean("est", ["west", "east", "local"]), '; did you mean "west"?');
  equal(didYouMean("EAST", ["west", "east"]), '; did you mean "east"?');
  equal(didYouMean("mars", ["west", "east"]), "");
  equal(didYouMean("x".repeat(1000), ["x".repeat(1001)]), "");
});
