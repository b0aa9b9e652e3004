/** The admin listener's routes. */

import { deepEqual, equal } from "node:assert/strict";
import { createHash } from "node:crypto";

import { type AdminAccess, type AdminControl, adminHandler } from "../../lib/admin/admin.ts";

const LOCAL: AdminAccess = { onNetwork: false, adminKeyHash: undefined, metricsKeyHash: undefined };

interface Sent {
  readonly control?: Partial<AdminControl>;
  readonly headers?: Record<string, string>;
  readonly remoteAddress?: string;
  readonly url?: string;
}

async function send(
  request: string,
  { control = {}, headers = {}, remoteAddress = "127.0.0.1", url = "http://127.0.0.1:9090/" }: Sent = {},
) {
  const [method = "", target = ""] = request.split(" ");
  const handle = adminHandler({
    access: () => LOCAL,
    isReady: () => true,
    status: () => ({ version: "1" }),
    reload: () => Promise.resolve([]),
    metrics: () => Promise.resolve("adit_in_flight 0\n"),
    api: () => Promise.resolve(() => undefined),
    ...control,
  });
  const answer = await handle(new Request(url, { method, headers }), {
    target,
    clientGone: new AbortController().signal,
    truncatesStreams: false,
    remoteAddress,
  });
  equal(answer.headers.get("content-type"), "application/json");
  equal(answer.headers.get("cache-control"), "no-store");
  equal(answer.headers.has("allow"), answer.status === 405);
  return { status: answer.status, body: await answer.json() };
}

const PROBLEMS = ["adit.yaml:3:1: models.fast: unknown provider"];
const throwing = (message: string) => () => {
  throw new Error(message);
};

const CASES:
  readonly (readonly [name: string, request: string, sent: Sent, status: number, body: unknown])[] = [
    ["the process lives", "GET /healthz", {}, 200, { status: "ok" }],
    ["it lives while draining", "GET /healthz", { control: { isReady: () => false } }, 200, { status: "ok" }],
    ["it is ready", "GET /-/ready", {}, 200, { status: "ready" }],
    ["it is ready, with a query", "GET /-/ready?verbose", {}, 200, { status: "ready" }],
    ["it is not ready while draining", "GET /-/ready", { control: { isReady: () => false } }, 503, {
      status: "draining",
    }],
    ["its status is given as JSON", "GET /-/status", {}, 200, { version: "1" }],
    ["a good configuration is taken", "POST /-/reload", {}, 200, { status: "reloaded" }],
    [
      "a bad one is refused, with every problem",
      "POST /-/reload",
      {
        control: { reload: () => Promise.resolve(PROBLEMS) },
      },
      422,
      { status: "rejected; the running configuration stays in use", problems: PROBLEMS },
    ],
    [
      "a reload that fails is an answer",
      "POST /-/reload",
      {
        control: { reload: () => Promise.reject(new Error("EIO")) },
      },
      500,
      { error: "the admin request failed: EIO" },
    ],
    ["a status that fails is an answer", "GET /-/status", { control: { status: throwing("bug") } }, 500, {
      error: "the admin request failed: bug",
    }],
    ["reload is not for GET", "GET /-/reload", {}, 405, { error: "allowed methods: POST" }],
    ["nothing else is there", "GET /nothing", {}, 404, { error: "unknown admin route /nothing" }],
    ["nor under names of objects", "GET /constructor", {}, 404, {
      error: "unknown admin route /constructor",
    }],
  ];

for (const [name, request, sent, status, body] of CASES) {
  Deno.test(`${request}: ${name}`, async () => deepEqual(await send(request, sent), { status, body }));
}

