/** What changes through the admin API make of an entry, and what they leave of it. */

import { deepEqual, equal } from "node:assert/strict";

import { withFiles } from "./world.ts";

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
