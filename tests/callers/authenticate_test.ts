/** The headers in which a caller's key may be, and the error for each kind of missing or invalid key. */

import { equal } from "node:assert/strict";
import { AditError } from "../../lib/base/errors.ts";
import { sha256Hex } from "../../lib/base/hash.ts";
import { identify } from "../../lib/callers/authenticate.ts";
import { caller, snapshot } from "../fakes/snapshot.ts";
import { START_MS } from "../fakes/time.ts";

const LONG_KEY = "k".repeat(5_000);
const CONFIG = snapshot({
  callers: [
    caller("search"),
    caller("chat"),
    caller("expired", { expiresAtMs: START_MS }),
    caller("expiring", { expiresAtMs: START_MS + 1 }),
    caller("disabled", { disabled: true }),
    { ...caller("long"), key: LONG_KEY },
    caller("rotating"),
    caller("rotated"),
  ],
  keyExpiresAtMs: new Map([[sha256Hex("key-of-rotating"), START_MS], [
    sha256Hex("key-of-rotated"),
    START_MS + 1,
  ]]),
});

const SIGV4 = "AWS4-HMAC-SHA256 Credential=AKID/20261120/us-east-1/bedrock/aws4_request, " +
  "SignedHeaders=host;x-amz-date, Signature=00";

/** Headers of a request, and the resulting caller or kind of error. */
const CASES: Readonly<Record<string, readonly [headers: Record<string, string>, outcome: string]>> = {
  "a bearer token": [{ authorization: "Bearer key-of-search" }, "search"],
  "a bearer token in lower case": [{ authorization: "bearer key-of-search" }, "search"],
  "a bearer token after several blanks": [{ authorization: "BEARER \t  key-of-search  " }, "search"],
  "x-api-key": [{ "x-api-key": "key-of-search" }, "search"],
  "x-api-key between blanks": [{ "x-api-key": " \tkey-of-search\t " }, "search"],
  "api-key": [{ "api-key": "key-of-search" }, "search"],
  "cf-aig-authorization": [{ "cf-aig-authorization": "Bearer key-of-search" }, "search"],
  "cf-aig-authorization beside a client's own signature": [
    { "cf-aig-authorization": "Bearer key-of-search", authorization: SIGV4 },
    "search",
  ],
  "duplicate key": [{ authorization: "Bearer key-of-search", "x-api-key": "key-of-search" }, "search"],
  "two good keys, of which the first place counts": [
    { authorization: "Bearer key-of-chat", "x-api-key": "key-of-search" },
    "chat",
  ],
  "a key of someone else's beside a good one": [
    { authorization: "Bearer sk-ant-other", "x-api-key": "key-of-search" },
    "search",
  ],
  "an empty bearer token beside a good key": [
    { authorization: "Bearer", "x-api-key": "key-of-chat" },
    "chat",
  ],
  "a key that expires in a moment": [{ "x-api-key": "key-of-expiring" }, "expiring"],
  "a key that ends before its caller does": [{ "x-api-key": "key-of-rotating" }, "expired_key"],
  "a key that is about to end": [{ "x-api-key": "key-of-rotated" }, "rotated"],
  "nothing": [{}, "missing_key"],
  "a signature by nobody's pair": [{ authorization: SIGV4 }, "invalid_key"],
  "basic credentials": [{ authorization: "Basic a2V5LW9mLXNlYXJjaA==" }, "missing_key"],
  "a key without its scheme": [{ authorization: "key-of-search" }, "missing_key"],
  "a scheme that only begins alike": [{ authorization: "Bearerkey-of-search" }, "missing_key"],
  "empty headers": [{ authorization: "Bearer ", "x-api-key": "", "api-key": "  " }, "missing_key"],
  "a wrong key": [{ authorization: "Bearer key-of-nobody" }, "invalid_key"],
  "a key in another case": [{ authorization: "Bearer KEY-OF-SEARCH" }, "invalid_key"],
  "a key with a blank in it": [{ authorization: "Bearer key-of search" }, "invalid_key"],
  "the hash instead of the key": [
    { "x-api-key": [...CONFIG.callersByKeyHash.keys()][0] ?? "" },
    "invalid_key",
  ],
  "a key longer than any key is": [{ "x-api-key": LONG_KEY }, "invalid_key"],
  "an expired key": [{ "x-api-key": "key-of-expired" }, "expired_key"],
  "a disabled caller's key": [{ "x-api-key": "key-of-disabled" }, "disabled_key"],
};

for (const [name, [headers, outcome]] of Object.entries(CASES)) {
  Deno.test(`${name} comes to ${outcome}`, () => {
    equal(outcomeOf(new Headers(headers)), outcome);
  });
}

Deno.test("a bearer token of many blanks is parsed in linear time", () => {
  equal(outcomeOf(new Headers({ authorization: `Bearer ${" \t".repeat(500_000)}x` })), "invalid_key");
});

function outcomeOf(headers: Headers): string {
  try {
    return identify(headers, CONFIG, START_MS).caller.name;
  } catch (error) {
    if (error instanceof AditError) return error.kind;
    throw error;
  }
}
