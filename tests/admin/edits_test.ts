/** What changes through the admin API make of an entry, and what they leave of it. */

import { deepEqual, equal, match } from "node:assert/strict";

import { TEXT, withFiles } from "./world.ts";

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

Deno.test("the name of the path may stand in the body, and the name that a key's hash would give does not count", () =>
  withFiles(async (world) => {
    const bodies: readonly (readonly [request: string, body: unknown])[] = [
      ["PUT /admin/v1/models/fast", { name: "fast", entry: { provider: "east", id: "x" } }],
      ["PUT /admin/v1/models/fast", { name: null, entry: { provider: "east", id: "y" } }],
      ["PATCH /admin/v1/models/fast", { display_name: "fast", model_name: "z" }],
      ["PUT /admin/v1/apikeys/search", { key_hash: "b".repeat(64), allowed_models: ["fast"] }],
    ];
    for (const [request, body] of bodies) equal((await world.send(request, { body })).status, 200, request);
  }));
