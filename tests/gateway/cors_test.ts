/** Pages of other origins: nothing unless their origin is configured. */

import { deepEqual, equal, match } from "node:assert/strict";
import { startGateway } from "../fakes/gateway.ts";
import { CHAT, CONFIG, KEY } from "./requests.ts";

const PAGE = "https://app.example.com";
const PREFLIGHT = {
  "access-control-request-method": "POST",
  "access-control-request-headers": "authorization,content-type,x-stainless-os",
};

const allowing = (...origins: string[]) => startGateway({ ...CONFIG, cors: { origins } });

Deno.test("a preflight request of an allowed origin is answered without a key", async () => {
  for (const gateway of [allowing(PAGE), allowing("https://other.example", "*")]) {
    const { response } = gateway.send(CHAT, { method: "OPTIONS", headers: { origin: PAGE, ...PREFLIGHT } });
    const answer = await response;
    equal(answer.status, 204);
    equal(answer.headers.get("access-control-allow-origin"), PAGE);
    equal(answer.headers.get("access-control-allow-headers"), PREFLIGHT["access-control-request-headers"]);
    match(answer.headers.get("access-control-allow-methods") ?? "", /POST/);
    equal(answer.headers.get("vary"), "Origin");
    equal(gateway.pipeline.inFlight, 0);
  }
});

Deno.test("answers and refusals can be read by an allowed origin, with the headers that matter", async () => {
  const gateway = allowing(PAGE);
  for (const headers of [{ origin: PAGE }, { origin: PAGE, ...KEY }]) {
    const answer = await gateway.send("/v1/models", { method: "GET", headers }).response;
    equal(answer.headers.get("access-control-allow-origin"), PAGE);
    match(answer.headers.get("access-control-expose-headers") ?? "", /\bx-request-id\b/);
  }
});

Deno.test("no other origin gets anything, and none without the setting", async () => {
  for (
    const gateway of [startGateway(CONFIG), allowing("https://app.example.org"), allowing(`${PAGE}:8443`)]
  ) {
    const preflight = await gateway.send(CHAT, {
      method: "OPTIONS",
      headers: { origin: PAGE, ...PREFLIGHT },
    }).response;
    equal(preflight.status, 401);
    const answer = await gateway.send("/v1/models", { method: "GET", headers: { origin: PAGE, ...KEY } })
      .response;
    equal(answer.status, 200);
    deepEqual(
      [...preflight.headers.keys(), ...answer.headers.keys()].filter((name) => name.startsWith("access-")),
      [],
    );
  }
});
