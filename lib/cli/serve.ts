/** `adit serve`: runs the gateway until it is told to stop. */

import process from "node:process";
import { setTimeout as pass } from "node:timers/promises";
import { App } from "../app/app.ts";
import { messageOf } from "../base/errors.ts";
import { createLogger, type Logger } from "../base/log.ts";
import { findConfig } from "./config_path.ts";
import type { CliIo } from "./io.ts";
import { loadOrReport } from "./loaded.ts";
import { parseOptions } from "./options.ts";
import { systemdNotifier } from "./systemd.ts";
import { VERSION } from "./version.ts";

const HELP = `Run the gateway.

Usage: adit serve [--config FILE]

  --config FILE   the configuration; default: config/adit.yaml, then /etc/adit/adit.yaml

Log lines go to standard output as JSON. SIGHUP, a change of the file, and POST /-/reload on the admin
listener reload the configuration. SIGTERM and SIGINT stop accepting and let running requests finish
within timeouts.drain; a second signal ends at once.
`;

/** Runs `adit serve` until a signal comes; gives the exit code: 0, 1 where it failed, 2 for wrong usage. */
export async function serve(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(args, { help: HELP, strings: ["config"] }, io);
  if (typeof options === "number") return options;
  const configPath = findConfig(options.config);
  const loaded = await loadOrReport(configPath, io);
  if (loaded === undefined) return 1;
  const logger = createLogger(io.runtime.writeOut, { clock: io.clock });
  const { systemCalls } = io.runtime;
  const notifier = systemdNotifier({ env: io.env, pid: process.pid, systemCalls, logger });
  let app: App;
  try {
    app = await App.start(loaded, { ...io, configPath, logger, notifier, version: VERSION });
  } catch (error) {
    io.err(`${messageOf(error)}\n`);
    return 1;
  }
  return await untilStopped(app, logger);
}

/** How long the end waits for the log's reader, who may have stalled. */
const LAST_LINES_MS = 1_000;

/** Gives the exit code. */
async function drain(app: App, logger: Logger): Promise<number> {
  let code = 0;
  try {
    await app.drain();
  } catch (error) {
    logger.log("error", "cannot stop in good order", { error: String(error) });
    code = 1;
  }
  await Promise.race([logger.flush(), pass(LAST_LINES_MS)]);
  return code;
}

/** Resolves with the exit code when the gateway has drained, or at once at the second signal. */
function untilStopped(app: App, logger: Logger): Promise<number> {
  return new Promise((resolve) => {
    let stopping = false;
    function stop(): void {
      if (stopping) return resolve(1);
      stopping = true;
      drain(app, logger).then(resolve);
    }
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
    process.on("SIGHUP", () => app.reload("SIGHUP"));
    process.on("unhandledRejection", (reason) => {
      // One request's loose end must not end all the others.
      logger.log("error", "unhandled rejection", {
        error: reason instanceof Error ? reason.stack : String(reason),
      });
    });
  });
}
