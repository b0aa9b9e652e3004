/** Who may ask the admin listener from elsewhere: with which key, through which browser, under which name. */

import { deepEqual, equal, match } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

import { type AdminAccess, adminHandler } from "../../lib/admin/admin.ts";
import { PAGE_PATHS } from "../../lib/admin/page_answer.ts";

const KEY = "operator:key-with-a-colon";
const hashOf = (key: string) => createHash("sha256").update(key).digest("hex");
const ACCESS: AdminAccess = {
  onNetwork: true,
  adminKeyHash: hashOf(KEY),
  metricsKeyHash: hashOf("read"),
};
const LOCAL: AdminAccess = { ...ACCESS, onNetwork: false };

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const basic = (password: string, name = "") => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`,
});

interface Sent {
  readonly access?: AdminAccess;
  readonly headers?: Record<string, string>;
  readonly remoteAddress?: string;
}

let reloads = 0;

async function send(
  request: string,
  { access = ACCESS, headers = {}, remoteAddress = "10.0.0.7" }: Sent = {},
): Promise<Response> {
  const [method = "", target = ""] = request.split(" ");
  const handle = adminHandler({
    access: () => access,
    isReady: () => true,
    status: () => ({ version: "1" }),
    reload: () => {
      reloads++;
      return Promise.resolve([]);
    },
    metrics: () => Promise.resolve("adit_in_flight 0\n"),
    api: () => Promise.resolve(() => undefined),
  });
  const url = "https://adit.test:9090/";
  const response = await handle(
    new Request(url, { method, headers: { host: "adit.test:9090", ...headers } }),
    { target, clientGone: new AbortController().signal, truncatesStreams: false, remoteAddress },
  );
  const copy = response.clone();
  await response.bytes();
  return copy;
}

async function statusOf(request: string, sent: Sent = {}): Promise<number> {
  return (await send(request, sent)).status;
}

for (const path of PAGE_PATHS) {
  Deno.test(`on the network, ${path} is not even confirmed without the key`, async () => {
    equal(await statusOf(`GET ${path}`), 401);
    equal(await statusOf(`HEAD ${path}`), 401);
    equal(await statusOf(`GET ${path}`, { headers: bearer("read") }), 401);
    equal(await statusOf(`GET ${path}`, { access: { ...ACCESS, adminKeyHash: undefined } }), 403);
    const response = await send(`GET ${path}`, { headers: bearer(KEY) });
    equal(response.status, 200);
    const again = { ...bearer(KEY), "if-none-match": response.headers.get("etag") ?? "" };
    equal(await statusOf(`GET ${path}`, { headers: again }), 304);
    equal(await statusOf(`GET ${path}`, { headers: { ...again, ...bearer("another") } }), 401);
  });
}

Deno.test("the key is also accepted as the password of HTTP Basic, whatever the name", async () => {
  for (
    const headers of [basic(KEY), basic(KEY, "operator"), {
      authorization: basic(KEY).authorization.replace("Basic", "bAsIc"),
    }]
  ) {
    equal(await statusOf("GET /-/status", { headers }), 200);
  }
  for (
    const authorization of [
      basic("another").authorization,
      basic("", KEY).authorization,
      basic("read").authorization,
      `Basic ${KEY}`,
      `Basic ${Buffer.from(KEY.replace(":", "")).toString("base64")}`,
      "Basic",
      "Basic ====",
      `Digest ${Buffer.from(`:${KEY}`).toString("base64")}`,
    ]
  ) {
    equal(await statusOf("GET /-/status", { headers: { authorization } }), 401, authorization);
  }
  equal(await statusOf("GET /metrics", { headers: basic("read", "prometheus") }), 200);
});

Deno.test("a key that a browser adds by itself changes nothing, unless our own page asks", async () => {
  reloads = 0;
  equal(await statusOf("POST /-/reload", { headers: basic(KEY) }), 401);
  for (const origin of ["https://evil.test", "null", "https://adit.test", "http://adit.test:9091"]) {
    equal(await statusOf("POST /-/reload", { headers: { ...basic(KEY), origin } }), 403, origin);
  }
  equal(reloads, 0);
  const headers = { ...basic(KEY), origin: "https://adit.test:9090", "sec-fetch-site": "same-origin" };
  equal(await statusOf("POST /-/reload", { headers }), 200);
  equal(reloads, 1);
});

Deno.test("a refusal names HTTP Basic only where it would be accepted", async () => {
  const error = async (request: string, headers: Record<string, string> = {}) =>
    (await (await send(request, { headers })).json()).error;
  const both = "send the admin API key as a bearer token, or as the password of HTTP Basic";
  equal(await error("GET /-/status"), both);
  equal(await error("POST /-/reload", { origin: "https://adit.test:9090" }), both);
  equal(await error("POST /-/reload", basic(KEY)), "send the admin API key as a bearer token");
});

Deno.test("other sites get nothing with the key that the browser adds, not even whether it is right", async () => {
  for (const site of ["cross-site", "same-site"]) {
    for (const path of ["/", "/page/page.js", "/admin/v1/now", "/metrics", "/-/status"]) {
      for (const key of [KEY, "another"]) {
        const headers = { ...basic(key), "sec-fetch-site": site, "sec-fetch-mode": "no-cors" };
        equal(await statusOf(`GET ${path}`, { headers }), 403, `${site} ${path}`);
      }
    }
  }
});

Deno.test("a link on another site leads to the page, and to nothing else", async () => {
  const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  equal(await statusOf("GET /", { headers: { ...basic(KEY), ...link } }), 200);
  equal(await statusOf("GET /", { headers: link }), 401);
  equal(await statusOf("GET /", { headers: { ...link, "sec-fetch-dest": "iframe" } }), 403);
  equal(await statusOf("GET /-/status", { headers: { ...basic(KEY), ...link } }), 403);
  equal(await statusOf("POST /", { headers: { ...basic(KEY), ...link } }), 403);
});

Deno.test("a browser asks its user for the key when a page is opened, and never because of a script", async () => {
  const challenge = async (request: string, headers: Record<string, string>) =>
    (await send(request, { headers })).headers.get("www-authenticate") ?? "";
  const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
  for (const path of ["/", "/-/status", "/admin/v1/now", "/nothing"]) {
    match(await challenge(`GET ${path}`, html), /^Basic realm="[^"]+", charset="UTF-8"$/);
    match(await challenge(`GET ${path}`, { ...html, "sec-fetch-dest": "document" }), /^Basic /);
    equal(await challenge(`GET ${path}`, {}), "Bearer");
    equal(await challenge(`GET ${path}`, { ...html, "sec-fetch-dest": "empty" }), "Bearer");
  }
  // With a name and password in the page's own address, Chromium waits to be asked for each file.
  match(await challenge("GET /page/page.css", { accept: "text/css", "sec-fetch-dest": "style" }), /^Basic /);
});

Deno.test("no answer can be shown in a frame, loaded as a script, or taken for another type", async () => {
  const requests = [
    "GET /healthz",
    "GET /-/status",
    "GET /metrics",
    "GET /",
    "GET /nothing",
    "POST /-/reload",
  ];
  for (const request of requests) {
    for (const headers of [{}, bearer(KEY), { origin: "https://evil.test" }]) {
      const answer = await send(request, { headers });
      match(answer.headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/, request);
      equal(answer.headers.get("cross-origin-resource-policy"), "same-origin", request);
      equal(answer.headers.get("x-content-type-options"), "nosniff", request);
    }
  }
});

Deno.test("on this host, a name that a stranger may own needs the key", async () => {
  const from = (access: AdminAccess, headers: Record<string, string> = {}): Sent => ({
    access,
    headers,
    remoteAddress: "127.0.0.1",
  });
  const statuses = async (sent: Sent) =>
    await Promise.all(
      ["/healthz", "/", "/-/status", "/metrics"].map((path) => statusOf(`GET ${path}`, sent)),
    );
  deepEqual(await statuses(from({ ...LOCAL, adminKeyHash: undefined })), [403, 403, 403, 403]);
  deepEqual(await statuses(from(LOCAL)), [200, 401, 401, 401]);
  deepEqual(await statuses(from(LOCAL, basic("read"))), [200, 401, 401, 200]);
  deepEqual(await statuses(from(LOCAL, basic(KEY))), [200, 200, 200, 200]);
  deepEqual(await statuses(from(LOCAL, { host: "localhost:9090" })), [200, 200, 200, 200]);
});
