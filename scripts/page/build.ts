/** Writes the bundles of the operator's page, which the program contains: `make page`. */

import { repositoryPath } from "../../tests/repository.ts";
import { BUILT, bundlePage } from "./bundle.ts";

await Deno.mkdir(repositoryPath(BUILT), { recursive: true });
for (const [name, text] of (await bundlePage()).files) {
  await Deno.writeTextFile(repositoryPath(`${BUILT}/${name}`), text);
}
