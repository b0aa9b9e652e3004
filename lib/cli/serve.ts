/** `adit serve`: runs the gateway until a signal stops it. */

import process from "node:process";
import { setTimeout as pass } from "node:timers/promises";
import { Control } from "../app/control.ts";
import { messageOf } from "../base/errors.ts";
import { createLogger, type Logger } from "../base/log/log.ts";
import { LogTail } from "../base/log/log_tail.ts";
import { formatProblem } from "../base/problems.ts";
import type { LoadResult } from "../config/load.ts";
import { findConfig } from "./config_path.ts";
import type { CliIo } from "./io.ts";
import { writesToJournal } from "./service/journal.ts";
import { loadFrom } from "./loaded.ts";
import { parseOptions, wrongUsage } from "./options.ts";
import { Signals } from "./service/signals.ts";
import { systemdNotifier } from "./service/systemd.ts";
import { VERSION } from "./version.ts";

/** EX_CONFIG of sysexits(3); systemd does not restart the service after it. */
const INVALID_CONFIGURATION = 78;

/** Runs `adit serve` until a signal; returns the exit code: 0, 1 after a failure, 2 for wrong usage, 78 for an invalid configuration. */
export async function serve(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("serve", args, io);
  if (typeof options === "number") return options;
  const signals = io.signals ?? new Signals(io.clock);
  const configPath = findConfig(options.config, io.env);
  if (configPath === "-") {
    return wrongUsage(
      "serve",
      "Cannot serve the configuration from standard input, because it could not be reloaded",
      io,
    );
  }
  const logTail = new LogTail();
  const logger = createLogger(io.runtime.writeOut, {
    clock: io.clock,
    onLine: logTail.add,
    priorities: writesToJournal(io.env),
  });
  const control = await start({ configPath, io, signals, logger, logTail });
  return typeof control === "number" ? control : await untilStopped(control, { logger, signals });
}

interface Starting {
  readonly configPath: string;
  readonly io: CliIo;
  readonly signals: Signals;
  readonly logger: Logger;
  readonly logTail: LogTail;
}

/**
 * The running gateway, or the exit code. Nothing refers to the loaded configuration after the return: with many callers
 * it is large, and the running gateway does not need it.
 */
async function start({ configPath, io, signals, logger, logTail }: Starting): Promise<Control | number> {
  const loaded = await loadUnlessStopped(configPath, io, signals);
  // Nothing is running yet, so there is nothing to drain.
  if (loaded === undefined) return 0;
  if (!loaded.ok) {
    for (const problem of loaded.problems) {
      logger.log("error", "configuration problem", { problem: formatProblem(problem) });
    }
    await lastLines(logger);
    return INVALID_CONFIGURATION;
  }
  const { systemCalls } = io.runtime;
  const notifier = systemdNotifier({ env: io.env, pid: process.pid, systemCalls, logger });
  try {
    return await Control.start(loaded, { ...io, configPath, logger, logTail, notifier, version: VERSION });
  } catch (error) {
    logger.log("error", "cannot start", { error: messageOf(error) });
    await lastLines(logger);
    return 1;
  }
}

async function loadUnlessStopped(
  configPath: string,
  io: CliIo,
  { stopped }: Signals,
): Promise<LoadResult | undefined> {
  const box: { loaded?: LoadResult } = {};
  // `stopped` stays pending and keeps the result of the race in memory, so that must not be the configuration.
  await Promise.race([loadFrom(configPath, io).then((loaded) => void (box.loaded = loaded)), stopped]);
  const { loaded } = box;
  delete box.loaded;
  return loaded;
}

/** Maximum time to wait at exit for the reader of the log, which may have stalled. */
const LAST_LINES_MS = 1_000;

/** Returns the exit code. */
async function drain(control: Control, logger: Logger): Promise<number> {
  let code = 0;
  try {
    await control.drain();
  } catch (error) {
    logger.log("error", "graceful shutdown failed", { error: String(error) });
    code = 1;
  }
  await lastLines(logger);
  return code;
}

async function lastLines(logger: Logger): Promise<void> {
  await Promise.race([logger.flush(), pass(LAST_LINES_MS)]);
}

interface Running {
  readonly logger: Logger;
  readonly signals: Signals;
}

/** Resolves with the exit code when the gateway has drained, or immediately at a later signal. */
function untilStopped(control: Control, { logger, signals }: Running): Promise<number> {
  process.on("unhandledRejection", (reason) => {
    // An error in one request must not end the others.
    logger.log("error", "unhandled rejection", {
      error: reason instanceof Error ? reason.stack : String(reason),
    });
  });
  return new Promise((resolve) => {
    signals.handle({
      reload: () => void control.reload("SIGHUP"),
      stop: () => void drain(control, logger).then(resolve),
      ignored: (signal) =>
        logger.log("info", "signal ignored: less than a second after the first", { signal }),
      stopNow: (signal) => {
        logger.log("warn", "exiting immediately after a second signal", { signal });
        void lastLines(logger).then(() => resolve(1));
      },
    });
  });
}
