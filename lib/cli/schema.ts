/** `adit schema`: the JSON Schema that editors check and complete the configuration with. */

import { configJsonSchema } from "../config/schema/json_schema.ts";
import type { CliIo } from "./io.ts";
import { parseOptions } from "./options.ts";

const HELP = `Print the JSON Schema of the configuration.

Usage: adit schema

Editors check and complete a file whose first line is
# yaml-language-server: $schema=PATH
where PATH leads to what this prints.
`;

/** Runs `adit schema`; gives the exit code: 0, or 2 for wrong usage. */
export function schema(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(args, { help: HELP }, io);
  if (typeof options === "number") return Promise.resolve(options);
  io.out(configJsonSchema());
  return Promise.resolve(0);
}
