/** The configuration's way in: read, parse, resolve, check, link; every problem of the file in one run. */

import { dirname, resolve } from "node:path";

import { decodeUtf8Strictly } from "../base/bytes.ts";
import { checkValues } from "./check.ts";
import { ConfigDocument } from "./document.ts";
import { readErrorReason, type ReadFile } from "./files.ts";
import { Outside } from "./interpolate.ts";
import { linkConfig } from "./link.ts";
import { type Problem, sortProblems } from "./problems.ts";
import { resolveValues } from "./resolve.ts";
import type { Snapshot } from "./snapshot.ts";
import { loadTls } from "./tls.ts";

export interface LoadOptions {
  readonly readFile: ReadFile;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Loaded {
  /** Absolute paths of the configuration and of every file it names, to be watched: a change may mend what is wrong. */
  readonly files: readonly string[];
  /** Doubtful but not wrong. */
  readonly warnings: readonly Problem[];
}

export type LoadResult =
  | Loaded & { readonly ok: true; readonly snapshot: Snapshot }
  | Loaded & { readonly ok: false; readonly problems: readonly Problem[] };

const MOST_BYTES = 1024 * 1024;

/** Loads the configuration; never throws for what is wrong with it or with the files it names. */
export async function loadConfig(path: string, options: LoadOptions): Promise<LoadResult> {
  const absolute = resolve(path);
  const outside = new Outside({ ...options, folder: dirname(absolute) });
  const files = () => [absolute, ...outside.files];
  const failed = (problems: readonly Problem[], warnings: readonly Problem[] = []): LoadResult => ({
    ok: false,
    files: files(),
    problems: sortProblems(problems),
    warnings: sortProblems(warnings),
  });

  const text = await readConfigText(path, options.readFile);
  if (!text.ok) return failed([{ file: path, line: 1, column: 1, path: "", message: text.reason }]);
  const document = new ConfigDocument(path, text.text);
  if (document.syntaxProblems.length > 0) return failed(document.syntaxProblems);
  const notMapping = document.problemOfRoot();
  if (notMapping !== undefined) return failed([notMapping]);

  const resolved = await resolveValues(document, outside);
  const checked = checkValues(resolved.value, document);
  const problems = [...resolved.problems, ...checked.problems];
  if (checked.sound === undefined) return failed(problems);
  const tls = await loadTls(checked.sound, document, outside);
  const linked = linkConfig(checked.sound, { document, cut: checked.cut, tls: tls.tls });
  problems.push(...tls.problems, ...linked.problems);
  if (problems.length > 0) return failed(problems, linked.warnings);
  return { ok: true, snapshot: linked.snapshot, warnings: sortProblems(linked.warnings), files: files() };
}

async function readConfigText(
  path: string,
  readFile: ReadFile,
): Promise<{ readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string }> {
  try {
    const text = decodeUtf8Strictly(await readFile(path, MOST_BYTES));
    if (text === undefined) return { ok: false, reason: "the file is not UTF-8 text" };
    return { ok: true, text };
  } catch (error) {
    return { ok: false, reason: `cannot read the file: ${readErrorReason(error)}` };
  }
}
