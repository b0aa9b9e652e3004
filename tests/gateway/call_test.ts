/** One request in hand: ended at any time, settled once, logged once. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { EMPTY } from "../../lib/base/bytes.ts";
import { AditError } from "../../lib/base/errors.ts";
import { createLogger } from "../../lib/base/log.ts";
import { Secret } from "../../lib/base/secret.ts";
import { Call } from "../../lib/gateway/call.ts";
import { ProviderCredentials } from "../../lib/providers/bedrock/provider_credentials.ts";
import { Upstream } from "../../lib/providers/upstream.ts";
import { ofKind } from "../fakes/errors.ts";
import { scriptedFetch } from "../fakes/fetch.ts";
import { provider, snapshot } from "../fakes/snapshot.ts";
import { fakeTime } from "../fakes/time.ts";

const TARGET = { provider: provider("east", "us-east-1"), modelId: "m", model: undefined };

function setUp({ path = "/v1/chat/completions" } = {}) {
  const time = fakeTime();
  const bedrock = scriptedFetch();
  let settled = 0;
  let log = "";
  const logger = createLogger((text) => {
    log += text;
    return Promise.resolve();
  }, { clock: time.clock });
  const call = new Call({
    id: "req_1",
    clock: time.clock,
    logger,
    upstream: new Upstream({
      ...time,
      credentials: new ProviderCredentials({ ...time, logger }),
      fetch: bedrock.fetch,
      emulator: { fetch: bedrock.fetch, accessKeyId: "E", secretAccessKey: new Secret("s") },
      probe: undefined,
      userAgent: "adit/test",
    }),
    snapshot: snapshot(),
    method: "POST",
    path,
    dialect: "openai",
    remoteAddress: "192.0.2.7",
    onSettled: () => settled++,
  });
  return {
    ...time,
    bedrock,
    call,
    open: () => call.open(TARGET, { operation: "converse", body: EMPTY, headers: new Headers() }),
    settledTimes: () => settled,
    async lines(): Promise<Record<string, unknown>[]> {
      await logger.flush();
      return log.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    },
  };
}

Deno.test("a call is settled once; what comes later changes nothing", async () => {
  const { call, settledTimes, lines } = setUp();
  call.settle(new AditError("rate_limited"), 429);
  call.settle();
  call.end(new AditError("draining"));
  equal(settledTimes(), 1);
  deepEqual((await lines()).map(({ status, error }) => [status, error]), [[429, "rate_limited"]]);
});

Deno.test("a call that was ended opens nothing any more", () => {
  const { call, open, timers } = setUp();
  call.end(new AditError("client_gone"));
  call.end(new AditError("draining"));
  throws(open, ofKind("client_gone"));
  equal(timers.size, 0);
});

Deno.test("a call that is ended ends its exchange", async () => {
  const { call, open } = setUp();
  const exchange = open();
  call.end(new AditError("draining"));
  await rejects(exchange.head(), ofKind("draining"));
});

Deno.test("a call that fails leaves no exchange open, whoever has forgotten it", async () => {
  const { call, open, bedrock, timers } = setUp();
  const exchange = open();
  (await bedrock.call(0)).answer(200);
  await exchange.head();
  call.settle(new AditError("internal"), 500);
  equal(timers.size, 0);
  equal((await bedrock.call(0)).init.signal.aborted, true);
});

Deno.test("the first byte counts from the beginning, and only once", async () => {
  const { call, advance, lines } = setUp();
  advance(40);
  call.began(200);
  advance(60);
  call.began(200);
  call.settle();
  const [line] = await lines();
  deepEqual([line?.["first_byte_ms"], line?.["duration_ms"]], [40, 100]);
});

Deno.test("a long path is cut short in the log", async () => {
  const { call, lines } = setUp({ path: `/${"x".repeat(10_000)}` });
  call.settle();
  ok(String((await lines())[0]?.["path"]).length <= 256);
});

Deno.test("the line has the level of its error, and what lies behind it", async () => {
  const { call, lines } = setUp();
  call.settle(
    new AditError("upstream_unreachable", undefined, { cause: new TypeError("connection refused") }),
    502,
  );
  const [line] = await lines();
  deepEqual([line?.["level"], line?.["cause"]], ["warn", "TypeError: connection refused"]);
});

Deno.test("the log names what lies behind a cause, too", async () => {
  const { call, lines } = setUp();
  const refused = new Error("connection refused");
  call.settle(
    new AditError("upstream_unreachable", undefined, {
      cause: new TypeError("fetch failed", { cause: refused }),
    }),
    502,
  );
  const [line] = await lines();
  equal(line?.["cause"], "TypeError: fetch failed: Error: connection refused");
});
