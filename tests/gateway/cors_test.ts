/** Cross-origin requests, which only configured origins can make. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { startGateway } from "../fakes/gateway.ts";
import { readRepositoryFile, repositoryFiles } from "../meta/sources.ts";
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

Deno.test("an allowed origin can read answers and errors with their headers", async () => {
  const gateway = allowing(PAGE);
  for (const headers of [{ origin: PAGE }, { origin: PAGE, ...KEY }]) {
    const answer = await gateway.send("/v1/models", { method: "GET", headers }).response;
    equal(answer.headers.get("access-control-allow-origin"), PAGE);
    match(answer.headers.get("access-control-expose-headers") ?? "", /\bx-request-id\b/);
  }
});

/** Headers that clients of OpenAI, Anthropic or AWS act on, in addition to those found in the sources. */
const READ_BY_CLIENTS = [
  ...["request-id", "retry-after", "retry-after-ms", "x-request-id", "x-should-retry"],
  ...["x-amzn-errortype", "x-amzn-requestid", "x-amzn-bedrock-input-token-count"],
  ...["x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests"],
  ...["anthropic-ratelimit-requests-limit", "anthropic-ratelimit-input-tokens-reset"],
];

Deno.test("pages can read all of Adit's own headers and those that clients act on", async () => {
  const { response } = allowing("*").send("/v1/models", { method: "GET", headers: { origin: PAGE, ...KEY } });
  const exposed = (await response).headers.get("access-control-expose-headers")?.split(", ") ?? [];
  const own = new Set(READ_BY_CLIENTS);
  const sources = (await repositoryFiles()).filter((path) => /^lib\/(?:gateway|endpoints|wire)\//.test(path));
  for (const file of sources) {
    for (const [, name = ""] of readRepositoryFile(file).matchAll(/"((?:x-adit|cf-aig)-[a-z]+)"/g)) {
      own.add(name);
    }
  }
  ok(own.size > READ_BY_CLIENTS.length + 10);
  deepEqual([...own].filter((name) => !exposed.includes(name)), []);
});

Deno.test("other origins get no CORS headers, and without the setting no origin does", async () => {
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
    // A shared cache must not serve a page the answer for another origin or for none.
    const varies = gateway.pipeline.snapshot.cors === undefined ? null : "Origin";
    deepEqual([preflight.headers.get("vary"), answer.headers.get("vary")], [varies, varies]);
    deepEqual(
      [...preflight.headers.keys(), ...answer.headers.keys()].filter((name) => name.startsWith("access-")),
      [],
    );
  }
});
