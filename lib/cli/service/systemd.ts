/**
 * systemd's notification protocol, sd_notify(3): the service's state, and watchdog pings from the event loop.
 */

import type { Notifier } from "../../app/control.ts";
import { encodeUtf8 } from "../../base/bytes.ts";
import { type Repeat, repeatByInterval } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log/log.ts";
import type { SystemCalls } from "../../runtime/system_calls.ts";

export interface SystemdOptions {
  /** Contains `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, if systemd set them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly systemCalls: SystemCalls;
  readonly logger: Logger;
  readonly repeat?: Repeat;
}

type Assignments = Readonly<Record<string, string | number | bigint>>;

/** systemd limits messages to 4,096 bytes; a character of the status takes up to three. */
const MAX_STATUS_CHARS = 1_000;

/** Time after the drain: to close the admin listener, flush the log, and exit. */
const LEAVING_MS = 5_000;

/**
 * Notifies systemd through `NOTIFY_SOCKET`; undefined if it is not set. A failure to notify is logged, and the
 * service continues.
 */
export function systemdNotifier(options: SystemdOptions): Notifier | undefined {
  const { env, systemCalls, logger, repeat = repeatByInterval } = options;
  const socket = env["NOTIFY_SOCKET"] ?? "";
  if (socket === "") return undefined;
  let isReported = false;
  let isWatched = false;

  /** The message is created inside the `try`, because that may fail, too. */
  function notify(message: () => Assignments): void {
    try {
      const lines = Object.entries(message()).map(([name, value]) => `${name}=${value}\n`);
      systemCalls.sendDatagram(socket, encodeUtf8(lines.join("")));
      isReported = false;
    } catch (error) {
      if (isReported) return;
      isReported = true;
      logger.log("warn", "cannot notify systemd", { error: messageOf(error) });
    }
  }

  function watch(isAlive: () => boolean): void {
    const everyMs = watchdogIntervalMs(options);
    if (isWatched || everyMs === undefined) return;
    isWatched = true;
    repeat(everyMs, () => {
      if (isAlive()) notify(() => ({ WATCHDOG: 1 }));
    });
  }

  return {
    ready: (status, isAlive) => {
      notify(() => ({ READY: 1, STATUS: oneLine(status) }));
      watch(isAlive);
    },
    reloading: () =>
      notify(() => ({
        RELOADING: 1,
        MONOTONIC_USEC: systemCalls.monotonicMicroseconds(),
        STATUS: "reading the configuration",
      })),
    // The configuration sets the time to drain, which may be longer than the unit's TimeoutStopSec.
    stopping: (withinMs) =>
      notify(() => ({
        STOPPING: 1,
        STATUS: "finishing in-flight requests",
        EXTEND_TIMEOUT_USEC: (withinMs + LEAVING_MS) * 1000,
      })),
  };
}

/** Half of systemd's watchdog timeout, as sd_watchdog_enabled(3) recommends; undefined if there is none. */
function watchdogIntervalMs({ env, pid }: SystemdOptions): number | undefined {
  const limitUs = Number(env["WATCHDOG_USEC"]);
  const watchedPid = env["WATCHDOG_PID"] ?? String(pid);
  if (!(limitUs > 0) || watchedPid !== String(pid)) return undefined;
  return limitUs / 2000;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").slice(0, MAX_STATUS_CHARS);
}
