/**
 * The admin listener with TLS: on the network all paths but two need a key, and HTTP/2 has the same checks as HTTP/1.1.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { request as requestHttps } from "node:https";
import { PAGE_PATHS } from "../../lib/admin/page_answer.ts";
import { type Certificate, selfSignedCertificate } from "../fakes/certificate.ts";
import { emulatorConfig, keyHash, tlsConfig } from "./configs.ts";
import { forEachRuntime, type Program, type RuntimeName, startProgram } from "./program.ts";

const ADMIN_KEY = "adit-admin-key-0123456789";
const WITH_KEY = { authorization: `Bearer ${ADMIN_KEY}` };
const AS_PASSWORD = { authorization: `Basic ${btoa(`operator:${ADMIN_KEY}`)}` };

/** The data of the operator's page. */
const VIEWS = ["now", "recent", "failures", "limits", "catalog", "configuration", "try", "log"];

function start(runtime: RuntimeName, tls: Certificate, address: string): Promise<Program> {
  const admin = `admin: "${address}"\nadmin_api: { key: "${keyHash(ADMIN_KEY)}" }\n`;
  return startProgram(runtime, admin + emulatorConfig({}, tlsConfig(tls, "admin_tls")));
}

/** Status of one HTTP/1.1 request over TLS. */
async function statusOf(
  program: Program,
  { certificate }: Certificate,
  { method, path, headers = {} }: { method: string; path: string; headers?: Record<string, string> },
): Promise<number | undefined> {
  const port = new URL(program.adminUrl).port;
  const sent = requestHttps({
    host: "localhost",
    port,
    method,
    path,
    headers,
    ca: certificate,
    agent: false,
  });
  sent.end();
  const [answer] = await once(sent, "response");
  answer.resume();
  await once(answer, "end");
  return answer.statusCode;
}

forEachRuntime(
  "on the network, everything but health and readiness needs the key",
  async (runtime) => {
    const tls = selfSignedCertificate();
    await using program = await start(runtime, tls, "0.0.0.0:0");
    assert.match(program.adminUrl, /^https:/);
    const status = (method: string, path: string, headers = {}) =>
      statusOf(program, tls, { method, path, headers });
    assert.equal(await status("GET", "/healthz"), 200);
    assert.equal(await status("GET", "/-/ready"), 200);
    for (const path of PAGE_PATHS) {
      assert.equal(await status("GET", path), 401, path);
      assert.equal(await status("GET", path, WITH_KEY), 200, path);
      assert.equal(await status("GET", path, AS_PASSWORD), 200, path);
    }
    assert.equal(await status("GET", "/-/status"), 401);
    assert.equal(await status("POST", "/-/reload"), 401);
    assert.equal(await status("GET", "/admin/v1/models"), 401);
    for (const view of VIEWS) {
      assert.equal(await status("GET", `/admin/v1/${view}`), 401, view);
      assert.equal(await status("GET", `/admin/v1/${view}`, WITH_KEY), 200, view);
    }
    assert.equal(await status("POST", "/admin/v1/try"), 401);
    assert.equal(await status("POST", "/admin/v1/try", WITH_KEY), 400, "without a body");
    assert.equal(await status("GET", "/-/status", WITH_KEY), 200);
    assert.equal(await status("POST", "/-/reload", WITH_KEY), 200);
    assert.equal(await status("GET", "/admin/v1/models", WITH_KEY), 200);
  },
);

async function http2Status(session: ClientHttp2Session, headers: Record<string, string>): Promise<unknown> {
  const stream = session.request({ ":path": "/-/status", ...headers });
  const [answer] = await once(stream, "response");
  stream.resume();
  await once(stream, "end");
  return answer[":status"];
}

forEachRuntime("on the network, HTTP/2 has the same checks of the key", async (runtime) => {
  const tls = selfSignedCertificate();
  await using program = await start(runtime, tls, "0.0.0.0:0");
  const session = connect(`https://localhost:${new URL(program.adminUrl).port}`, { ca: tls.certificate });
  for (const path of [...PAGE_PATHS, "/-/status", "/metrics", "/admin/v1/now"]) {
    const status = (headers: Record<string, string>) => http2Status(session, { ":path": path, ...headers });
    assert.equal(await status({}), 401, path);
    assert.equal(await status(WITH_KEY), 200, path);
    assert.equal(await status(AS_PASSWORD), 200, path);
    assert.equal(await status({ ...AS_PASSWORD, "sec-fetch-site": "same-site" }), 403, path);
  }
  const reload = { ":method": "POST", ":path": "/-/reload", ...AS_PASSWORD };
  assert.equal(await http2Status(session, reload), 401);
  assert.equal(await http2Status(session, { ...reload, origin: "https://evil.test" }), 403);
  session.close();
  await once(session, "close");
});

forEachRuntime("on loopback, HTTP/2 has the same checks of Host and Origin", async (runtime) => {
  const tls = selfSignedCertificate();
  await using program = await start(runtime, tls, "127.0.0.1:0");
  const session = connect(`https://localhost:${new URL(program.adminUrl).port}`, { ca: tls.certificate });
  const statuses = [];
  for (
    const headers of [
      {},
      { ":authority": "evil.test" },
      { origin: "https://evil.test" },
      { "sec-fetch-site": "cross-site" },
    ]
  ) {
    statuses.push(await http2Status(session, headers));
  }
  assert.deepEqual([session.alpnProtocol, ...statuses], ["h2", 200, 401, 403, 403]);
  const data = { ":path": "/admin/v1/now", accept: "text/event-stream" };
  assert.equal(await http2Status(session, { ...data, ":authority": "evil.test" }), 401);
  assert.equal(await http2Status(session, { ...WITH_KEY, ...data, origin: "https://evil.test" }), 403);
  assert.equal(await http2Status(session, data), 401);
  session.close();
  await once(session, "close");
});
