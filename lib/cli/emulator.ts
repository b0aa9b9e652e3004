/** `adit emulator`: runs only the built-in Bedrock emulator, for any Bedrock client. */

import process from "node:process";
import { messageOf } from "../base/errors.ts";
import { bracketed } from "../base/host.ts";
import { parseListenAddress } from "../config/schema/values.ts";
import { EMULATOR_API_KEY, EMULATOR_CREDENTIALS } from "../emulator/server/credentials.ts";
import type { CliIo } from "./io.ts";
import { parseOptions, wrongUsage } from "./options.ts";

const DEFAULT_LISTEN = "127.0.0.1:8090";

/**
 * Runs `adit emulator` until a signal; returns the exit code: 0, 1 if it cannot listen, 2 for wrong usage.
 */
export async function emulator(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("emulator", args, io);
  if (typeof options === "number") return options;
  const text = options.listen ?? DEFAULT_LISTEN;
  const address = parseListenAddress(text);
  if (address === undefined) {
    return wrongUsage("emulator", `Cannot listen on ${JSON.stringify(text)}: expected HOST:PORT`, io);
  }
  // Imported here, so that other commands do not load it.
  const { createEmulator } = await import("../emulator/emulator.ts");
  const { handle } = createEmulator({ clock: io.clock });
  try {
    const server = io.runtime.serve({ ...address, handle });
    io.out(`Bedrock emulator listening on http://${bracketed(server.hostname)}:${server.port}
  access key id      ${EMULATOR_CREDENTIALS.accessKeyId}
  secret access key  ${EMULATOR_CREDENTIALS.secretAccessKey.reveal()}
  or API key         ${EMULATOR_API_KEY.reveal()}
`);
    await untilSignal();
    await server.close();
    return 0;
  } catch (error) {
    io.err(`${messageOf(error)}\n`);
    return 1;
  }
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
}
