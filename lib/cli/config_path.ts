/** The default paths of the configuration. */

import { existsSync } from "node:fs";

import type { CliIo } from "./io.ts";

/** In order of precedence: in the working directory, for trying Adit out, then the service's. */
const DEFAULT_PATHS = ["config/adit.yaml", "/etc/adit/adit.yaml"] as const;
const [, INSTALLED] = DEFAULT_PATHS;

/** The given path, or ADIT_CONFIG, or the first default that exists, or else the last, for the error message. */
export function findConfig(given: string | undefined, env: CliIo["env"]): string {
  const configured = env["ADIT_CONFIG"] === "" ? undefined : env["ADIT_CONFIG"];
  return given ?? configured ?? DEFAULT_PATHS.find((path) => existsSync(path)) ?? INSTALLED;
}

/** Advice to add to the message if there is no configuration at the default paths; otherwise empty. */
export function missingAdvice(path: string, exists: (path: string) => boolean = existsSync): string {
  return path === INSTALLED && !exists(path) ? "; use --config FILE, or set ADIT_CONFIG" : "";
}