const FROM_PAGES: readonly Record<string, string>[] = [
  { "origin": "https://evil.test" },
  { "origin": "null" },
  { "origin": "http://localhost:3000" },
  { "origin": "evil.test" },
  { "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "same-site" },
];

for (const headers of FROM_PAGES) {
  Deno.test(`a request from a web page, known by ${JSON.stringify(headers)}, does nothing`, async () => {
    let reloads = 0;
    const control = {
      reload: () => {
        reloads++;
        return Promise.resolve([]);
      },
    };
    const { status } = await send("POST /-/reload", { control, headers });
    deepEqual([status, reloads], [403, 0]);
  });
}

Deno.test("a page that an operator opens by hand is served", async () => {
  equal((await send("GET /-/status", { headers: { "sec-fetch-site": "none" } })).status, 200);
});

const LOCAL_CLIENT = "127.0.0.1";
const HOSTS: readonly (readonly [host: string, remoteAddress: string, status: number])[] = [
  ["evil.test", LOCAL_CLIENT, 403],
  ["evil.test:9090", "::1", 403],
  ["evil.test", "::ffff:127.0.0.1", 403],
  ["127.0.0.1.evil.test:9090", LOCAL_CLIENT, 403],
  ["localhost.evil.test", LOCAL_CLIENT, 403],
  ["127.0.0.1:9090", LOCAL_CLIENT, 200],
  ["[::1]:9090", "::1", 200],
  ["[::ffff:127.0.0.1]", LOCAL_CLIENT, 200],
  ["localhost:9090", LOCAL_CLIENT, 200],
  ["adit.localhost", LOCAL_CLIENT, 200],
  ["gateway:9090", LOCAL_CLIENT, 200],
  ["adit.monitoring.svc:9090", "10.0.0.7", 200],
  ["adit.test", "", 200],
];

for (const [host, remoteAddress, expected] of HOSTS) {
  Deno.test(`a request to "${host}" from "${remoteAddress}" is answered with ${expected}`, async () => {
    equal((await send("GET /-/status", { headers: { host }, remoteAddress })).status, expected);
    // Over HTTP/2, the host is only in the URL.
    equal((await send("GET /-/status", { url: `http://${host}/`, remoteAddress })).status, expected);
  });
}

Deno.test("the listener's own page may send requests", async () => {
  const headers = {
    origin: "http://localhost:9090",
    host: "localhost:9090",
    "sec-fetch-site": "same-origin",
  };
  equal((await send("POST /-/reload", { headers })).status, 200);
});

const KEY = "operator-key";
const OTHER_KEY = "another-key";
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const hashOf = (key: string) => createHash("sha256").update(key).digest("hex");
const ON_NETWORK: AdminAccess = {
  onNetwork: true,
  adminKeyHash: hashOf(KEY),
  metricsKeyHash: hashOf("read"),
};

const ON_NETWORK_CASES:
  readonly (readonly [request: string, headers: Record<string, string>, status: number])[] = [
    ["GET /healthz", {}, 200],
    ["GET /-/ready", {}, 200],
    ["GET /-/status", {}, 401],
    ["GET /-/status", bearer(OTHER_KEY), 401],
    ["GET /-/status", bearer("read"), 401],
    ["GET /-/status", bearer(KEY), 200],
    ["POST /-/reload", {}, 401],
    ["POST /-/reload", bearer(KEY), 200],
    ["GET /nothing", {}, 401],
    ["GET /nothing", bearer(KEY), 404],
    ["GET /admin/v1/models", {}, 401],
  ];

for (const [request, headers, status] of ON_NETWORK_CASES) {
  const sent = headers["authorization"] ?? "no key";
  Deno.test(`on the network, ${request} with ${sent} is answered with ${status}`, async () => {
    const control = { access: () => ON_NETWORK };
    equal((await send(request, { control, headers, remoteAddress: "10.0.0.7" })).status, status);
  });
}

Deno.test("on the network without a key, only health and readiness are served", async () => {
  const control = { access: () => ({ ...ON_NETWORK, adminKeyHash: undefined }) };
  const statuses = await Promise.all(
    ["GET /healthz", "GET /-/ready", "GET /-/status", "POST /-/reload", "GET /admin/v1/models"].map(
      async (request) => (await send(request, { control, headers: bearer(KEY) })).status,
    ),
  );
  deepEqual(statuses, [200, 200, 403, 403, 403]);
});

const METRICS_CASES: readonly (readonly [access: Partial<AdminAccess>, key: string, status: number])[] = [
  [{ onNetwork: false }, "", 200],
  [{}, "", 401],
  [{}, OTHER_KEY, 401],
  [{}, "read", 200],
  [{}, KEY, 200],
  [{ adminKeyHash: undefined }, "read", 200],
  [{ metricsKeyHash: undefined }, "read", 401],
  [{ adminKeyHash: undefined, metricsKeyHash: undefined }, "read", 403],
];

for (const [access, key, status] of METRICS_CASES) {
  Deno.test(`metrics for "${key}" where ${JSON.stringify(access)} are answered with ${status}`, async () => {
    const handle = adminHandler({
      access: () => ({ ...ON_NETWORK, ...access }),
      isReady: () => true,
      status: () => ({}),
      reload: () => Promise.resolve([]),
      metrics: () => Promise.resolve("adit_in_flight 0\n"),
      api: () => Promise.resolve(() => undefined),
    });
    const request = new Request("http://localhost:9090/", { headers: key === "" ? {} : bearer(key) });
    const answer = await handle(request, {
      target: "/metrics",
      clientGone: new AbortController().signal,
      truncatesStreams: false,
      remoteAddress: "10.0.0.7",
    });
    equal(answer.status, status);
    if (status === 200) equal(await answer.text(), "adit_in_flight 0\n");
  });
}
