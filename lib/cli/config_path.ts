/** The default paths of the configuration. */

import { existsSync } from "node:fs";

import type { CliIo } from "./io.ts";

/** In order of precedence: in the working directory, for trying Adit out, then the service's. */
const DEFAULT_PATHS = ["config/adit.yaml", "/etc/adit/adit.yaml"] as const;

/** The given path, or ADIT_CONFIG, or the first default that exists, or else the last, for the error message. */
export function findConfig(given: string | undefined, env: CliIo["env"]): string {
  const [, installed] = DEFAULT_PATHS;
  const configured = env["ADIT_CONFIG"] === "" ? undefined : env["ADIT_CONFIG"];
  return given ?? configured ?? DEFAULT_PATHS.find((path) => existsSync(path)) ?? installed;
}
