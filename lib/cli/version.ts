/** `adit version`: the version of this program. */

import manifest from "../../deno.json" with { type: "json" };
import type { Command } from "./io.ts";
import { parseOptions } from "./options.ts";

export const VERSION: string = manifest.version;

/** Runs `adit version`; returns the exit code: 0, or 2 for wrong usage. */
export const version: Command = (args, io) => {
  const options = parseOptions("version", args, io);
  if (typeof options === "number") return Promise.resolve(options);
  io.out(`adit ${VERSION} (${io.runtime.name} ${io.runtime.version})\n`);
  return Promise.resolve(0);
};
