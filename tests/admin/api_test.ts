/** The admin API in front of real files. */

import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { createHash } from "node:crypto";

import { adminApi, type AuditedChange } from "../../lib/admin/api.ts";
import { AditError } from "../../lib/base/errors.ts";
import type { JsonObject } from "../../lib/base/json.ts";
import { ConfigEntries } from "../../lib/config/entries.ts";
import { readFile } from "../../lib/config/files.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { formatProblem } from "../../lib/config/problems.ts";

const KEY = "adit-admin-key";
const KEY_HASH = createHash("sha256").update(KEY).digest("hex");
/** In every secret below; no answer and no line of the audit may have it. */
const SECRET = "hunter2";
const hash = (digit: string) => `sha256:${digit.repeat(64)}`;

const TEXT = `# Kept, like every comment here.
include: conf.d/*.yaml
providers:
  # the first
  east:
    type: bedrock
    region: us-east-1
    credentials: # of the team
      access_key_id: \${env:AWS_ID:-${SECRET}}
      secret_access_key: ${SECRET}
      session_token: \${env:TOKEN}
models:
  fast: { provider: east, id: amazon.nova-lite-v1:0 } # quick
callers:
  search:
    key: ${hash("a")}
    models: [fast]
    aws: { access_key_id: ADIT${SECRET}AAAAAAAA, secret_access_key: ${SECRET.repeat(6)} }
`;
const INCLUDED = `models:\n  slow: # from elsewhere\n    provider: east\n    id: x\n`;

interface Sent {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly key?: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonObject;
}

interface World {
  readonly folder: string;
  readonly audited: AuditedChange[];
  reloads: number;
  /** What the next reload finds wrong. */
  reloadProblems: readonly string[];
  open: boolean;
  send(request: string, sent?: Sent): Promise<Answer>;
  text(name?: string): Promise<string>;
}

const ENV = { TOKEN: `${SECRET}-token` };

