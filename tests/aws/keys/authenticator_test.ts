/** Recovery from refused credentials. */

import { deepEqual, equal, match } from "node:assert/strict";
import { keyAuthenticator, type Refusal } from "../../../lib/aws/keys/authenticator.ts";
import type { KeyPair } from "../../../lib/aws/keys/key_pair.ts";
import { keyPair } from "../../fakes/key_search.ts";
import { START_MS } from "../../fakes/time.ts";

const MINUTE = 60_000;

function setUp(pair: KeyPair = keyPair("A", START_MS + 60 * MINUTE)) {
  const skews: number[] = [];
  const keys = {
    pair,
    renewals: [] as string[],
    isRenewed: true,
    get: () => Promise.resolve(keys.pair),
    renew(refused: KeyPair) {
      keys.renewals.push(refused.accessKeyId);
      return Promise.resolve(keys.isRenewed);
    },
  };
  const authenticator = keyAuthenticator({
    region: "us-east-1",
    keys,
    onClockSkew: (offsetMs) => skews.push(offsetMs),
  });
  const sign = (nowMs = START_MS) =>
    authenticator.sign({ method: "POST", url: "http://bedrock.test/", headers: new Headers() }, nowMs);
  return {
    keys,
    skews,
    sign,
    /** Signs a request and has it refused. */
    async refuse(headers: Record<string, string>, nowMs = START_MS): Promise<boolean | undefined> {
      const refusal: Refusal = { headers: new Headers(headers), sent: await sign(nowMs), nowMs };
      return await authenticator.recover?.(refusal);
    },
    recover: (refusal: Refusal) => authenticator.recover?.(refusal),
  };
}

const EXPIRED = { "x-amzn-errortype": "ExpiredTokenException:http://internal.amazon.com/coral/" };

Deno.test("requests are signed with the current key pair", async () => {
  const { keys, sign } = setUp();
  match((await sign()).get("authorization") ?? "", /Credential=A\//);
  keys.pair = keyPair("B");
  const headers = await sign();
  match(headers.get("authorization") ?? "", /Credential=B\//);
  equal(headers.get("x-amz-security-token"), null);
});

Deno.test("a pair refused as expired is renewed, and the request may be sent again if there is another", async () => {
  for (
    const name of [
      "ExpiredTokenException",
      "ExpiredToken",
      "UnrecognizedClientException",
      "InvalidClientTokenId",
    ]
  ) {
    for (const isRenewed of [true, false]) {
      const { keys, refuse } = setUp();
      keys.isRenewed = isRenewed;
      equal(await refuse({ "x-amzn-errortype": name }), isRenewed);
      deepEqual(keys.renewals, ["A"]);
    }
  }
});

Deno.test("a request sent while the pair was renewed is sent again without another renewal", async () => {
  const { keys, sign, recover } = setUp();
  const sent = await sign();
  keys.pair = keyPair("B", START_MS + 60 * MINUTE);
  await sign();
  equal(await recover({ headers: new Headers(EXPIRED), sent, nowMs: START_MS }), true);
  deepEqual(keys.renewals, []);
});

Deno.test("of two requests signed with a pair that was replaced, both are sent again, and one renews it", async () => {
  const { keys, sign, recover } = setUp(keyPair("A"));
  const [first, second] = [await sign(), await sign()];
  equal(await recover({ headers: new Headers(EXPIRED), sent: first, nowMs: START_MS }), true);
  keys.pair = keyPair("B");
  await sign();
  keys.isRenewed = false;
  equal(await recover({ headers: new Headers(EXPIRED), sent: second, nowMs: START_MS }), true);
  deepEqual(keys.renewals, ["A"]);
});

Deno.test("other refusals are not recoverable", async () => {
  const { keys, refuse, skews } = setUp();
  const date = new Date(START_MS).toUTCString();
  const hourLater = new Date(START_MS + 60 * MINUTE).toUTCString();
  for (
    const headers of [
      { "x-amzn-errortype": "AccessDeniedException", date: hourLater },
      { "x-amzn-errortype": "ValidationException", date: hourLater },
      { "x-amzn-errortype": "InvalidSignatureException", date },
      { "x-amzn-errortype": "InvalidSignatureException", date: "yesterday" },
      { "x-amzn-errortype": "InvalidSignatureException" },
      {},
    ]
  ) equal(await refuse(headers as Record<string, string>), false, JSON.stringify(headers));
  deepEqual([keys.renewals, skews], [[], []]);
});

Deno.test("after a refusal for clock skew, requests are signed with AWS's time", async () => {
  for (const hours of [1, -1]) {
    const { refuse, sign, skews } = setUp();
    const date = new Date(START_MS + hours * 60 * MINUTE).toUTCString();
    equal(await refuse({ "x-amzn-errortype": "InvalidSignatureException", date }), true);
    deepEqual(skews, [hours * 60 * MINUTE]);
    equal((await sign()).get("x-amz-date"), hours > 0 ? "20261120T100000Z" : "20261120T080000Z");
    // The clock is now right, so the refusal has another reason.
    equal(await refuse({ "x-amzn-errortype": "InvalidSignatureException", date }), false);
  }
});

Deno.test("of two requests refused for clock skew, both are sent again, and the skew is reported once", async () => {
  const { sign, recover, skews } = setUp();
  const headers = new Headers({
    "x-amzn-errortype": "InvalidSignatureException",
    date: new Date(START_MS + 60 * MINUTE).toUTCString(),
  });
  const [first, second] = [await sign(), await sign()];
  equal(await recover({ headers, sent: first, nowMs: START_MS }), true);
  equal(await recover({ headers, sent: second, nowMs: START_MS }), true);
  deepEqual(skews, [60 * MINUTE]);
});
