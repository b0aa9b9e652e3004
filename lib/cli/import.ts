/** `adit import`: converts the configuration of another gateway. */

import { readText } from "../config/file/files.ts";
import { importLitellm } from "../config/litellm/convert.ts";
import type { CliIo } from "./io.ts";
import { parseOptions } from "./options.ts";

const HELP = `Convert the configuration of another gateway to one of Adit's, and print it.

Usage: adit import litellm FILE

  litellm FILE   config.yaml of LiteLLM's proxy; its Bedrock models are converted

What cannot be converted is listed in comments. Literal secrets in the file are copied, marked with a comment
and reported on standard error; os.environ/NAME becomes \${env:NAME}.
`;

/** Converts a text of a format, or returns the reason it cannot be converted. */
const FORMATS = new Map([["litellm", importLitellm]]);

/** Runs `adit import`; returns the exit code: 0, 1 if nothing could be converted, 2 for wrong usage. */
export async function importConfig(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(args, { help: HELP, positionals: ["FORMAT", "FILE"] }, io);
  if (typeof options === "number") return options;
  const [format = "", path = ""] = options.positionals;
  const importText = FORMATS.get(format);
  if (importText === undefined) {
    io.err(`Unknown format ${JSON.stringify(format)}\n\n${HELP}`);
    return 2;
  }
  const text = await readText(path);
  if (!text.ok) {
    io.err(`Cannot read ${JSON.stringify(path)}: ${text.reason}\n`);
    return 1;
  }
  const imported = importText(text.text);
  if (typeof imported === "string") {
    io.err(`Cannot import ${JSON.stringify(path)}: ${imported}\n`);
    return 1;
  }
  for (const warning of imported.warnings) io.err(`${warning} (warning)\n`);
  io.out(imported.text);
  return 0;
}
