/** Starts the ledger's thread. */

import type { StartWorker } from "../runtime/workers.ts";
import type { FromLedger, LedgerPort } from "./messages.ts";

/** The connection to a thread that runs `worker.ts`. */
export function ledgerThread(startWorker: StartWorker): LedgerPort {
  let receive: (message: FromLedger) => void = () => {};
  let ended: (reason: string) => void = () => {};
  const worker = startWorker("ledger", {
    data: undefined,
    onMessage: (message) => receive(message as FromLedger),
    onEnd: (reason) => ended(reason),
  });
  return {
    send: (message) => worker.send(message),
    onMessage: (callback) => receive = callback,
    onEnd: (callback) => ended = callback,
    terminate: () => void worker.end(),
  };
}
