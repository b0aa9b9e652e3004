/** `adit schema`: the JSON Schema with which editors check and complete the configuration. */

import { configJsonSchema } from "../config/schema/json_schema.ts";
import type { CliIo } from "./io.ts";
import { parseOptions } from "./options.ts";

/** Runs `adit schema`; returns the exit code: 0, or 2 for wrong usage. */
export function schema(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("schema", args, io);
  if (typeof options === "number") return Promise.resolve(options);
  io.out(configJsonSchema());
  return Promise.resolve(0);
}
