/** The history of recent reloads. */

import type { ReloadView } from "../../admin/contract/contract.ts";
import { cutList } from "../../base/log/log_words.ts";

const MAX_RELOADS = 20;
/** Limits for the names of one kind of change. */
const MAX_NAMES = { items: 100, chars: 128 } as const;

/** The last reloads and the start, newest first. */
export class ReloadHistory {
  #reloads: readonly ReloadView[];

  constructor(startedAt: string) {
    this.#reloads = [{ at: startedAt, reason: "start", ok: true, problems: [], changes: {} }];
  }

  get all(): readonly ReloadView[] {
    return this.#reloads;
  }

  add(reload: ReloadView): void {
    const changes = Object.entries(reload.changes).map(([what, names]) => [what, cutList(names, MAX_NAMES)]);
    this.#reloads = [{ ...reload, changes: Object.fromEntries(changes) }, ...this.#reloads].slice(
      0,
      MAX_RELOADS,
    );
  }
}
