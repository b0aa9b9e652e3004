/** Bundles the operator's page with its libraries, into the files that the program contains. */

import { BUN, repositoryPath } from "../../tests/repository.ts";
import { packagesIn } from "../release/sbom.ts";

/** The folder of the bundles, for a program that runs from its sources. */
export const BUILT = "lib/admin/page/built";

/** JSX becomes calls of Preact, so that the browser parses no templates. */
const BUN_OPTIONS = [
  "--target=browser",
  "--minify",
  "--production",
  "--jsx-runtime=automatic",
  "--jsx-import-source=preact",
];

const ENTRIES = { "page.js": "lib/admin/page/page.tsx", "page.css": "lib/admin/page/page.css" } as const;

export interface PageBundle {
  /** Text by name in `BUILT`. */
  readonly files: ReadonlyMap<string, string>;
  /** The bundled packages, such as `preact@11.2.0`. */
  readonly packages: readonly string[];
}

/** Bundles the page with the Bun that the Makefile installs; the same sources give the same bytes. */
export async function bundlePage(): Promise<PageBundle> {
  const files = new Map<string, string>();
  const packages = new Set<string>();
  for (const [name, entry] of Object.entries(ENTRIES)) {
    const metafile = await Deno.makeTempFile({ prefix: "adit-page-", suffix: ".json" });
    const { success, stdout, stderr } = await new Deno.Command(BUN, {
      args: ["build", entry, ...BUN_OPTIONS, `--metafile=${metafile}`],
      cwd: repositoryPath("."),
      env: { NODE_ENV: "production" },
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`Cannot bundle ${entry}: ${decoder.decode(stderr)}`);
    files.set(name, decoder.decode(stdout));
    for (const id of packagesIn(JSON.parse(await Deno.readTextFile(metafile)))) packages.add(id);
    await Deno.remove(metafile);
  }
  return { files, packages: [...packages] };
}
