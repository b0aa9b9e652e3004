/** The result of a reload. */

import { cutList } from "../base/log/log_words.ts";
import type { ConfigChanges } from "../config/changes.ts";

/** The problems that prevented a reload, or its changes. */
export interface ReloadResult {
  readonly problems: readonly string[];
  readonly changes: ConfigChanges;
}

/** A refused reload; it changed nothing. */
export function refused(problems: readonly string[]): ReloadResult {
  return { problems, changes: {} };
}

/** Limits for the names in a log line. */
const MAX_CHANGES = { items: 20, chars: 128 } as const;

/** The changes as logged. */
export function shortened(changes: ConfigChanges): ConfigChanges {
  return Object.fromEntries(
    Object.entries(changes).map(([what, names]) => [what, cutList(names, MAX_CHANGES)]),
  );
}
