/** `adit keygen`: creates a caller's key; the configuration only contains its hash. */

import { sha256Hex } from "../base/hash.ts";
import { newCallerKey } from "../base/ids.ts";
import { NAME } from "../config/schema/values.ts";
import type { CliIo } from "./io.ts";
import { parseOptions, wrongUsage } from "./options.ts";

/** Runs `adit keygen`; returns the exit code: 0, or 2 for wrong usage, including an invalid caller name. */
export function keygen(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("keygen", args, io);
  if (typeof options === "number") return Promise.resolve(options);
  const name = options.name ?? "my-team";
  if (!NAME.test(name)) {
    const message = `Cannot name a caller ${
      JSON.stringify(name)
    }: expected letters, digits and . _ - (at most 64)`;
    return Promise.resolve(wrongUsage("keygen", message, io));
  }
  const key = newCallerKey();
  const hash = sha256Hex(key);
  if (options.format === "json") {
    io.out(`${JSON.stringify({ name, key, hash: `sha256:${hash}` }, null, 2)}\n`);
    return Promise.resolve(0);
  }
  io.out(`Key for the caller, which is not shown again:

${key}

Add under "callers:" in the configuration, with the models that the caller may use:

  ${name}:
    key: sha256:${hash}
    models: ["*"]
`);
  return Promise.resolve(0);
}
