/** The admin API in front of real files. */

import { deepEqual, equal, match, notEqual } from "node:assert/strict";

import { adminApi } from "../../lib/admin/api.ts";
import { sha256Hex } from "../../lib/base/hash.ts";
import { AditError } from "../../lib/base/errors.ts";
import { ConfigEntries } from "../../lib/config/edit/entries.ts";
import { readFile } from "../../lib/config/file/files.ts";
import { hash, KEY, KEY_HASH, SECRET, TEXT, withFiles } from "./world.ts";

Deno.test("the API is not there until the configuration opens it", () =>
  withFiles(async (world) => {
    world.open = false;
    equal((await world.send("GET /admin/v1/models")).status, 0);
  }));

for (const key of ["", "wrong", `${KEY} `.repeat(2), KEY_HASH]) {
  Deno.test(`the API refuses ${JSON.stringify(key)} as its key`, () =>
    withFiles(async (world) => {
      const { status, headers } = await world.send("DELETE /admin/v1/models/fast", { key });
      deepEqual([status, headers.get("www-authenticate")], [401, "Bearer"]);
      equal(await world.text(), TEXT);
    }));
}

Deno.test("a request without a key is refused, even if the hash in the configuration is that of an empty one", async () => {
  const entries = new ConfigEntries({ path: "adit.yaml", readFile, env: {} });
  const api = adminApi({
    entries,
    access: () => ({ keyHash: sha256Hex("") }),
    readBody: () => Promise.resolve(new Uint8Array()),
    reload: () => Promise.resolve([]),
    apisOf: () => undefined,
    audit: () => {},
  });
  for (const authorization of ["", "Bearer", "Bearer ", "Basic Og=="]) {
    const request = new Request("http://adit.test/", { headers: { authorization } });
    const { signal: clientGone } = new AbortController();
    const answer = await api({ path: "/admin/v1/models", remote: "127.0.0.1", request, clientGone });
    equal(answer?.status, 401, authorization);
  }
});

Deno.test("entries are listed from every file, without secrets, with references", () =>
  withFiles(async (world) => {
    const models = await world.send("GET /admin/v1/models");
    deepEqual(models.body["total"], 2);
    deepEqual(models.body["list"], [
      {
        id: "fast",
        name: "fast",
        entry: { provider: "east", id: "amazon.nova-lite-v1:0" },
        value: {
          display_name: "fast",
          provider: "amazon-bedrock",
          model_name: "amazon.nova-lite-v1:0",
          provider_key_id: "east",
        },
        apis: { chat: ["converse"] },
        place: "adit.yaml:13",
        revision: (await world.send("GET /admin/v1/models/fast")).body["revision"],
      },
      {
        id: "slow",
        name: "slow",
        entry: { provider: "east", id: "x" },
        value: { display_name: "slow", provider: "amazon-bedrock", model_name: "x", provider_key_id: "east" },
        place: "conf.d/slow.yaml:3",
        revision: (await world.send("GET /admin/v1/models/slow")).body["revision"],
      },
    ]);
    const { body } = await world.send("GET /admin/v1/providers/east");
    deepEqual(body["entry"], {
      type: "bedrock",
      region: "us-east-1",
      credentials: {
        // With a default, a reference may hold the secret itself.
        access_key_id: "[redacted]",
        secret_access_key: "[redacted]",
        session_token: "${env:TOKEN}",
      },
    });
    equal((await world.send("GET /admin/v1/callers")).body["total"], 1);
  }));

Deno.test("a created entry is written to the file, below the others, and takes effect at once", () =>
  withFiles(async (world) => {
    const body = { name: "vendor/new", entry: { provider: "east", id: "amazon.nova-pro-v1:0" } };
    const { status, headers, body: answer } = await world.send("POST /admin/v1/models", { body });
    equal(status, 201);
    deepEqual(answer["entry"], body.entry);
    equal(headers.get("location"), "/admin/v1/models/vendor%2Fnew");
    equal((await world.send("GET /admin/v1/models/vendor%2Fnew")).headers.get("etag"), headers.get("etag"));
    equal(
      await world.text(),
      TEXT.replace("# quick\n", "# quick\n  vendor/new:\n    provider: east\n    id: amazon.nova-pro-v1:0\n"),
    );
    equal(world.reloads, 1);
    deepEqual(world.audited, [{
      action: "create",
      section: "models",
      name: "vendor/new",
      file: `${world.folder}/adit.yaml`,
      remote: "127.0.0.1",
    }]);
    equal((await world.send("POST /admin/v1/models", { body })).status, 409);
  }));

Deno.test("an entry is changed in its own file, and omitted secrets are kept", () =>
  withFiles(async (world) => {
    const { body: before } = await world.send("GET /admin/v1/providers/east");
    const entry = { ...Object(before["entry"]), region: "eu-north-1" };
    const changed = await world.send("PUT /admin/v1/providers/east", { body: { ...before, entry } });
    equal(changed.status, 200);
    equal(
      await world.text(),
      TEXT.replace("us-east-1", "eu-north-1").replace(
        "credentials: # of the team",
        "credentials:\n      # of the team",
      ),
    );
    notEqual(changed.body["revision"], before["revision"]);

    equal(
      (await world.send("PATCH /admin/v1/models/slow", { body: { entry: { id: "y", api: "converse" } } }))
        .status,
      200,
    );
    equal(
      await world.text("conf.d/slow.yaml"),
      "models:\n  slow:\n    # from elsewhere\n    provider: east\n    id: y\n    api: converse\n",
    );
    await world.send("PATCH /admin/v1/models/slow", { body: { entry: { api: null } } });
    equal((await world.text("conf.d/slow.yaml")).includes("api"), false);
  }));

