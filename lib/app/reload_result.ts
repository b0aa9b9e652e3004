/** What became of a reload. */

import { cutList } from "../base/log/log_words.ts";
import type { ConfigChanges } from "../config/changes.ts";

/** The problems that prevented a reload, or what it changed. */
export interface ReloadResult {
  readonly problems: readonly string[];
  readonly changes: ConfigChanges;
}

/** A reload that changed nothing. */
export function refused(problems: readonly string[]): ReloadResult {
  return { problems, changes: {} };
}

/** Names in one log line. */
const MAX_CHANGES = { items: 20, chars: 128 } as const;

/** The changes as they are logged. */
export function shortened(changes: ConfigChanges): ConfigChanges {
  return Object.fromEntries(
    Object.entries(changes).map(([what, names]) => [what, cutList(names, MAX_CHANGES)]),
  );
}
