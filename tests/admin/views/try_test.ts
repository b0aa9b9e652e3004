/** Requests that are tried from the page. */

import { deepEqual, equal, match } from "node:assert/strict";

import type { TryView } from "../../../lib/admin/contract/contract.ts";
import type { TrySource } from "../../../lib/admin/views/view_sources.ts";
import { AditError } from "../../../lib/base/errors.ts";
import { viewWorld } from "./world.ts";

const SECRET = "adit_very-secret-caller-key";
const JSON_TYPE = { "content-type": "application/json" };
const CHAT = { path: "/v1/chat/completions?a=b", key: SECRET, body: { model: "haiku" } };

function tryWorld(send: TrySource["send"], readBody?: TrySource["readBody"]) {
  return viewWorld({
    trying: {
      readBody: readBody ?? (async (request) => new Uint8Array(await request.arrayBuffer())),
      maxBodyBytes: 1024,
      send,
    },
  });
}

Deno.test("a request goes to the gateway as the caller's own, and the answer comes back byte by byte", async () => {
  const seen: unknown[] = [];
  let stream: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  const { send } = tryWorld(async (request, { target, remoteAddress }) => {
    const { method, headers } = request;
    seen.push([method, target, remoteAddress, headers.get("authorization"), await request.json()]);
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => void (stream = controller),
    });
    return new Response(body, { status: 202, headers: { "content-type": "text/html", "x-adit-cost": "1" } });
  });
  const response = await send("POST /admin/v1/try", { headers: JSON_TYPE, body: CHAT });
  deepEqual(seen, [["POST", CHAT.path, "127.0.0.1", `Bearer ${SECRET}`, CHAT.body]]);
  equal(response.status, 202);
  deepEqual(
    ["x-adit-try", "x-adit-cost", "x-content-type-options", "content-security-policy", "cache-control"].map((
      name,
    ) => response.headers.get(name)),
    ["answered", "1", "nosniff", "default-src 'none'; sandbox", "no-store"],
  );
  const reader = response.body?.getReader();
  for (const text of ["one", "two"]) {
    stream?.enqueue(new TextEncoder().encode(text));
    equal(new TextDecoder().decode((await reader?.read())?.value), text);
  }
  stream?.close();
  equal((await reader?.read())?.done, true);
});

Deno.test("a viewer that leaves ends the request", async () => {
  let reason: unknown;
  const { send } = tryWorld(() =>
    Promise.resolve(new Response(new ReadableStream({ cancel: (why) => void (reason = why) })))
  );
  const response = await send("POST /admin/v1/try", { headers: JSON_TYPE, body: CHAT });
  await response.body?.cancel("left");
  equal(reason, "left");
});

Deno.test("requests that cannot be tried are refused without their key", async () => {
  const { send } = tryWorld(() => Promise.reject(new Error("not reached")));
  const cases: readonly (readonly [headers: Record<string, string>, body: unknown, message: RegExp])[] = [
    [{ "content-type": "text/plain" }, CHAT, /expected content-type: application\/json/],
    [{ "content-type": "application/jsonx" }, CHAT, /content-type/],
    [JSON_TYPE, "[]", /expected|object/],
    [JSON_TYPE, { ...CHAT, path: "https://evil.test/" }, /^path: expected a path/],
    [JSON_TYPE, { ...CHAT, path: "/a b" }, /^path: /],
    [JSON_TYPE, { ...CHAT, key: `${SECRET}\nx: y` }, /^key: expected a caller key$/],
    [JSON_TYPE, { ...CHAT, key: 5 }, /^key: /],
    [JSON_TYPE, { ...CHAT, method: "DELETE" }, /^method: expected GET or POST$/],
  ];
  for (const [headers, body, message] of cases) {
    const response = await send("POST /admin/v1/try", { headers, body });
    const text = await response.text();
    equal(response.status, 400, text);
    match(JSON.parse(text).error, message);
    equal(text.includes(SECRET), false);
    equal(response.headers.has("x-adit-try"), false);
  }
});

Deno.test("a body that is too large is refused", async () => {
  const { send } = tryWorld(
    () => Promise.reject(new Error("not reached")),
    () => Promise.reject(new AditError("body_too_large", "the body is too large")),
  );
  equal((await send("POST /admin/v1/try", { headers: JSON_TYPE, body: CHAT })).status, 413);
});

Deno.test("GET has no body, and an answer without one is passed on", async () => {
  const { send } = tryWorld((request) => {
    deepEqual([request.method, request.body], ["GET", null]);
    return Promise.resolve(new Response(null, { status: 204 }));
  });
  const body = { path: "/v1/models", method: "GET", key: SECRET, body: {} };
  equal((await send("POST /admin/v1/try", { headers: JSON_TYPE, body })).status, 204);
});

Deno.test("only a few are tried at once, and each that ends makes room", async () => {
  const { send } = tryWorld(() => Promise.resolve(new Response(new ReadableStream())));
  const attempt = () => send("POST /admin/v1/try", { headers: JSON_TYPE, body: CHAT });
  const open = await Promise.all(Array.from({ length: 8 }, attempt));
  equal((await attempt()).status, 429);
  await open[0]?.body?.cancel();
  equal((await attempt()).status, 200);
});

Deno.test("the form has what the model can do, each with a body to begin with", async () => {
  const { get } = viewWorld();
  const own: TryView = await get("/admin/v1/try?model=haiku");
  deepEqual(own.forms.map(({ path, stream_path }) => [path, stream_path]), [
    ["/v1/chat/completions", "/v1/chat/completions"],
    ["/model/haiku/converse", "/model/haiku/converse-stream"],
  ]);
  deepEqual(own.addresses, ["http://127.0.0.1:8080"]);
  const all: TryView = await get("/admin/v1/try");
  equal(all.forms.length, 6);
});
