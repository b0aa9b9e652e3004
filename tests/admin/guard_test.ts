/** The admin API reads no file and no variable for whoever asks, and leads no secret to another host. */

import { deepEqual, doesNotMatch, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";

import { replaceFile } from "../../lib/config/file/replace_file.ts";
import { hash, SECRET, TEXT, withFiles } from "./world.ts";

const PROVIDER = { type: "bedrock", region: "us-east-1" };
const PAIR = { access_key_id: "AKIDNEW", secret_access_key: "given-anew" };

/** Requests with a reference where no secret belongs, and the path of it. */
const READS: readonly (readonly [request: string, body: unknown, path: RegExp])[] = [
  [
    "POST /admin/v1/models",
    { name: "m", entry: { provider: "east", id: "${file:/etc/hostname}" } },
    /^models\.m\.id: /,
  ],
  ["PUT /admin/v1/models/m", { entry: { provider: "${env:HOME}", id: "x" } }, /^models\.m\.provider: /],
  [
    "PATCH /admin/v1/models/fast",
    { entry: { metadata: { note: "a ${env:TOKEN} b" } } },
    /^models\.fast\.metadata\.note: /,
  ],
  ["PATCH /admin/v1/models/fast", { entry: { defaults: { stop: ["${credential:x}"] } } }, /\.defaults\.stop/],
  ["PATCH /admin/v1/callers/search", { entry: { key: "${file:/etc/passwd}" } }, /^callers\.search\.key: /],
  [
    "PATCH /admin/v1/callers/search",
    { entry: { models: ["${env:TOKEN}"] } },
    /^callers\.search\.models\[0\]: /,
  ],
  ["PATCH /admin/v1/providers/east", { entry: { region: "${env:TOKEN}" } }, /^providers\.east\.region: /],
  [
    "POST /admin/v1/providers",
    { name: "p", entry: { ...PROVIDER, endpoint: "https://${env:TOKEN}.example" } },
    /^providers\.p\.endpoint: /,
  ],
  [
    "POST /admin/v1/providers",
    { name: "p", entry: { ...PROVIDER, credentials: { profile: "${file:/etc/passwd}" } } },
    /^providers\.p\.credentials\.profile: /,
  ],
];

for (const [request, body, path] of READS) {
  Deno.test(`${request} with ${JSON.stringify(body)} is refused: it would read for the one who asks`, () =>
    withFiles(async (world) => {
      const { status, body: answer } = await world.send(request, { body });
      equal(status, 422);
      match(String(Object(answer["problems"])[0]), path);
      match(String(Object(answer["problems"])[0]), /a reference is allowed only in place of a secret$/);
      deepEqual([await world.text(), world.reloads], [TEXT, 0]);
    }));
}

for (const key of ["__proto__", "constructor", "toString"]) {
  Deno.test(`a key that every object of JavaScript has is refused like any unknown one: ${key}`, () =>
    withFiles(async (world) => {
      const entry = JSON.parse(`{"provider": "east", "id": "x", ${JSON.stringify(key)}: {"a": "b"}}`);
      const { status, body } = await world.send("POST /admin/v1/models", { body: { name: "m", entry } });
      equal(status, 422, JSON.stringify(body));
      match(String(Object(body["problems"])[0]), new RegExp(`key "${key}"`));
      deepEqual([await world.text(), world.reloads], [TEXT, 0]);
    }));
}

Deno.test("references are accepted for secrets, and existing ones are kept", () =>
  withFiles(async (world) => {
    const credentials = { access_key_id: "AKID", secret_access_key: "${env:TOKEN}" };
    const body = { name: "west", entry: { ...PROVIDER, region: "us-west-2", credentials } };
    equal((await world.send("POST /admin/v1/providers", { body })).status, 201);
    await Deno.writeTextFile(
      `${world.folder}/adit.yaml`,
      (await world.text()).replace("region: us-east-1", "region: ${env:REGION:-us-east-1}"),
    );
    const kept = await world.send("PATCH /admin/v1/providers/east", { body: { entry: { fips: true } } });
    equal(kept.status, 200);
    match(await world.text(), /region: \$\{env:REGION:-us-east-1\}\n/);
    // Two dollar signs begin no reference.
    const literal = { entry: { metadata: { note: "$${x}" } } };
    equal(
      (await world.send("PATCH /admin/v1/models/fast", { body: literal })).status,
      422,
      "braces are not allowed there",
    );
  }));

/** Requests that would send a secret that the requester does not know to a host of the requester's. */
const MISLEADS: readonly (readonly [request: string, body: unknown])[] = [
  ["PATCH /admin/v1/providers/east", { entry: { endpoint: "https://evil.test" } }],
  [
    "PATCH /admin/v1/providers/east",
    { entry: { endpoint: "https://evil.test", credentials: { access_key_id: "AKIDNEW" } } },
  ],
  [
    "PUT /admin/v1/providers/east",
    {
      entry: {
        ...PROVIDER,
        endpoint: "https://evil.test",
        credentials: { access_key_id: "[redacted]", secret_access_key: "[redacted]" },
      },
    },
  ],
  [
    "PUT /admin/v1/providers/east",
    { entry: { ...PROVIDER, endpoint: "https://evil.test", credentials: { api_key: "${env:TOKEN}" } } },
  ],
  [
    "POST /admin/v1/providers",
    {
      name: "p",
      entry: { ...PROVIDER, endpoint: "http://evil.test", credentials: { api_key: "${file:/etc/hostname}" } },
    },
  ],
  ["PATCH /admin/v1/provider_keys/east", { api_base: "https://evil.test" }],
  ["PATCH /admin/v1/providers/east", { entry: { mantle_endpoint: "https://evil.test" } }],
  [
    "PATCH /admin/v1/providers/east",
    { entry: { endpoint: "https://evil.test", mantle_endpoint: "https://evil.test" } },
  ],
];

for (const [request, body] of MISLEADS) {
  Deno.test(`${request} with ${JSON.stringify(body)} is refused: the secret would go elsewhere`, () =>
    withFiles(async (world) => {
      const { status, body: answer } = await world.send(request, { body });
      equal(status, 422, JSON.stringify(answer));
      match(JSON.stringify(answer["problems"]), /must be given again|must be in the request/);
      deepEqual([await world.text(), world.reloads], [TEXT, 0]);
    }));
}

for (const key of ["proxy", "ca"]) {
  Deno.test(`${key} of a provider is not changed by the admin API`, () =>
    withFiles(async (world) => {
      const value = key === "proxy" ? "http://evil.test:3128" : "/etc/hostname";
      for (
        const [request, body] of [
          ["PATCH /admin/v1/providers/east", { entry: { [key]: value } }],
          ["PUT /admin/v1/providers/east", { entry: { ...PROVIDER, [key]: value } }],
          ["POST /admin/v1/providers", { name: "p", entry: { ...PROVIDER, [key]: value } }],
        ] as const
      ) {
        const { status, body: answer } = await world.send(request, { body });
        equal(status, 422, request);
        match(JSON.stringify(answer["problems"]), new RegExp(`${key}: can only be changed in the file`));
      }
      deepEqual([await world.text(), world.reloads], [TEXT, 0]);
    }));
}

Deno.test("a proxy in the file stays through edits of its provider, and cannot be taken out", () =>
  withFiles(async (world) => {
    const proxy = "proxy: http://user:hunter2@proxy.test:3128";
    const text = TEXT.replace("region: us-east-1", `region: us-east-1\n    ${proxy}`);
    await Deno.writeTextFile(`${world.folder}/adit.yaml`, text);
    const path = "/admin/v1/providers/east";
    const shown = await world.send(`GET ${path}`);
    doesNotMatch(JSON.stringify(shown.body), /hunter2/);
    equal((await world.send(`PATCH ${path}`, { body: { entry: { fips: true } } })).status, 200);
    match(await world.text(), new RegExp(proxy));
    equal((await world.send(`PATCH ${path}`, { body: { entry: { proxy: null } } })).status, 422);
    equal((await world.send(`PUT ${path}`, { body: { entry: PROVIDER } })).status, 422);
  }));

Deno.test("a new endpoint is accepted with its secret, and not with a reference to it", () =>
  withFiles(async (world) => {
    const path = "/admin/v1/providers/east";
    const credentials = { ...PAIR, session_token: null };
    const moved = await world.send(`PATCH ${path}`, {
      body: { entry: { endpoint: "https://vpce.test", credentials } },
    });
    equal(moved.status, 200, JSON.stringify(moved.body));
    const read = await world.send(`PATCH ${path}`, {
      body: { entry: { credentials: { secret_access_key: "${file:/etc/hostname}" } } },
    });
    equal(read.status, 422);
    equal((await world.send(`PATCH ${path}`, { body: { entry: { region: "us-west-2" } } })).status, 200);
    const back = await world.send(`PATCH ${path}`, { body: { entry: { endpoint: null } } });
    equal(back.status, 200, "AWS's own host may have the secret");
  }));

Deno.test("a file that was changed since it was read is not replaced", async () => {
  const folder = await Deno.makeTempDir({ prefix: "adit-replace-" });
  const path = join(folder, "adit.yaml");
  await Deno.writeTextFile(path, `\ufeff${SECRET}`);
  equal(await replaceFile(path, "mine", { expected: "older" }), false);
  equal(await Deno.readTextFile(path), `\ufeff${SECRET}`);
  await Deno.writeTextFile(path, "older");
  equal(await replaceFile(path, hash("a"), { expected: "older" }), true);
  equal(await Deno.readTextFile(path), hash("a"));
  await rejects(replaceFile(join(folder, "missing"), "x", { expected: "" }));
  deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["adit.yaml"]);
  await Deno.remove(folder, { recursive: true });
});
