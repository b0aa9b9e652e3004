/** Where things lie in the repository, whatever directory the tests run in. */

import { fileURLToPath } from "node:url";

/** The absolute path of a file given relative to the repository's root. */
export function repositoryPath(relative: string): string {
  return fileURLToPath(new URL(`../${relative}`, import.meta.url));
}

/** The Bun that the Makefile installs. */
export const BUN = repositoryPath(".tools/node_modules/.bin/bun");
