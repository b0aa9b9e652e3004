/** Whether standard output is systemd's journal. */

import { fstatSync } from "node:fs";
import type { CliIo } from "../io.ts";

/** JOURNAL_STREAM identifies the journal's socket; programs with other output inherit it, too: systemd.exec(5). */
export function writesToJournal(env: CliIo["env"], statOf = statOfOutput): boolean {
  const stream = env["JOURNAL_STREAM"];
  return stream !== undefined && stream === statOf();
}

/** Device and inode of standard output; undefined if they cannot be read. */
function statOfOutput(): string | undefined {
  try {
    const { dev, ino } = fstatSync(1, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
