/** Loads the configuration for commands that need a valid one. */

import { resolve } from "node:path";

import { MAX_BYTES, modeOf, ReadError, readFile } from "../config/file/files.ts";
import { loadConfig, type LoadedConfig, type LoadResult } from "../config/load.ts";
import { formatProblem } from "../base/problems.ts";
import { findConfig, missingAdvice } from "./config_path.ts";
import type { CliIo } from "./io.ts";

/** The name of standard input in messages. */
const STDIN = "<stdin>";

/** The path for messages. */
export function shownPath(path: string): string {
  return path === "-" ? STDIN : path;
}

/** Loads the file, or standard input if the path is "-"; paths in it are then relative to the working directory. */
export async function loadFrom(path: string, io: CliIo): Promise<LoadResult> {
  if (path !== "-") return withAdvice(await loadConfig(path, { readFile, env: io.env }), path);
  const bytes = await io.readIn(MAX_BYTES + 1);
  const stdin = resolve(STDIN);
  const readStdin = () =>
    bytes.length > MAX_BYTES ? Promise.reject(new ReadError("EFBIG")) : Promise.resolve(bytes);
  return await loadConfig(STDIN, {
    readFile: (each) => each === stdin ? readStdin() : readFile(each),
    // Standard input has no permission bits.
    modeOf: (each) => each === stdin ? Promise.resolve(undefined) : modeOf(each),
    env: io.env,
  });
}

function withAdvice(loaded: LoadResult, path: string): LoadResult {
  const advice = missingAdvice(path);
  if (loaded.ok || advice === "") return loaded;
  return {
    ...loaded,
    problems: loaded.problems.map((each) => ({ ...each, message: each.message + advice })),
  };
}

/** The configuration, or undefined after its problems have been printed. */
export async function loadOrReport(
  given: string | undefined,
  io: CliIo,
): Promise<LoadedConfig | undefined> {
  const loaded = await loadFrom(findConfig(given, io.env), io);
  if (loaded.ok) return loaded;
  for (const problem of loaded.problems) io.err(`${formatProblem(problem)}\n`);
  return undefined;
}
