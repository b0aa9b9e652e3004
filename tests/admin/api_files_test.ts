/** What the admin API does to files that others use, too. */

import { deepEqual, equal, match } from "node:assert/strict";

import { TEXT, withFiles } from "./world.ts";

Deno.test("concurrent changes are made one after another", () =>
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
