/** `adit keygen`: makes a caller's key, of which the configuration holds only the hash. */

import { sha256Hex } from "../base/hash.ts";
import { newCallerKey } from "../base/ids.ts";
import { NAME } from "../config/schema/config_file.ts";
import type { CliIo } from "./io.ts";
import { parseOptions } from "./options.ts";

const HELP = `Make a key for a caller.

Usage: adit keygen [--name NAME]

  --name NAME   name of the caller in the configuration; default: my-team

The key is printed once and kept nowhere: give it to the caller. The configuration holds only its hash.
`;

/** Runs `adit keygen`; gives the exit code: 0, or 2 for wrong usage, a name that no caller can have included. */
export function keygen(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(args, { help: HELP, strings: ["name"] }, io);
  if (typeof options === "number") return Promise.resolve(options);
  const name = options.name ?? "my-team";
  if (!NAME.test(name)) {
    io.err(
      `Cannot name a caller ${JSON.stringify(name)}: letters, digits and . _ - (at most 64) are allowed\n`,
    );
    return Promise.resolve(2);
  }
  const key = newCallerKey();
  const hash = sha256Hex(key);
  io.out(`Key, for the caller; it is not shown again:

${key}

Under "callers:" in the configuration, with the models the caller may use:

  ${name}:
    key: sha256:${hash}
    models: ["*"]
`);
  return Promise.resolve(0);
}
