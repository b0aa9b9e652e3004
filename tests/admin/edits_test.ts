/** What changes through the admin API make of an entry, and what they leave of it. */

import { deepEqual, equal, match } from "node:assert/strict";
import { parse } from "yaml";

import type { JsonObject } from "../../lib/base/json.ts";
import { hash, SECRET, TEXT, withFiles } from "./world.ts";

Deno.test("the etag of a change is that of the entry as it is read afterwards, whatever the order of its members", () =>
  withFiles(async (world) => {
    const path = "/admin/v1/models/fast";
    const entry = { id: "amazon.nova-pro-v1:0", api: "converse", provider: "east" };
    const changed = await world.send(`PUT ${path}`, { body: { entry } });
    equal(changed.status, 200);
    const etag = changed.headers.get("etag") ?? "";
    const read = await world.send(`GET ${path}`);
    deepEqual([etag, changed.body], [read.headers.get("etag"), read.body]);
    const headers = { "if-match": etag };
    equal((await world.send(`PATCH ${path}`, { body: { entry: { api: "invoke" } }, headers })).status, 200);
  }));

const RENAMES: readonly (readonly [request: string, body: unknown, error: RegExp])[] = [
  ["PUT /admin/v1/models/fast", { display_name: "renamed", model_name: "x" }, /^display_name: .*"fast"/],
  ["PATCH /admin/v1/models/fast", { display_name: "renamed" }, /^display_name: /],
  [
    "PUT /admin/v1/models/new",
    { display_name: "other", model_name: "x", provider_key_id: "east" },
    /^display_name: /,
  ],
  ["PUT /admin/v1/models/fast", { name: "renamed", entry: { provider: "east", id: "x" } }, /^name: .*"fast"/],
  ["PATCH /admin/v1/models/fast", { name: "renamed", entry: { id: "x" } }, /^name: /],
  ["PATCH /admin/v1/models/fast", { name: 5, entry: { id: "x" } }, /^name: /],
];

for (const [request, body, error] of RENAMES) {
  Deno.test(`${request} with ${JSON.stringify(body)} is refused: it asks for another name`, () =>
    withFiles(async (world) => {
      const answer = await world.send(request, { body });
      equal(answer.status, 400);
      match(String(answer.body["error"]), error);
      deepEqual([await world.text(), world.reloads], [TEXT, 0]);
    }));
}

Deno.test("the body may repeat the name in the path, and the name derived from a key's hash is ignored", () =>
  withFiles(async (world) => {
    const bodies: readonly (readonly [request: string, body: unknown])[] = [
      ["PUT /admin/v1/models/fast", { name: "fast", entry: { provider: "east", id: "x" } }],
      ["PUT /admin/v1/models/fast", { name: null, entry: { provider: "east", id: "y" } }],
      ["PATCH /admin/v1/models/fast", { display_name: "fast", model_name: "z" }],
      ["PUT /admin/v1/apikeys/search", { key_hash: "b".repeat(64), allowed_models: ["fast"] }],
    ];
    for (const [request, body] of bodies) equal((await world.send(request, { body })).status, 200, request);
  }));

const KEY_PATH = "/admin/v1/provider_keys/prod";
const NEW_PAIR = { access_key_id: "AKIDNEW", secret_access_key: `${SECRET}-new` };
const NEW_SECRET = JSON.stringify(NEW_PAIR);
const ROLE = { arn: "arn:aws:iam::111122223333:role/adit" };

/** What an entry of ours had, what AISIX's body says of it, and what the file then has of it. */
const ROTATIONS: readonly (readonly [before: JsonObject, body: JsonObject, after: JsonObject])[] = [
  [
    { access_key_id: "AKIDOLD", secret_access_key: `${SECRET}-old`, session_token: `${SECRET}-token` },
    { secret: NEW_SECRET },
    NEW_PAIR,
  ],
  [{ json: { accessKeyId: "AKIDOLD", secretAccessKey: SECRET } }, { secret: NEW_SECRET }, NEW_PAIR],
  [{ profile: "prod" }, { secret: NEW_SECRET }, NEW_PAIR],
  [{ api_key: SECRET }, { secret: NEW_SECRET }, NEW_PAIR],
  [{ caller: true }, { secret: NEW_SECRET }, NEW_PAIR],
  [{ profile: "prod", role: ROLE }, { secret: NEW_SECRET }, { ...NEW_PAIR, role: ROLE }],
  [{ profile: "prod", role: ROLE }, { secret_ref: "${file:secret.json}" }, {
    json: "${file:secret.json}",
    role: ROLE,
  }],
  [{ profile: "prod", role: ROLE }, { secret: "[redacted]" }, { profile: "prod", role: ROLE }],
  [{ profile: "prod" }, { secret: "***" }, { profile: "prod" }],
  [{ profile: "prod" }, {}, { profile: "prod" }],
];

