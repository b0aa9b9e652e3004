/** The default paths of the configuration. */

import { existsSync } from "node:fs";

/** In order of precedence: in the working directory for trying it out, then where services keep it. */
const DEFAULT_PATHS = ["config/adit.yaml", "/etc/adit/adit.yaml"] as const;

/** The given path, or the first default that exists, or else the last default, which the error then names. */
export function findConfig(given: string | undefined): string {
  const [, installed] = DEFAULT_PATHS;
  return given ?? DEFAULT_PATHS.find((path) => existsSync(path)) ?? installed;
}
