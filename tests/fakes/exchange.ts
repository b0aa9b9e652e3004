/** Exchanges without a socket and without real time. */

import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { Exchange, type ExchangeOptions } from "../../lib/providers/transport/exchange.ts";
import { scriptedFetch } from "./fetch.ts";
import { TIMEOUTS } from "./snapshot.ts";
import { fakeTime, START_MS } from "./time.ts";

/** An exchange that has begun, with an upstream and a clock for the test. */
export function startExchange(overrides: Partial<ExchangeOptions> = {}) {
  const time = fakeTime();
  const upstream = scriptedFetch();
  const exchange = new Exchange({
    method: "POST",
    url: "http://upstream.test/model/m/converse",
    headers: new Headers({ "content-type": "application/json" }),
    body: encodeUtf8("{}"),
  }, {
    sign: (request) =>
      Promise.resolve(new Headers({ ...Object.fromEntries(request.headers), signed: "yes" })),
    fetch: upstream.fetch,
    timers: time.timers,
    timeouts: TIMEOUTS,
    nowMs: START_MS,
    probe: () => Promise.resolve(true),
    ...overrides,
  });
  return { exchange, upstream, ...time };
}
