/** Loads a configuration: read, parse, resolve, check, link. Reports all problems in one run. */

import { dirname, resolve } from "node:path";

import { systemClock } from "../base/clock.ts";
import { checkValues } from "./schema/check_values.ts";
import { loadAuthorities } from "./link/authorities.ts";
import { type DataTables, loadData } from "./link/data.ts";
import { worldReadableSecrets } from "./world_readable_secrets.ts";
import {
  type Fingerprints,
  type ListFolder,
  type ModeOf,
  modeOf,
  type ReadFile,
  RecordingReader,
} from "./file/files.ts";
import { Outside } from "./file/interpolate.ts";
import { linkConfig } from "./link/link.ts";
import { missingProfiles } from "./link/profiles.ts";
import type { SourceMap } from "./file/source_map.ts";
import { type Problem, sortProblems } from "../base/problems.ts";
import { Config } from "./schema/config_file.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { readSources, type SourcesOptions } from "./file/sources.ts";
import { loadTls } from "./link/tls.ts";

export interface LoadOptions {
  readonly readFile: ReadFile;
  /** Default: the real file system. */
  readonly listFolder?: ListFolder;
  /** Default: the real file system. */
  readonly modeOf?: ModeOf;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: the system clock. For warnings about expired keys and certificates. */
  readonly nowMs?: number;
}

/** Facts about the files, whether or not they are valid. */
interface Read {
  /** All files to watch, also after a failure, because a change of any of them may fix it. */
  readonly files: Fingerprints;
  /** Possible mistakes that do not prevent the start. */
  readonly warnings: readonly Problem[];
}

/** The values of the files with references resolved and without defaults; contains secrets in the clear. */
export interface Written {
  readonly value: unknown;
  readonly sourceMap: SourceMap;
}

/** A configuration that can be run. */
export interface LoadedConfig extends Read {
  readonly ok: true;
  readonly snapshot: Snapshot;
  readonly written: Written;
  /** The data tables used to build the snapshot. */
  readonly tables: DataTables;
}

export type LoadResult = LoadedConfig | Read & { readonly ok: false; readonly problems: readonly Problem[] };

/** The values of the files, unchecked; undefined if the files cannot be read. */
export async function readWritten(path: string, options: LoadOptions): Promise<Written | undefined> {
  const sources = await readSources(path, readersFor(path, options));
  return sources.ok ? { value: sources.value, sourceMap: sources.sourceMap } : undefined;
}

function readersFor(path: string, { readFile, listFolder, env }: LoadOptions): SourcesOptions {
  const reader = new RecordingReader(readFile, listFolder);
  return { reader, outside: new Outside({ reader, env, folder: dirname(resolve(path)) }) };
}

/** Loads the configuration; problems with it or its files are returned, never thrown. */
export async function loadConfig(path: string, options: LoadOptions): Promise<LoadResult> {
  const nowMs = options.nowMs ?? systemClock.now();
  const { reader, outside } = readersFor(path, options);
  const failed = (problems: readonly Problem[], warnings: readonly Problem[] = []): LoadResult => ({
    ok: false,
    files: reader.fingerprints,
    problems: sortProblems(problems),
    warnings: sortProblems(warnings),
  });

  const sources = await readSources(path, { reader, outside });
  if (!sources.ok) return failed(sources.problems);
  const { sourceMap, value } = sources;
  const checked = checkValues(value, { schema: Config, sourceMap });
  const earlier = [...sources.problems, ...checked.problems];
  if (checked.sound === undefined) return failed(earlier);
  const tls = await loadTls(checked.sound, { section: "tls", sourceMap, outside, nowMs });
  const adminTls = await loadTls(checked.sound, { section: "admin_tls", sourceMap, outside, nowMs });
  const authorities = await loadAuthorities(checked.sound, { sourceMap, outside, nowMs });
  const data = await loadData(checked.sound, { sourceMap, outside });
  const linked = linkConfig(checked.sound, {
    sourceMap,
    cut: checked.cut,
    tls: tls.tls,
    adminTls: adminTls.tls,
    authorities: authorities.authorities,
    tables: data.tables,
    nowMs,
  });
  const exposed = await worldReadableSecrets(value, {
    schema: Config,
    sourceMap,
    modeOf: options.modeOf ?? modeOf,
  });
  const profiles = await missingProfiles(checked.sound, {
    sourceMap,
    readFile: options.readFile,
    env: options.env,
  });
  const certificates = {
    warnings: [...tls.warnings, ...adminTls.warnings, ...authorities.warnings],
    problems: [...tls.problems, ...adminTls.problems, ...authorities.problems],
  };
  const warnings = [
    ...sources.warnings,
    ...linked.warnings,
    ...certificates.warnings,
    ...profiles,
    ...exposed,
  ];
  const problems = [...earlier, ...certificates.problems, ...linked.problems, ...data.problems];
  if (problems.length > 0) return failed(problems, warnings);
  return {
    ok: true,
    snapshot: linked.snapshot,
    written: { value, sourceMap },
    tables: data.tables,
    warnings: sortProblems(warnings),
    files: reader.fingerprints,
  };
}
