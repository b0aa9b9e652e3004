/** Loads the configuration for commands that need a valid one. */

import { readFile } from "../config/file/files.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { formatProblem } from "../base/problems.ts";
import { findConfig } from "./config_path.ts";
import type { CliIo } from "./io.ts";

/** The configuration, or undefined after its problems have been printed. */
export async function loadOrReport(
  given: string | undefined,
  io: CliIo,
): Promise<LoadedConfig | undefined> {
  const loaded = await loadConfig(findConfig(given), { readFile, env: io.env });
  if (loaded.ok) return loaded;
  for (const problem of loaded.problems) io.err(`${formatProblem(problem)}\n`);
  return undefined;
}