Deno.test("a secret that is sent is written, and a left-out one that was never there is refused", () =>
  withFiles(async (world) => {
    const credentials = { api_key: `${SECRET}-new` };
    const entry = { type: "bedrock", region: "us-west-2", credentials };
    equal((await world.send("PUT /admin/v1/providers/west", { body: { entry } })).status, 201);
    match(await world.text(), new RegExp(`api_key: ${SECRET}-new\n`));
    const redacted = { ...entry, credentials: { api_key: "[redacted]" } };
    equal((await world.send("PUT /admin/v1/providers/north", { body: { entry: redacted } })).status, 422);
  }));

Deno.test("an entry is deleted unless something needs it", () =>
  withFiles(async (world) => {
    const needed = await world.send("DELETE /admin/v1/providers/east");
    equal(needed.status, 409);
    match(JSON.stringify(needed.body["problems"]), /models\.fast\.provider: unknown provider/);
    equal(await world.text(), TEXT);
    const deleted = await world.send("DELETE /admin/v1/callers/search");
    deepEqual([deleted.status, deleted.body], [200, { id: "search", deleted: true }]);
    match(await world.text(), /\ncallers: \{\}\n/);
    equal((await world.send("DELETE /admin/v1/callers/search")).status, 404);
    deepEqual(world.audited.map(({ action }) => action), ["delete"]);
  }));

Deno.test("a request that expects another revision changes nothing", () =>
  withFiles(async (world) => {
    const path = "/admin/v1/callers/search";
    const etag = (await world.send(`GET ${path}`)).headers.get("etag") ?? "";
    const body = { entry: { disabled: true } };
    const stale = { body, headers: { "if-match": '"0000000000000000"' } };
    for (const method of ["PATCH", "PUT", "DELETE"]) {
      equal((await world.send(`${method} ${path}`, stale)).status, 412);
    }
    equal((await world.send(`PUT ${path}`, { body, headers: { "if-none-match": "*" } })).status, 412);
    equal(
      (await world.send("PUT /admin/v1/callers/nobody", { body, headers: { "if-match": "*" } })).status,
      412,
    );
    equal(await world.text(), TEXT);
    const fresh = { body, headers: { "if-match": `"other", ${etag}` } };
    equal((await world.send(`PATCH ${path}`, fresh)).status, 200);
    equal((await world.send(`PATCH ${path}`, fresh)).status, 412, "the revision is another one now");
  }));

const REFUSED: readonly (readonly [request: string, body: unknown, status: number, error: RegExp])[] = [
  ["POST /admin/v1/models", { name: "m", entry: { provider: "est", id: "x" } }, 422, /unknown provider/],
  ["POST /admin/v1/models", { name: "m", entry: { provider: "east", id: "x", maximum: 1 } }, 422, /maximum/],
  ["POST /admin/v1/models", { name: "no spaces", entry: { provider: "east", id: "x" } }, 422, /as the name/],
  ["POST /admin/v1/models", { entry: { provider: "east", id: "x" } }, 400, /missing name/],
  ["POST /admin/v1/models", { name: "m", entry: [] }, 400, /entry: expected an object/],
  ["POST /admin/v1/models", { name: "m", entry: {}, etag: 1 }, 400, /unknown member/],
  ["POST /admin/v1/models", "{", 400, /JSON/],
  ["POST /admin/v1/models", "[".repeat(100), 400, /nested/],
  ["PUT /admin/v1/models/%zz", { entry: {} }, 400, /percent-encoded/],
  ["PUT /admin/v1/callers/b", { entry: { key: hash("a") } }, 422, /caller \\"search\\" has the same key/],
  ["PATCH /admin/v1/models/nope", { entry: {} }, 404, /models\.nope does not exist/],
  ["GET /admin/v1/models/nope", undefined, 404, /models\.nope does not exist/],
  ["GET /admin/v1/models/constructor", undefined, 404, /does not exist/],
  ["DELETE /admin/v1/models", undefined, 405, /GET, HEAD, POST/],
  ["POST /admin/v1/models/fast", {}, 405, /PUT, PATCH, DELETE/],
];

for (const [request, body, status, error] of REFUSED) {
  Deno.test(`${request} with ${JSON.stringify(body)} is refused with ${status}`, () =>
    withFiles(async (world) => {
      const answer = await world.send(request, body === undefined ? {} : { body });
      equal(answer.status, status);
      match(JSON.stringify(answer.body), error);
      deepEqual([await world.text(), world.reloads, world.audited], [TEXT, 0, []]);
    }));
}

Deno.test("if the gateway rejects the changed files, the answer is an error with the problems", () =>
  withFiles(async (world) => {
    world.reloadProblems = ['Cannot listen on "127.0.0.1:1": permission denied'];
    const { status, body } = await world.send("DELETE /admin/v1/callers/search");
    deepEqual([status, body["problems"]], [500, world.reloadProblems]);
  }));

Deno.test("a body that is too large or too late is refused as elsewhere", async () => {
  const api = adminApi({
    entries: new ConfigEntries({ path: "/nowhere/adit.yaml", readFile, env: {} }),
    access: () => ({ keyHash: KEY_HASH }),
    readBody: () => Promise.reject(new AditError("body_too_large")),
    reload: () => Promise.resolve([]),
    apisOf: () => undefined,
    audit: () => {},
  });
  const headers = { authorization: `Bearer ${KEY}` };
  const request = new Request("http://adit.test/", { method: "POST", headers, body: "{}" });
  equal(
    (await api({ request, path: "/admin/v1/models", remote: "", clientGone: new AbortController().signal }))
      ?.status,
    413,
  );
});
