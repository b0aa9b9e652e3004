import assert from "node:assert/strict";
import { BUILT, bundlePage } from "../../scripts/page/bundle.ts";
import { readRepositoryFile } from "../meta/sources.ts";

Deno.test("the page in the program is the one of its sources; make page bundles it again", async () => {
  const { files, packages } = await bundlePage();
  for (const [name, text] of files) {
    assert.ok(readRepositoryFile(`${BUILT}/${name}`) === text, `${BUILT}/${name} is out of date`);
  }
  assert.deepEqual(packages.map((id) => id.split("@")[0]).sort(), ["preact", "uplot"]);
});
