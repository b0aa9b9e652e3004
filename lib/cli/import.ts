/** `adit import`: converts the configuration of another gateway. */

import { readText } from "../config/file/files.ts";
import { importLitellm } from "../config/litellm/convert.ts";
import type { CliIo } from "./io.ts";
import { parseOptions } from "./options.ts";

/** Runs `adit import`; returns the exit code: 0, 1 if nothing could be converted, 2 for wrong usage. */
export async function importConfig(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("import", args, io);
  if (typeof options === "number") return options;
  // LiteLLM's is the only format.
  const [, path = ""] = options.positionals;
  const text = await readText(path);
  if (!text.ok) {
    io.err(`Cannot read ${JSON.stringify(path)}: ${text.reason}\n`);
    return 1;
  }
  const imported = importLitellm(text.text);
  if (typeof imported === "string") {
    io.err(`Cannot import ${JSON.stringify(path)}: ${imported}\n`);
    return 1;
  }
  for (const warning of imported.warnings) io.err(`${warning} (warning)\n`);
  io.out(imported.text);
  return 0;
}