async function withFiles(test: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "adit-admin-" });
  const path = `${folder}/adit.yaml`;
  await Deno.writeTextFile(path, TEXT);
  await Deno.mkdir(`${folder}/conf.d`);
  await Deno.writeTextFile(`${folder}/conf.d/slow.yaml`, INCLUDED);
  const world: World = {
    folder,
    audited: [],
    reloads: 0,
    reloadProblems: [],
    open: true,
    text: (name = "adit.yaml") => Deno.readTextFile(`${folder}/${name}`),
    async send(request, { body, headers = {}, key = KEY } = {}) {
      const [method = "", target = ""] = request.split(" ");
      const answer = await api({
        path: target,
        remote: "127.0.0.1",
        request: new Request("http://adit.test/", {
          method,
          headers: { ...(key === "" ? {} : { authorization: `Bearer ${key}` }), ...headers },
          ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        }),
      });
      if (answer === undefined) return { status: 0, headers: new Headers(), body: {} };
      const text = await answer.text();
      ok(!text.includes(SECRET), `a secret is shown in ${text}`);
      return {
        status: answer.status,
        headers: answer.headers,
        body: JSON.parse(text.replaceAll(`${folder}/`, "")),
      };
    },
  };
  const api = adminApi({
    entries: new ConfigEntries({ path, readFile, env: ENV }),
    access: () => world.open ? { keyHash: KEY_HASH } : undefined,
    readBody: async (request) => new Uint8Array(await request.arrayBuffer()),
    reload: () => {
      world.reloads++;
      return Promise.resolve(world.reloadProblems);
    },
    audit: (change) => world.audited.push(change),
  });
  try {
    await test(world);
    // Whatever the test did, the files are sound afterwards.
    const loaded = await loadConfig(path, { readFile, env: ENV });
    deepEqual(loaded.ok ? [] : loaded.problems.map(formatProblem), []);
    ok(!JSON.stringify(world.audited).includes(SECRET));
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
    deepEqual(names.filter((name) => name.startsWith(".")), [], "no temporary file is left");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

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

Deno.test("a created entry stands in the file, below the others, and is taken at once", () =>
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

Deno.test("an entry is changed in the file that it stands in, its secrets kept where they were left out", () =>
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
  ["POST /admin/v1/models", { entry: { provider: "east", id: "x" } }, 400, /no name/],
  ["POST /admin/v1/models", { name: "m", entry: [] }, 400, /entry: expected an object/],
  ["POST /admin/v1/models", { name: "m", entry: {}, etag: 1 }, 400, /unknown member/],
  ["POST /admin/v1/models", "{", 400, /JSON/],
  ["POST /admin/v1/models", "[".repeat(100), 400, /nested/],
  ["PUT /admin/v1/models/%zz", { entry: {} }, 400, /percent-encoded/],
  ["PUT /admin/v1/callers/b", { entry: { key: hash("a") } }, 422, /the same key as that of caller/],
  ["PATCH /admin/v1/models/nope", { entry: {} }, 404, /there is no models\.nope/],
  ["GET /admin/v1/models/nope", undefined, 404, /there is no models\.nope/],
  ["GET /admin/v1/models/constructor", undefined, 404, /there is no/],
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

Deno.test("AISIX's scripts make a provider key, a model and a caller's key, and change and delete them", () =>
  withFiles(async (world) => {
    const secret = JSON.stringify({
      access_key_id: "AKIAIOSFODNN7EXAMPLE",
      secret_access_key: `${SECRET}\${x}`,
      region: "us-west-2",
    });
    const key = await world.send("POST /admin/v1/provider_keys", {
      body: {
        display_name: "prod",
        provider: "amazon-bedrock",
        adapter: "bedrock",
        secret,
        strip_headers: [],
      },
    });
    equal(key.status, 201);
    deepEqual(key.body["value"], {
      display_name: "prod",
      provider: "amazon-bedrock",
      adapter: "bedrock",
      secret: "[redacted]",
      region: "us-west-2",
    });
    deepEqual(key.body["ignored"], ["strip_headers"]);
    match(await world.text(), /secret_access_key: hunter2\$\$\{x\}\n/);

    const model = await world.send("POST /admin/v1/models", {
      body: {
        display_name: "claude",
        provider: "amazon-bedrock",
        model_name: "anthropic.claude-haiku-4-5-20251001-v1:0",
        provider_key_id: key.body["id"],
      },
    });
    deepEqual([model.status, model.body["id"]], [201, "claude"]);
    const caller = await world.send("POST /admin/v1/apikeys", {
      body: { key_hash: "b".repeat(64), allowed_models: ["claude"] },
    });
    deepEqual([caller.status, caller.body["id"]], [201, "key-bbbbbbbbbbbb"]);

    await world.send("PATCH /admin/v1/models/claude", { body: { entry: { defaults: { max_tokens: 5 } } } });
    const changed = await world.send("PUT /admin/v1/models/claude", {
      body: { display_name: "claude", model_name: "anthropic.claude-sonnet-4-6" },
    });
    deepEqual(changed.body["entry"], {
      provider: "prod",
      id: "anthropic.claude-sonnet-4-6",
      defaults: { max_tokens: 5 },
    });
    const path = "/admin/v1/provider_keys/prod";
    const moved = await world.send(`PUT ${path}`, {
      body: { ...Object(key.body["value"]), api_base: "https://vpce.test" },
    });
    equal(moved.status, 200);
    match(
      await world.text(),
      /secret_access_key: hunter2\$\$\{x\}\n {4}endpoint: https:\/\/vpce\.test\n/,
    );
    for (const each of ["apikeys/key-bbbbbbbbbbbb", "models/claude", "provider_keys/prod"]) {
      equal((await world.send(`DELETE /admin/v1/${each}`)).status, 200, each);
    }
    equal(await world.text(), TEXT);
  }));

Deno.test("a secret may stay outside the file", () =>
  withFiles(async (world) => {
    await Deno.writeTextFile(
      `${world.folder}/secret.json`,
      JSON.stringify({ access_key_id: "AKIAIOSFODNN7EXAMPLE", secret_access_key: SECRET }),
    );
    const body = { display_name: "prod", secret_ref: "${file:secret.json}", region: "us-west-2" };
    const { status, body: answer } = await world.send("POST /admin/v1/provider_keys", { body });
    equal(status, 201);
    deepEqual(Object(answer["entry"]).credentials, { json: "${file:secret.json}" });
  }));

for (
  const body of [
    { display_name: "x", provider: "openai", secret: "sk" },
    { display_name: "x", adapter: "openai" },
    { display_name: "x", secret: "not json" },
    { display_name: "x", secret: JSON.stringify({ api_key: SECRET }) },
    { display_name: 5 },
    { display_name: "x", secret_ref: "plain" },
  ]
) {
  Deno.test(`a provider key ${JSON.stringify(body)} is refused`, () =>
    withFiles(async (world) => {
      equal((await world.send("POST /admin/v1/provider_keys", { body })).status, 400);
      equal(await world.text(), TEXT);
    }));
}

Deno.test("changes at the same time are made one after the other", () =>
  withFiles(async (world) => {
    const names = Array.from({ length: 8 }, (_, index) => `m${index}`);
    const body = (name: string) => ({ name, entry: { provider: "east", id: name } });
    const statuses = await Promise.all(
      names.map(async (name) => (await world.send("POST /admin/v1/models", { body: body(name) })).status),
    );
    deepEqual(statuses, names.map(() => 201));
    equal((await world.send("GET /admin/v1/models")).body["total"], 10);
  }));

Deno.test("files that are broken already are not touched", () =>
  withFiles(async (world) => {
    await Deno.writeTextFile(`${world.folder}/adit.yaml`, `${TEXT}unknown: 1\n`);
    const body = { name: "m", entry: { provider: "east", id: "x" } };
    for (
      const answer of [
        await world.send("POST /admin/v1/models", { body }),
        await world.send("GET /admin/v1/models"),
      ]
    ) {
      equal(answer.status, 409);
      match(JSON.stringify(answer.body["problems"]), /unknown key/);
    }
    equal(await world.text(), `${TEXT}unknown: 1\n`);
    await Deno.writeTextFile(`${world.folder}/adit.yaml`, TEXT);
  }));

Deno.test("mode and link of the file stay", () =>
  withFiles(async (world) => {
    const path = `${world.folder}/adit.yaml`;
    await Deno.rename(path, `${world.folder}/real.yaml`);
    await Deno.symlink("real.yaml", path);
    await Deno.chmod(path, 0o640);
    equal((await world.send("PATCH /admin/v1/models/fast", { body: { entry: { id: "z" } } })).status, 200);
    equal((await Deno.lstat(path)).isSymlink, true);
    equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o640);
    match(await world.text("real.yaml"), /id: z/);
  }));

Deno.test("a gateway that does not take the changed files is an error with its problems", () =>
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
    audit: () => {},
  });
  const headers = { authorization: `Bearer ${KEY}` };
  const request = new Request("http://adit.test/", { method: "POST", headers, body: "{}" });
  equal((await api({ request, path: "/admin/v1/models", remote: "" }))?.status, 413);
});
