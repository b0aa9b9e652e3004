/** The program's workers: threads with separate entry points that exchange plain data with the program. */

import process from "node:process";
import { messageOf } from "../base/errors.ts";

/**
 * Entry points, by purpose, relative to `main.ts`. The tasks `build` and `compile` in `deno.json` must list each, so
 * that the binary contains it.
 */
export const WORKER_ENTRIES = {
  /** Reads and checks a configuration. */
  configuration: "lib/app/check_worker.ts",
  /** Reads the running configuration for the operator's page. */
  configuration_view: "lib/app/page/view_worker.ts",
  /** Writes the usage ledger and reads it. */
  ledger: "lib/ledger/worker.ts",
  /** Serves requests. */
  traffic: "lib/app/threads/traffic_worker.ts",
} as const;

export type WorkerName = keyof typeof WORKER_ENTRIES;

export interface WorkerOptions {
  /** Available to the worker as `workerData` of `node:worker_threads`. */
  readonly data: unknown;
  readonly onMessage: (message: unknown) => void;
  /** Called once when the worker exits or fails, but not after `end`. */
  readonly onEnd: (reason: string) => void;
}

export interface RunningWorker {
  /**
   * Sends plain data to `parentPort` of `node:worker_threads`. Send large memory as a buffer, not a view: in Deno
   * 2.9.6, the receiving worker visits every index of a view.
   */
  send(message: unknown): void;
  /** Ends the worker, whatever it is doing. */
  end(): Promise<void>;
}

/** Starts a worker; its code is loaded in the background. In Deno 2.9.6, the call takes 20 to 40 ms. */
export type StartWorker = (name: WorkerName, options: WorkerOptions) => RunningWorker;

/** Starts workers whose entry points are relative to `root()`, a URL that ends with a slash. */
export function workersIn(root: () => URL): StartWorker {
  return (name, { data, onMessage, onEnd }) => {
    // Not an import: the first thread starts after the gateway listens.
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const worker = new Worker(new URL(WORKER_ENTRIES[name], root()), { workerData: data });
    let isOver = false;
    const end = (reason: string) => {
      if (isOver) return;
      isOver = true;
      onEnd(reason);
    };
    worker.on("message", onMessage);
    worker.on("messageerror", (error) => end(messageOf(error)));
    worker.on("error", (error) => end(messageOf(error)));
    worker.on("exit", (code) => end(`exit code ${code}`));
    return {
      send: (message) => worker.postMessage(message),
      end: async () => {
        isOver = true;
        await worker.terminate();
      },
    };
  };
}
