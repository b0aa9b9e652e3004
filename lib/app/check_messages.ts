/** Messages to and from the thread that checks the configuration. */

import type { Problem } from "../base/problems.ts";
import { changesBetween, type ConfigChanges, type ConfigDigests, digestsOf } from "../config/changes.ts";
import type { Fingerprints } from "../config/file/files.ts";
import type { LoadResult } from "../config/load.ts";
import type { FileCopies } from "./page/view_messages.ts";
import { type PackedSnapshot, packSnapshot } from "../snapshot/packed_callers.ts";

/** Start data of the thread. */
export interface CheckerData {
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The key of this process: the secrets of the snapshot are sealed with it. */
  readonly sealingKey: Uint8Array;
}

/**
 * Starts a check. Its result includes the differences from the configuration with these digests, and arrives in pieces;
 * `next` requests one more.
 */
export type CheckMessage = { readonly check: ConfigDigests } | "next";

/** The result of a check, in the form that is sent. */
export type CheckedConfig =
  & { readonly files: Fingerprints; readonly warnings: readonly Problem[] }
  & (
    | {
      readonly ok: true;
      readonly snapshot: PackedSnapshot;
      readonly digests: ConfigDigests;
      /** Copies of its files, for the operator's page. */
      readonly copies: FileCopies;
      readonly changes: ConfigChanges;
    }
    | { readonly ok: false; readonly problems: readonly Problem[] }
  );

/** The part of a loaded configuration that is plain data. */
export async function summaryOf(
  loaded: LoadResult,
  { before, copies }: { readonly before: ConfigDigests; readonly copies: () => Promise<FileCopies> },
): Promise<CheckedConfig> {
  const { files, warnings } = loaded;
  if (!loaded.ok) return { ok: false, files, warnings, problems: loaded.problems };
  const digests = digestsOf(loaded.written.value);
  const changes = changesBetween(before, digests);
  const snapshot = packSnapshot(loaded.snapshot);
  return { ok: true, files, warnings, snapshot, digests, changes, copies: await copies() };
}
