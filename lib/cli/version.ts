/** `adit version`: the version of this program. */

import manifest from "../../deno.json" with { type: "json" };
import type { Command } from "./io.ts";

export const VERSION: string = manifest.version;

export const version: Command = (_args, { out, runtime }) => {
  out(`adit ${VERSION} (${runtime.name} ${runtime.version})\n`);
  return Promise.resolve(0);
};
