/** Where the configuration is when the command line does not say. */

import { existsSync } from "node:fs";

/** Looked for in this order: beside the program while trying it out, then where a service keeps it. */
const DEFAULT_PATHS = ["config/adit.yaml", "/etc/adit/adit.yaml"] as const;

/** The given path, or the first default that exists, or else the last, so that the error names it. */
export function findConfig(given: string | undefined): string {
  const [, installed] = DEFAULT_PATHS;
  return given ?? DEFAULT_PATHS.find((path) => existsSync(path)) ?? installed;
}
