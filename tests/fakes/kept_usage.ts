/** A usage ledger in a folder of its own, written by its own thread as in the program. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, TimerWheel } from "../../lib/base/clock.ts";
import { createLogger } from "../../lib/base/log/log.ts";
import { Ledger } from "../../lib/ledger/ledger.ts";
import { ledgerThread } from "../../lib/ledger/thread.ts";
import { workersIn } from "../../lib/runtime/workers.ts";
import type { RecordSink } from "../../lib/snapshot/record.ts";

export interface KeptUsage {
  readonly sink: RecordSink;
  readonly ledger: Ledger;
  /** Writes the remaining records and removes the folder; throws if a record was not written. */
  close(): Promise<void>;
}

export async function keepUsage(): Promise<KeptUsage> {
  const path = await mkdtemp(join(tmpdir(), "adit-usage-"));
  const startWorker = workersIn(() => new URL("../../", import.meta.url));
  const { ledger } = await Ledger.open({
    startThread: () => ledgerThread(startWorker),
    clock: systemClock,
    timers: new TimerWheel(systemClock),
    logger: createLogger(() => Promise.resolve(), { clock: systemClock }),
    settings: { path, requestDays: 30, hourDays: 400, maxBytes: 2 ** 31, required: true },
  });
  return {
    sink: ledger.add,
    ledger,
    async close() {
      await ledger.flush();
      const { written, dropped, error } = ledger.status;
      await ledger.close();
      await rm(path, { recursive: true });
      if (written === 0 || dropped > 0 || error !== undefined) {
        throw new Error(
          `Cannot keep usage: ${written} records written, ${dropped} dropped, ${error ?? "no error"}`,
        );
      }
    },
  };
}
