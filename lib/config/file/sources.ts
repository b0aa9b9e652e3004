/** Reads the configuration file and its includes, and resolves their references. */

import { basename, dirname, isAbsolute, join, resolve } from "node:path";

import { isGlob } from "../../base/glob.ts";
import { ConfigDocument } from "./document.ts";
import { readErrorReason, type RecordingReader } from "./files.ts";
import type { Outside } from "./interpolate.ts";
import { type ConfigPart, isMapping, type Merged, mergeParts } from "./merge.ts";
import { type Path, type Problem, quotePath } from "../../base/problems.ts";
import { resolveValues } from "./plain_values.ts";
import { INCLUDE } from "../schema/values.ts";

/** The merged content of all files. */
export type Sources =
  | Merged & { readonly ok: true; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface SourcesOptions {
  readonly reader: RecordingReader;
  readonly outside: Outside;
}

const MAX_INCLUDED = 256;

/** Reads all files; if one of them is not valid YAML, they are not merged. */
export async function readSources(path: string, options: SourcesOptions): Promise<Sources> {
  const read = await options.outside.readText(resolve(path));
  if (!read.ok) {
    return { ok: false, problems: [fileProblem(path, `cannot read the file: ${read.reason}`)] };
  }
  const document = new ConfigDocument(path, read.text);
  if (document.syntaxProblems.length > 0) return { ok: false, problems: document.syntaxProblems };
  const resolved = await resolveValues(document, options.outside);
  const main = { document, value: resolved.value };
  const included = await readIncluded(main, options);
  if (included.unread.length > 0) {
    return { ok: false, problems: [...resolved.problems, ...included.problems, ...included.unread] };
  }
  const merged = mergeParts(main, included.parts);
  return {
    ok: true,
    ...merged,
    problems: [...resolved.problems, ...included.problems, ...merged.problems],
    warnings: included.warnings,
  };
}

interface Included {
  readonly parts: readonly ConfigPart[];
  readonly problems: readonly Problem[];
  /** Problems of included files that cannot be read. References to their content are then not checked. */
  readonly unread: readonly Problem[];
  readonly warnings: readonly Problem[];
}

async function readIncluded(main: ConfigPart, { reader, outside }: SourcesOptions): Promise<Included> {
  const parts: ConfigPart[] = [];
  const problems: Problem[] = [];
  const unread: Problem[] = [];
  const warnings: Problem[] = [];
  for (const { file, shown, place } of await findIncluded(main, reader, { problems: unread, warnings })) {
    const read = await outside.readText(resolve(file));
    if (!read.ok) {
      unread.push(main.document.problem(place, `cannot read file ${quotePath(shown)}: ${read.reason}`));
      continue;
    }
    const document = new ConfigDocument(file, read.text);
    unread.push(...document.syntaxProblems);
    if (document.syntaxProblems.length > 0) continue;
    const resolved = await resolveValues(document, outside);
    problems.push(...resolved.problems);
    parts.push({ document, value: resolved.value });
  }
  return { parts, problems, unread, warnings };
}

interface IncludedFile {
  /** Relative to the working directory, or absolute. */
  readonly file: string;
  /** Relative to the main file, or absolute. */
  readonly shown: string;
  /** Position of the pattern or path that includes it. */
  readonly place: Path;
}

/** The files to include: in order of the patterns, then by name, each once. */
async function findIncluded(
  { document, value }: ConfigPart,
  reader: RecordingReader,
  { problems, warnings }: { readonly problems: Problem[]; readonly warnings: Problem[] },
): Promise<readonly IncludedFile[]> {
  const found = new Map<string, IncludedFile>();
  const folder = dirname(document.file);
  for (const { pattern, place } of includePatterns(value)) {
    const names = isGlob(pattern) ? await listNames(pattern, place) : [basename(pattern)];
    for (const name of names) {
      const shown = join(dirname(pattern), name);
      const file = isAbsolute(pattern) ? shown : join(folder, shown);
      // A pattern may match the main file itself.
      if (resolve(file) !== resolve(document.file) && !found.has(resolve(file))) {
        found.set(resolve(file), { file, shown, place });
      }
    }
  }
  if (found.size > MAX_INCLUDED) {
    problems.push(
      document.problem(["include"], `expected at most ${MAX_INCLUDED} files, found ${found.size}`),
    );
  }
  return [...found.values()].slice(0, MAX_INCLUDED);

  async function listNames(pattern: string, place: Path): Promise<readonly string[]> {
    try {
      const names = await reader.list(resolve(folder, pattern));
      if (names.length === 0) warnings.push(document.problem(place, "no file matches the pattern"));
      return names;
    } catch (error) {
      const shown = quotePath(dirname(pattern));
      const reason = readErrorReason(error).replace("no such file", "no such folder");
      problems.push(document.problem(place, `cannot read folder ${shown}: ${reason}`));
      return [];
    }
  }
}

/** The valid entries of `include`; invalid ones are reported when the values are checked. */
function includePatterns(value: unknown): readonly { readonly pattern: string; readonly place: Path }[] {
  const include = isMapping(value) ? value["include"] : undefined;
  const all = Array.isArray(include) ? include : [include];
  return all.flatMap((pattern, index) => {
    const place = Array.isArray(include) ? ["include", index] : ["include"];
    return typeof pattern === "string" && INCLUDE.test(pattern) ? [{ pattern, place }] : [];
  });
}

function fileProblem(file: string, message: string): Problem {
  return { file, line: 1, column: 1, path: "", message };
}
