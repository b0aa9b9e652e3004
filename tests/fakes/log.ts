/** A log that is discarded. */

import type { Logger } from "../../lib/base/log/log.ts";

export const SILENT: Logger = { level: "error", log() {}, add() {}, flush: () => Promise.resolve() };