for (const [before, body, after] of ROTATIONS) {
  for (const method of ["PUT", "PATCH"]) {
    const what = `${JSON.stringify(Object.keys(before))} with ${JSON.stringify(Object.entries(body))}`;
    Deno.test(`an AISIX body that brings credentials replaces the old ones: ${method} of ${what}`, () =>
      withFiles(async (world) => {
        await Deno.writeTextFile(
          `${world.folder}/secret.json`,
          JSON.stringify({ access_key_id: "AKIDNEW", secret_access_key: SECRET }),
        );
        const entry = { type: "bedrock", region: "eu-west-1", fips: true, credentials: before };
        equal((await world.send(`PUT ${KEY_PATH}`, { body: { entry } })).status, 201);
        const changed = await world.send(`${method} ${KEY_PATH}`, {
          body: { display_name: "prod", ...body },
        });
        equal(changed.status, 200, JSON.stringify(changed.body));
        deepEqual(parse(await world.text()).providers.prod, { ...entry, credentials: after });
      }));
  }
}

Deno.test("an AISIX PUT is the whole of what AISIX knows: what it leaves out goes, what only the file knows stays", () =>
  withFiles(async (world) => {
    const provider = {
      type: "bedrock",
      region: "eu-west-1",
      endpoint: "https://vpce.test",
      dualstack: false,
    };
    const caller = { key: hash("c"), models: ["fast", "slow"], expires: "2030-01-01" };
    await world.send(`PUT ${KEY_PATH}`, { body: { entry: provider } });
    await world.send("PUT /admin/v1/callers/team", { body: { entry: caller } });
    const changes: readonly (readonly [request: string, body: JsonObject])[] = [
      [`PUT ${KEY_PATH}`, { display_name: "prod", provider: "amazon-bedrock", region: "eu-north-1" }],
      ["PUT /admin/v1/apikeys/team", { key_hash: "d".repeat(64) }],
    ];
    for (const [request, body] of changes) equal((await world.send(request, { body })).status, 200, request);
    const { providers, callers } = parse(await world.text());
    deepEqual(providers.prod, { type: "bedrock", region: "eu-north-1", dualstack: false });
    deepEqual(callers.team, { key: hash("d"), expires: "2030-01-01" });
  }));

Deno.test("an AISIX PATCH changes the members it has, and removes those that are null", () =>
  withFiles(async (world) => {
    const provider = { type: "bedrock", region: "eu-west-1", endpoint: "https://vpce.test" };
    await world.send(`PUT ${KEY_PATH}`, { body: { entry: provider } });
    const patches: readonly (readonly [body: JsonObject, after: JsonObject])[] = [
      [{ region: "eu-north-1" }, { ...provider, region: "eu-north-1" }],
      [{ api_base: null }, { type: "bedrock", region: "eu-north-1" }],
    ];
    for (const [body, after] of patches) {
      equal((await world.send(`PATCH ${KEY_PATH}`, { body })).status, 200);
      deepEqual(parse(await world.text()).providers.prod, after);
    }
    const denied = await world.send("PATCH /admin/v1/apikeys/search", { body: { allowed_models: null } });
    equal(denied.status, 200);
    equal(parse(await world.text()).callers.search.models, undefined);
  }));

Deno.test("the only entry of a section in braces can be changed", () =>
  withFiles(async (world) => {
    const text = TEXT.replace(/models:[^]*?callers:[^]*$/, "models: { fast: { provider: east, id: x } }\n");
    await Deno.writeTextFile(`${world.folder}/adit.yaml`, text);
    equal((await world.send("PATCH /admin/v1/models/fast", { body: { entry: { id: "y" } } })).status, 200);
    equal(await world.text(), text.replace("id: x", "id: y"));
  }));

Deno.test("a list of models that grows keeps its comments in the file", () =>
  withFiles(async (world) => {
    const text = TEXT.replace(
      "models: [fast]",
      "models:\n      # for all\n      - fast # the quick one\n      # end",
    );
    await Deno.writeTextFile(`${world.folder}/adit.yaml`, text);
    const body = { display_name: "search", key_hash: "a".repeat(64), allowed_models: ["fast", "slow"] };
    equal((await world.send("PUT /admin/v1/apikeys/search", { body })).status, 200);
    equal(await world.text(), text.replace("the quick one\n", "the quick one\n      - slow\n"));
  }));
