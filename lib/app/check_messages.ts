/** What is exchanged with the thread that checks the configuration. */

import type { Problem } from "../base/problems.ts";
import { type ConfigDigests, digestsOf } from "../config/changes.ts";
import type { Fingerprints } from "../config/file/files.ts";
import type { LoadResult } from "../config/load.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";

/** What the thread is started with. */
export interface CheckerData {
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The key of this process: the secrets of the snapshot are sealed with it. */
  readonly sealingKey: Uint8Array;
}

/** `check` starts a check; its result arrives in pieces, of which `next` requests one more. */
export type CheckMessage = "check" | "next";

/** What is sent of a checked configuration. */
export type CheckedConfig =
  & { readonly files: Fingerprints; readonly warnings: readonly Problem[] }
  & (
    | { readonly ok: true; readonly snapshot: Snapshot; readonly digests: ConfigDigests }
    | { readonly ok: false; readonly problems: readonly Problem[] }
  );

/** The part of a loaded configuration that is plain data. */
export function summaryOf(loaded: LoadResult): CheckedConfig {
  const { files, warnings } = loaded;
  return loaded.ok
    ? { ok: true, files, warnings, snapshot: loaded.snapshot, digests: digestsOf(loaded.written.value) }
    : { ok: false, files, warnings, problems: loaded.problems };
}
